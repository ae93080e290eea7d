package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/galaxalign/galaxalign/cmd/internal/assemble"
	"github.com/galaxalign/galaxalign/cmd/internal/bench"
	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// benchOptions are the flags of bench.
type benchOptions struct {
	bundle, corpus   string
	brokers          []string
	topic            string
	n, rows          int
	workers, runners int
	asJSON           bool
	skipStages       bool
	cpuProfile       string
	memProfile       string
}

// benchReport is the JSON that bench prints.
type benchReport struct {
	Model    string          `json:"model"`
	Machine  string          `json:"machine"`
	Stages   *bench.Stages   `json:"stages,omitempty"`
	EndToEnd *bench.EndToEnd `json:"end_to_end,omitempty"`
}

func newBench() *cobra.Command {
	o := benchOptions{}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure CPU microseconds a cutout, stage by stage and end to end",
		Long: `Runs the stages over distinct payloads on one thread and prints the CPU time and allocations a cutout.
With --brokers and --topic it also reads that many messages from Kafka in a new consumer group, into
durable Arrow files with commits, and prints the rate, latency, memory and CPU of this process.
Without --corpus the payloads are drawn by the simulated survey.`,
		Example: `  galaxalign bench
  galaxalign bench --bundle bundles/acai_h --corpus packets.lp --brokers 127.0.0.1:9092 --topic ztf -n 4000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runBench(cmd, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.bundle, "bundle", "", "bundle folder (default: the starter bundle)")
	f.StringVar(&o.corpus, "corpus", "", "file of payloads, each a little-endian uint32 length and its bytes")
	f.StringSliceVar(&o.brokers, "brokers", nil, "Kafka brokers for the end-to-end run")
	f.StringVar(&o.topic, "topic", "", "topic that already holds the payloads")
	f.IntVarP(&o.n, "number", "n", 2000, "payloads to measure with")
	f.IntVar(&o.rows, "batch-rows", 16, "cutouts in one inference")
	f.IntVar(&o.workers, "workers", 0, "decode workers of the end-to-end run (0: one a core)")
	f.IntVar(&o.runners, "runners", 0, "batches inferred at once in the end-to-end run (0: one a core)")
	f.BoolVar(&o.skipStages, "skip-stages", false, "only the end-to-end run")
	f.StringVar(&o.cpuProfile, "cpuprofile", "", "file for a CPU profile of the end-to-end run (go tool pprof)")
	f.StringVar(&o.memProfile, "memprofile", "", "file for a profile of its allocations")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	return cmd
}

// check lists what is wrong with the flags.
func (o *benchOptions) check() error {
	var errs []error
	if o.rows < 1 || o.n < 1 || !o.skipStages && o.n < o.rows {
		errs = append(errs, fmt.Errorf("bench: %d payloads do not fill a batch of %d: raise -n or lower --batch-rows", o.n, o.rows))
	}
	if (len(o.brokers) == 0) != (o.topic == "") {
		errs = append(errs, errors.New("--brokers and --topic go together: the topic holds the payloads already"))
	}
	if o.skipStages && len(o.brokers) == 0 {
		errs = append(errs, errors.New("--skip-stages leaves only the end-to-end run: give --brokers and --topic"))
	}
	return errors.Join(errs...)
}

func runBench(cmd *cobra.Command, o benchOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "galaxalign-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if o.bundle == "" {
		o.bundle = filepath.Join(scratch, "starter")
		if err := starter.Unpack(o.bundle); err != nil {
			return err
		}
	}
	rt, err := openRuntime(cmd)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rt.Close()) }()
	out := benchReport{Model: filepath.Base(o.bundle), Machine: fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))}
	if !o.skipStages {
		if out.Stages, err = benchStages(cmd.Context(), rt, o); err != nil {
			return err
		}
	}
	if len(o.brokers) > 0 {
		if out.EndToEnd, err = benchRun(cmd.Context(), rt, o, scratch); err != nil {
			return err
		}
	}
	if o.asJSON {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(out)
	}
	printBench(cmd.OutOrStdout(), &out)
	return nil
}

func benchStages(ctx context.Context, rt *ort.Runtime, o benchOptions) (*bench.Stages, error) {
	models, err := assemble.OpenModels(rt, []config.Model{{Bundle: o.bundle}}, o.rows)
	if err != nil {
		return nil, err
	}
	payloads, err := benchPayloads(o, models[0])
	if err == nil && len(payloads) < o.rows {
		err = fmt.Errorf("bench: %d payloads do not fill a batch of %d", len(payloads), o.rows)
	}
	if err != nil {
		return nil, errors.Join(err, models[0].Close())
	}
	source := config.Default().Source
	stages, err := bench.MeasureStages(ctx, &source, models[0], payloads, o.rows)
	return stages, errors.Join(err, models[0].Close())
}

// benchPayloads reads the corpus, or draws packets of the kind that the model's recipe reads.
func benchPayloads(o benchOptions, m assemble.Model) ([][]byte, error) {
	if o.corpus != "" {
		return bench.ReadCorpus(o.corpus, o.n)
	}
	format := simulate.FormatFITS
	if m.Transform.Recipe().Bands[0] == "science" {
		format = simulate.FormatZTF
	}
	return bench.SimulateCorpus(format, o.n)
}

// benchRun measures Kafka to durable Arrow files in a consumer group of its own.
func benchRun(ctx context.Context, rt *ort.Runtime, o benchOptions, scratch string) (*bench.EndToEnd, error) {
	cfg := config.Default()
	cfg.Source.Kafka.Brokers, cfg.Source.Kafka.Topics = o.brokers, []string{o.topic}
	cfg.Source.Kafka.Group = fmt.Sprintf("galaxalign-bench-%d", time.Now().UnixNano())
	cfg.Models = []config.Model{{Bundle: o.bundle}}
	cfg.Pipeline.BatchRows, cfg.Pipeline.Workers, cfg.Pipeline.Runners = o.rows, o.workers, o.runners
	cfg.Sinks.Arrow.Dir = filepath.Join(scratch, "arrow")
	cfg.DeadLetters.Dir = filepath.Join(scratch, "dead")
	cfg.Log.Level = "error"
	r, err := assemble.Open(ctx, &cfg, assemble.Options{Log: newLogger(cfg.Log), Runtime: rt})
	if err != nil {
		return nil, err
	}
	out, err := profiled(o, func() (*bench.EndToEnd, error) { return bench.MeasureRun(ctx, r, int64(o.n)) })
	return out, errors.Join(err, r.Close(context.WithoutCancel(ctx)))
}

func printBench(w io.Writer, r *benchReport) {
	fmt.Fprintf(w, "%s on %s\n", r.Model, r.Machine)
	if s := r.Stages; s != nil {
		fmt.Fprintf(w, "  stage      CPU us   allocations   a cutout, one thread, %d cutouts\n", s.Cutouts)
		for _, row := range []struct {
			name string
			cost bench.Cost
		}{{"decode", s.Decode}, {"prepare", s.Prepare}, {"infer", s.Infer}, {"sink", s.Sink}} {
			fmt.Fprintf(w, "  %-9s %7.1f %13.2f\n", row.name, row.cost.CPUMicros, row.cost.Allocs)
		}
		fmt.Fprintf(w, "  %-9s %7.1f\n", "sum", s.Sum())
	}
	if e := r.EndToEnd; e != nil {
		fmt.Fprintf(w, "  Kafka to durable Arrow: %d cutouts in %.2f s, %.0f/s, %.1f CPU us and %.1f allocations each\n",
			e.Cutouts, e.Seconds, e.PerSecond, e.CPUMicros, e.Allocs)
		fmt.Fprintf(w, "  fetch to durable p50 %.1f ms, p99 %.1f ms; peak memory %.0f MiB; batches %.0f%% full\n",
			e.P50Millis, e.P99Millis, e.PeakMiB, 100*e.BatchFill)
	}
}
