package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxalign/galaxalign/cmd/internal/assemble"
	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/cmd/internal/pipeline"
	"github.com/galaxalign/galaxalign/infer/batch"
	"github.com/galaxalign/galaxalign/ingest/archive"
)

// backfillOptions are the flags of backfill.
type backfillOptions struct {
	file, state string
	include     []string
}

func newBackfill() *cobra.Command {
	var o backfillOptions
	cmd := &cobra.Command{
		Use:   "backfill -c FILE PATH...",
		Short: "Classify files, folders and tar archives",
		Long: `Reads every item below the paths (FITS, alert packets, gzip, tar, tar.gz, .lp corpora) through the models
and sinks of the configuration. What is finished is remembered in the state file, so that an interrupted
backfill goes on where it stopped. Refused items go to dead_letters.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runBackfill(cmd, args, o) },
	}
	configFlag(cmd, &o.file)
	cmd.Flags().StringVar(&o.state, "state", "", "file that remembers what is finished (default: beside the first sink)")
	cmd.Flags().StringSliceVar(&o.include, "include", nil, "patterns of names to read, such as '*.fits.gz' (default: all)")
	return cmd
}

func runBackfill(cmd *cobra.Command, paths []string, o backfillOptions) (err error) {
	cfg, err := config.Load(o.file)
	if err != nil {
		return err
	}
	log := newLogger(cfg.Log)
	closing := context.WithoutCancel(cmd.Context())
	letters, err := assemble.OpenDeadLetters(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, letters.Close(closing)) }()
	refused := pipeline.NewRefusals(letters, log)
	if o.state == "" {
		o.state = stateFile(cfg, paths)
	}
	if err := os.MkdirAll(filepath.Dir(o.state), 0o755); err != nil {
		return err
	}
	source, err := archive.Open(archive.Config{
		Paths: paths, Include: o.include, StateFile: o.state, Refused: refused,
		WindowBytes: int64(cfg.Source.Kafka.WindowBytes), WindowMessages: cfg.Source.Kafka.WindowMessages,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close(closing)) }() // again after a run: that changes nothing
	fmt.Fprintf(cmd.ErrOrStderr(), "progress is kept in %s\n", o.state)
	return runPipeline(cmd.Context(), cmd, cfg, assemble.Options{
		Log: log, Title: "GalaxAlign backfill", Pictures: pictures, Source: source, Refused: refused, Lane: batch.Backfill,
	})
}

// stateFile names the state after the paths, beside the first folder that the run writes to.
func stateFile(cfg *config.Config, paths []string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\: `, r) {
			return '_'
		}
		return r
	}, strings.Join(paths, "+"))
	const longest = 100
	if len(name) > longest {
		name = name[len(name)-longest:]
	}
	for _, dir := range []string{cfg.Sinks.Arrow.Dir, cfg.Sinks.Parquet.Dir, cfg.Sinks.Index.Dir} {
		if dir != "" {
			return filepath.Join(dir, "backfill-"+name+".state")
		}
	}
	return "backfill-" + name + ".state"
}
