package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/galaxalign/galaxalign/infer/batch"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// Config sizes a pipeline. Memory of the batch tensors, a model: 2 x Runners x BatchRows x 4 bytes x
// (image + features + 2 x classes + embedding values); 4 x 16 rows of a 63x63x3 model take 3 MB. Memory
// of gathered records, a model: 2 x FlushRows x (4 x embedding + 500 bytes), 2.6 MB at 512 x 512.
type Config struct {
	Workers      int           // decode goroutines; 0 = one a core
	Runners      int           // batches inferred at once, a model; 0 = one a core
	BatchRows    int           // most rows of an inference
	BatchWait    time.Duration // longest a row waits for its batch
	FlushRows    int           // most records of a sink batch
	FlushWait    time.Duration // longest a record waits for its sink batch
	DrainTimeout time.Duration // longest an orderly stop may take
}

func (c Config) withDefaults() Config {
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Runners == 0 {
		c.Runners = runtime.GOMAXPROCS(0)
	}
	return c
}

// Feed is a source with what is needed to read it.
type Feed struct {
	Source     ingest.Source
	NewDecoder func() (ingest.Decoder, error) // called once a worker
	Lane       batch.Lane
	Dead       ingest.DeadLetters // where its refused messages go; closed by the caller
	Refused    *Refusals          // what the source itself refuses; nil when it delivers everything
}

type feed struct {
	Feed
	index int
	dead  ingest.DeadLetters
}

// Observer sees records once they are durable; the page is one. Its methods are called from the hot
// path and return quickly.
type Observer interface {
	// Thumbnail makes a small picture of a cutout, or nil for one it does not want.
	Thumbnail(c *schemas.Cutout) []byte
	// Written shows a durable record. Its slices are valid during the call only.
	Written(r *schemas.Record, thumb []byte)
}

// Options are the collaborators of a pipeline that have usable defaults.
type Options struct {
	Log      *slog.Logger // default: discards
	Observer Observer     // default: none
	Now      func() time.Time
}

// Pipeline runs feeds through models into sinks.
type Pipeline struct {
	cfg      Config
	log      *slog.Logger
	observer Observer
	now      func() time.Time
	feeds    []*feed
	models   []*modelStage
	stats    *stats
	jobs     jobs
	pendings pendings
}

// New makes a pipeline. It owns the sources from then on and closes them when Run returns, or in Close;
// models and sinks belong to the caller. On an error the sources still belong to the caller.
func New(cfg Config, opts Options, feeds []Feed, models []Model) (*Pipeline, error) {
	if len(feeds) == 0 || len(models) == 0 {
		return nil, errors.New("pipeline: needs at least one source and one model")
	}
	p := &Pipeline{cfg: cfg.withDefaults(), log: opts.Log, observer: opts.Observer, now: opts.Now, stats: newStats()}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.now == nil {
		p.now = time.Now
	}
	for i, f := range feeds {
		p.feeds = append(p.feeds, &feed{Feed: f, index: i, dead: f.Dead})
	}
	for _, m := range models {
		stage, err := newModelStage(p, m)
		if err != nil {
			return nil, errors.Join(err, p.closeModels())
		}
		p.models = append(p.models, stage)
	}
	return p, nil
}

// Run moves messages until every source is exhausted, a source fails for good, or ctx ends. It stops in
// two steps: fetching ends and what is in flight is carried through; whatever is not through after
// DrainTimeout is given back. It is called once. Ending by ctx is not an error.
func (p *Pipeline) Run(ctx context.Context) error {
	workers, err := p.newWorkers()
	if err != nil {
		return errors.Join(err, p.Close())
	}
	soft, stop := context.WithCancel(ctx)
	defer stop()
	hard, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	finished := p.watch(soft, abort)

	back := p.startModels(hard)
	fetchErr := p.pump(soft, stop, hard, workers)
	drainErr := p.drain(hard, back)
	finished()
	return errors.Join(fetchErr, drainErr, p.Close())
}

// Close releases a pipeline that is not going to be run.
func (p *Pipeline) Close() error { return errors.Join(p.closeSources(), p.closeModels()) }

// watch aborts what is still running DrainTimeout after a stop was asked for. The function it returns
// ends the watch.
func (p *Pipeline) watch(soft context.Context, abort func()) (finished func()) {
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-done:
			return
		case <-soft.Done():
		}
		timer := time.NewTimer(p.cfg.DrainTimeout)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
			p.log.Warn("not drained in time, giving back the rest", "timeout", p.cfg.DrainTimeout)
			abort()
		}
	})
	return func() {
		close(done)
		watching.Wait()
	}
}

func (p *Pipeline) newWorkers() ([]*worker, error) {
	var workers []*worker
	for range p.cfg.Workers {
		w, err := p.newWorker()
		if err != nil {
			return nil, err
		}
		workers = append(workers, w)
	}
	return workers, nil
}

