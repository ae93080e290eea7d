package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxalign/galaxalign/cmd/internal/assemble"
	"github.com/galaxalign/galaxalign/cmd/internal/config"
)

// pictures is how many cutouts a second the page shows at survey rates: more than anybody can look at.
const pictures = 10

func newRun() *cobra.Command {
	var file string
	var duration time.Duration
	cmd := &cobra.Command{
		Use:   "run -c FILE",
		Short: "Read Kafka topics and classify until stopped",
		Long: `Reads the topics of the configuration as a member of its consumer group, until an interrupt. The
first interrupt stops fetching and carries what is in flight through; a second one ends at once, and the
next start takes up what was not finished. The exit status is not 0 when the account does not balance.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(file)
			if err != nil {
				return err
			}
			if len(cfg.Source.Kafka.Brokers) == 0 {
				return fmt.Errorf("%s: source.kafka: no brokers and topics to read; galaxalign backfill reads files", file)
			}
			log := newLogger(cfg.Log)
			ctx, cancel := forDuration(cmd.Context(), duration)
			defer cancel()
			return runPipeline(ctx, cmd, cfg, assemble.Options{Log: log, Title: "GalaxAlign", Pictures: pictures})
		},
	}
	configFlag(cmd, &file)
	cmd.Flags().DurationVar(&duration, "duration", 0, "stop in order after this time (0: run until interrupted)")
	return cmd
}

// ensureTopics makes the topics that the run writes to, beside the run: while the brokers are away it
// goes on trying, and the page is there to say so. The function it returns ends the attempt.
func ensureTopics(ctx context.Context, cfg *config.Config, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var trying sync.WaitGroup
	trying.Go(func() {
		if err := assemble.EnsureOutputTopics(ctx, cfg); err != nil && ctx.Err() == nil {
			log.Warn("output topics not made; they may be there", "error", err)
		}
	})
	return func() {
		cancel()
		trying.Wait()
	}
}

// forDuration limits ctx to d, or not at all when d is 0.
func forDuration(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// runPipeline opens a run, moves messages until ctx ends or the source is exhausted, and prints the
// account.
func runPipeline(ctx context.Context, cmd *cobra.Command, cfg *config.Config, o assemble.Options) (err error) {
	o.Runtime, err = openRuntime(cmd)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Runtime.Close()) }()
	r, err := assemble.Open(ctx, cfg, o)
	if err != nil {
		return err
	}
	if address := r.Address(); address != "" {
		fmt.Fprintf(cmd.OutOrStdout(), "\n    watch it at  %s\n\n", address)
	}
	stop := ensureTopics(ctx, cfg, o.Log)
	started := time.Now()
	runErr := r.Pipeline.Run(ctx)
	stop()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.Pipeline.DrainTimeout.Std())
	defer cancel()
	err = errors.Join(runErr, r.Close(closing))
	return errors.Join(err, printSummary(cmd.OutOrStdout(), cfg, r.Pipeline, time.Since(started)))
}

// newLogger writes to standard error as the configuration says.
func newLogger(c config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // the configuration was checked; a slip leaves info
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
