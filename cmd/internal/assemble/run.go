package assemble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/cmd/internal/pipeline"
	"github.com/galaxalign/galaxalign/infer/batch"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/sink"
)

// Options are what a run is given besides its configuration.
type Options struct {
	Log     *slog.Logger
	Runtime *ort.Runtime // stays open; the caller closes it after the Run
	Title   string       // on the page
	// Source replaces the Kafka source of the configuration, for a backfill. Open takes it over: it is
	// closed when the pipeline has run, or when Open fails.
	Source ingest.Source
	// Refused counts what Source itself puts into the dead letters; nil when it puts nothing there.
	Refused *pipeline.Refusals
	// Lane of the source's messages.
	Lane batch.Lane
	// Pictures is how many cutouts a second are pictured on the page; 0 pictures every one. A picture
	// takes about 2 ms of CPU.
	Pictures float64
}

// Run is everything of one run, opened and ready.
type Run struct {
	Pipeline *pipeline.Pipeline
	Models   []Model
	// Searcher finds neighbours among the records of the first model; nil without a vector store.
	Searcher sink.Searcher

	cfg    *config.Config
	log    *slog.Logger
	sinks  []*sink.Fanout
	dead   ingest.DeadLetters
	show   *show // nil without a page
	server *server
}

// Open builds a run. On an error nothing stays open. The port comes first: a taken one is the commonest
// fault and quickly found.
func Open(ctx context.Context, cfg *config.Config, o Options) (r *Run, err error) {
	r = &Run{cfg: cfg, log: o.Log}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.abandon(context.WithoutCancel(ctx), o.Source))
			r = nil
		}
	}()
	if cfg.HTTP.Listen != "" {
		if r.server, err = listen(cfg.HTTP.Listen); err != nil {
			return r, err
		}
	}
	if r.Models, err = OpenModels(o.Runtime, cfg.Models, cfg.Pipeline.BatchRows); err != nil {
		return r, err
	}
	if err = knownLabels(cfg.Sinks.Alerts.Labels, r.Models); err != nil {
		return r, fmt.Errorf("sinks.alerts.labels: %w", err)
	}
	stages, err := r.openStages(ctx)
	if err != nil {
		return r, err
	}
	if r.dead, err = OpenDeadLetters(cfg); err != nil {
		return r, err
	}
	feed, err := r.openFeed(o)
	if err != nil {
		return r, err
	}
	options := pipeline.Options{Log: o.Log}
	if r.server != nil && cfg.HTTP.Page {
		r.show = newShow(o.Title, r.Models[0].Info(), r.Searcher, o.Pictures)
		options.Observer = r.show
	}
	if r.Pipeline, err = pipeline.New(pipelineConfig(&cfg.Pipeline), options, []pipeline.Feed{feed}, stages); err != nil {
		if o.Source == nil {
			err = errors.Join(err, feed.Source.Close(ctx))
		}
		return r, err
	}
	return r, r.serve()
}

// serve begins to answer requests, now that there is something to report.
func (r *Run) serve() error {
	if r.server == nil {
		return nil
	}
	if r.show == nil {
		return r.server.start(r.Pipeline, nil)
	}
	r.show.attach(r.Pipeline)
	return r.server.start(r.Pipeline, r.show)
}

// abandon closes what a failed Open had opened, and the source that it was given.
func (r *Run) abandon(ctx context.Context, given ingest.Source) error {
	var err error
	switch {
	case r.Pipeline != nil:
		err = r.Pipeline.Close()
	case given != nil:
		err = given.Close(ctx)
	}
	return errors.Join(err, r.release(ctx))
}

func pipelineConfig(p *config.Pipeline) pipeline.Config {
	return pipeline.Config{
		Workers: p.Workers, Runners: p.Runners, BatchRows: p.BatchRows, BatchWait: p.BatchWait.Std(),
		FlushRows: p.FlushRows, FlushWait: p.FlushWait.Std(), DrainTimeout: p.DrainTimeout.Std(),
	}
}

// openStages opens the sinks of every model.
func (r *Run) openStages(ctx context.Context) ([]pipeline.Model, error) {
	wanted := needs(r.Models)
	var stages []pipeline.Model
	for i, m := range r.Models {
		s, err := openSinks(ctx, r.cfg, m.Info(), r.log)
		if err != nil {
			return nil, err
		}
		r.sinks = append(r.sinks, s.out)
		if i == 0 {
			r.Searcher = s.searcher
		}
		stages = append(stages, pipeline.Model{Model: m.Model, Transform: m.Transform, Out: s.out, Features: featurePlaces(m, wanted.features)})
	}
	return stages, nil
}

func (r *Run) openFeed(o Options) (pipeline.Feed, error) {
	wanted := needs(r.Models)
	decoding, err := DecoderOptions(&r.cfg.Source, wanted.images, wanted.features)
	if err != nil {
		return pipeline.Feed{}, err
	}
	source := o.Source
	if source == nil {
		if source, err = openKafka(&r.cfg.Source.Kafka, r.log); err != nil {
			return pipeline.Feed{}, err
		}
	}
	return pipeline.Feed{Source: source, NewDecoder: newDecoder(decoding), Lane: o.Lane, Dead: r.dead, Refused: o.Refused}, nil
}

// Address is where the page and the metrics are served, or "".
func (r *Run) Address() string {
	if r.server == nil {
		return ""
	}
	return r.server.address
}

// Close ends the server and makes everything written visible. It is called after Pipeline.Run.
func (r *Run) Close(ctx context.Context) error {
	if r.show != nil {
		s := r.Pipeline.Snapshot()
		r.show.end(fmt.Sprintf("%d received, %d written, %d duplicates, %d quarantined", s.Fetched, s.Written, s.Duplicates, s.Quarantined))
	}
	return r.release(ctx)
}

// release closes what is open, from the front of the pipeline to its back.
func (r *Run) release(ctx context.Context) error {
	var errs []error
	if r.server != nil {
		errs = append(errs, r.server.stop(ctx))
	}
	for _, s := range r.sinks {
		errs = append(errs, s.Close(ctx))
	}
	if r.dead != nil {
		errs = append(errs, r.dead.Close(ctx))
	}
	return errors.Join(append(errs, closeModels(r.Models))...)
}