// pump fetches and decodes until every source has ended, and returns when all workers are done.
func (p *Pipeline) pump(soft context.Context, stop func(), hard context.Context, workers []*worker) error {
	work := make(chan delivery, 2*len(workers))
	var busy sync.WaitGroup
	for _, w := range workers {
		busy.Go(func() { w.run(hard, work) })
	}
	errs := make([]error, len(p.feeds))
	var fetching sync.WaitGroup
	for i, f := range p.feeds {
		fetching.Go(func() {
			if errs[i] = p.fetch(soft, hard, f, work); errs[i] != nil {
				stop() // a source that failed for good ends the run: somebody must look
			}
		})
	}
	fetching.Wait()
	close(work)
	busy.Wait()
	return errors.Join(errs...)
}

// fetch passes on the messages of one source until it is exhausted or soft ends.
func (p *Pipeline) fetch(soft, hard context.Context, f *feed, work chan<- delivery) error {
	for {
		messages, err := f.Source.Fetch(soft)
		p.stats.arrived(messages)
		for i, m := range messages {
			select {
			case work <- delivery{m, f}:
			case <-hard.Done():
				p.giveBack(messages[i:])
				return nil
			}
		}
		switch {
		case errors.Is(err, io.EOF), err == nil && soft.Err() != nil, soft.Err() != nil && errors.Is(err, soft.Err()):
			return nil
		case err != nil:
			return fmt.Errorf("pipeline: source %s: %w", f.Source.Name(), err)
		}
	}
}

// giveBack returns messages that no worker will take.
func (p *Pipeline) giveBack(messages []*ingest.Message) {
	for _, m := range messages {
		p.stats.finished(ingest.GivenBack)
		m.Finish(ingest.GivenBack)
	}
}

// startModels runs the batchers and collectors; the group ends when they have been drained.
func (p *Pipeline) startModels(hard context.Context) *sync.WaitGroup {
	var back sync.WaitGroup
	for _, m := range p.models {
		back.Go(func() {
			if err := m.batcher.Run(hard); err != nil {
				p.log.Warn("batches given back at the stop", "model", m.info.Name, "error", err)
			}
			m.collector.close()
		})
		back.Go(func() { m.collector.run(hard) })
	}
	return &back
}

// drain carries what is in the batchers and collectors through to the sinks.
func (p *Pipeline) drain(hard context.Context, back *sync.WaitGroup) error {
	var errs []error
	for _, m := range p.models {
		if err := m.batcher.Drain(hard); err != nil {
			errs = append(errs, fmt.Errorf("pipeline: model %s: %w", m.info.Name, err))
		}
	}
	back.Wait()
	return errors.Join(errs...)
}

// closeSources commits what is finished, with a deadline of its own: the run's context has ended.
func (p *Pipeline) closeSources() error {
	ctx, cancel := context.WithTimeout(context.Background(), p.cfg.DrainTimeout)
	defer cancel()
	var errs []error
	for _, f := range p.feeds {
		if err := f.Source.Close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("pipeline: closing source %s: %w", f.Source.Name(), err))
		}
	}
	return errors.Join(errs...)
}

func (p *Pipeline) closeModels() error {
	var errs []error
	for _, m := range p.models {
		errs = append(errs, m.close())
	}
	return errors.Join(errs...)
}

func (p *Pipeline) thumbnail(c *schemas.Cutout) []byte {
	if p.observer == nil {
		return nil
	}
	return p.observer.Thumbnail(c)
}

func (p *Pipeline) observe(r *schemas.Record, thumb []byte) {
	if p.observer != nil {
		p.observer.Written(r, thumb)
	}
}

// Snapshot returns the account of the run so far; after Run it is final.
func (p *Pipeline) Snapshot() Snapshot {
	s := p.stats.snapshot()
	for _, f := range p.feeds {
		for kind, n := range f.Refused.counts() {
			s.Fetched += n
			s.Quarantined += n
			s.Reasons[kind] += n
		}
	}
	return s
}

// Progress returns the state of every partition of every source.
func (p *Pipeline) Progress() []ingest.Progress {
	var out []ingest.Progress
	for _, f := range p.feeds {
		out = append(out, f.Source.Progress()...)
	}
	return out
}

// Sinks returns the state of every sink, model by model. Every model has sinks of its own: where there are
// several models the name of a sink is "model/sink", so that no two are the same.
func (p *Pipeline) Sinks() []sink.State {
	var out []sink.State
	for _, m := range p.models {
		for _, s := range m.Out.States() {
			if len(p.models) > 1 {
				s.Name = m.info.Name + "/" + s.Name
			}
			out = append(out, s)
		}
	}
	return out
}

// Batching returns what the batcher of each model measured, in the order of the models.
func (p *Pipeline) Batching() []batch.Stats {
	var out []batch.Stats
	for _, m := range p.models {
		out = append(out, m.batcher.Stats())
	}
	return out
}
