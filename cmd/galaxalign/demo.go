package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxalign/galaxalign/cmd/internal/assemble"
	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/cmd/internal/demo"
	"github.com/galaxalign/galaxalign/cmd/internal/pipeline"
	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	dir      string
	listen   string
	rate     float64
	burst    bool
	seed     uint64
	duration time.Duration
}

func newDemo() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch simulated galaxies being sorted; needs nothing else",
		Long: `Starts an embedded Kafka-protocol broker, a simulated survey that publishes FITS cutouts to it, the
pipeline with the starter model, an embedded vector index and a web page, and prints the page's address.
The survey breaks one message in 211 and repeats one in 173, to show the dead letters and the
recognition of duplicates. An interrupt ends the survey, carries everything through and prints the
account; the exit status is not 0 when it does not balance.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "", "folder for everything the demo writes (default: a new temporary folder)")
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "address of the page (port 0: any free one)")
	f.Float64Var(&o.rate, "rate", 30, "cutouts a second")
	f.BoolVar(&o.burst, "burst", false, "publish as Rubin Observatory does: 10,000 in 3 s, every 37 s")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the simulated survey")
	f.DurationVar(&o.duration, "duration", 0, "stop in order after this time (0: run until interrupted)")
	return cmd
}

func runDemo(cmd *cobra.Command, o demoOptions) (err error) {
	if !o.burst && !(o.rate > 0) {
		return fmt.Errorf("--rate %g: want a number of cutouts a second above 0", o.rate)
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "galaxalign-demo-"); err != nil {
			return err
		}
	}
	rt, err := openRuntime(cmd)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rt.Close()) }()
	bundle := filepath.Join(o.dir, "starter")
	if err := starter.Unpack(bundle); err != nil {
		return err
	}
	broker, err := demo.StartBroker(filepath.Join(o.dir, "broker"))
	if err != nil {
		return err
	}
	defer broker.Close()
	survey, err := demo.NewSurvey(o.survey(), broker.Addresses())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, survey.Close()) }()
	cfg := demo.Configuration(o.dir, bundle, o.listen, broker.Addresses())
	r, err := assemble.Open(cmd.Context(), cfg, assemble.Options{Log: newLogger(cfg.Log), Runtime: rt, Title: "GalaxAlign demo"})
	if err != nil {
		return err
	}
	if address := r.Address(); address != "" {
		fmt.Fprintf(cmd.OutOrStdout(), "\n    watch the galaxies at  %s", address)
	}
	fmt.Fprint(cmd.OutOrStdout(), "\n    Ctrl-C to stop\n\n")
	return sortGalaxies(cmd, o, cfg, survey, r)
}

func (o demoOptions) survey() simulate.Config {
	cfg := simulate.Config{Seed: o.seed, Start: time.Now().UTC().Truncate(time.Second)}
	if o.rate > 0 {
		cfg.Cadence = time.Duration(float64(time.Second) / o.rate) // observed as fast as it is published
	}
	if o.burst {
		cfg.Distinct = 500 // 60 MB; rendering 10,000 galaxies in 3 s takes more cores than a demo has
	}
	return cfg
}

func (o demoOptions) pace() simulate.Pace {
	if o.burst {
		return simulate.LSSTBurst()
	}
	return simulate.Constant(o.rate)
}

// sortGalaxies runs survey and pipeline. The survey ends first; the pipeline then works off what was
// published, so that everything sent can be found in the account.
func sortGalaxies(cmd *cobra.Command, o demoOptions, cfg *config.Config, survey *demo.Survey, r *assemble.Run) error {
	publishing, stopSurvey := forDuration(cmd.Context(), o.duration)
	defer stopSurvey()
	working, stopWork := context.WithCancel(context.WithoutCancel(cmd.Context()))
	defer stopWork()
	surveyed := make(chan error, 1)
	go func() {
		err := survey.Run(publishing, o.pace())
		awaitArrival(working, r.Pipeline, survey, cfg.Pipeline.DrainTimeout.Std())
		stopWork()
		surveyed <- err
	}()
	started := time.Now()
	runErr := r.Pipeline.Run(working)
	stopSurvey()
	stopWork() // a run that failed will not work off anything more
	surveyErr := <-surveyed
	closing, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), cfg.Pipeline.DrainTimeout.Std())
	defer cancel()
	err := errors.Join(runErr, surveyErr, r.Close(closing))
	fmt.Fprintf(cmd.OutOrStdout(), "published    %d\n", survey.Sent())
	err = errors.Join(err, printSummary(cmd.OutOrStdout(), cfg, r.Pipeline, time.Since(started)))
	if received := r.Pipeline.Snapshot().Fetched; err == nil && received != survey.Sent() {
		return fmt.Errorf("%d messages were published and %d received", survey.Sent(), received)
	}
	return err
}

// awaitArrival waits until everything published has been worked off, for a limited time.
func awaitArrival(ctx context.Context, p *pipeline.Pipeline, survey *demo.Survey, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if s := p.Snapshot(); s.Fetched >= survey.Sent() && s.InFlight == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
