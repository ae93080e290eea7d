package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/infer/batch"
	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// Model is one model with its recipe and the sinks its records go to.
type Model struct {
	Model     *infer.Model
	Transform *preprocess.Transform
	Out       *sink.Fanout
	// Features maps each feature of the model to its place in Cutout.Features.
	Features []int
}

// modelStage is a model in the running pipeline: its batcher in front and its collector behind.
type modelStage struct {
	Model
	info      *schemas.ModelInfo
	batcher   *batch.Batcher[*infer.Buffers, *pending]
	pool      []*infer.Buffers
	collector *collector
}

// newModelStage allocates the batch tensors: one a runner and as many again to be filled meanwhile.
func newModelStage(p *Pipeline, m Model) (*modelStage, error) {
	s := &modelStage{Model: m, info: m.Model.Info()}
	s.collector = newCollector(p, s.info, m.Out, p.cfg.FlushRows, p.cfg.FlushWait)
	for range 2 * p.cfg.Runners {
		s.pool = append(s.pool, m.Model.NewBuffers())
	}
	var err error
	s.batcher, err = batch.New(batch.Config{MaxRows: p.cfg.BatchRows, MaxWait: p.cfg.BatchWait, Runners: p.cfg.Runners}, s.pool,
		func(ctx context.Context, b *batch.Batch[*infer.Buffers, *pending]) { p.classify(ctx, s, b) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pipeline: model %s: %w", s.info.Name, err), s.close())
	}
	return s, nil
}

func (s *modelStage) close() error {
	var errs []error
	for _, b := range s.pool {
		errs = append(errs, b.Close())
	}
	return errors.Join(errs...)
}

// classify runs the model over a batch and hands the records on. The buffers are held until the
// collector has copied the answers.
func (p *Pipeline) classify(ctx context.Context, s *modelStage, b *batch.Batch[*infer.Buffers, *pending]) {
	defer b.Release()
	if err := p.runModel(ctx, s, b); err != nil {
		for _, v := range b.Items {
			p.settle(ctx, v.job, verdict{giveBack: true})
			p.pendings.put(v)
		}
		return
	}
	now := p.now()
	for i, v := range b.Items {
		p.handOn(ctx, s, b.Buffers, i, v, now)
		p.pendings.put(v)
	}
}

// runModel tries the batch until the model answers or ctx ends: an error of the runtime concerns the
// machine, never one cutout.
func (p *Pipeline) runModel(ctx context.Context, s *modelStage, b *batch.Batch[*infer.Buffers, *pending]) error {
	wait := firstRetry
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.Model.Model.Run(b.Buffers, len(b.Items))
		if err == nil {
			return nil
		}
		p.log.Error("model failed, trying again", "model", s.info.Name, "wait", wait, "error", err)
		if !pause(ctx, wait) {
			return ctx.Err()
		}
		wait = min(2*wait, lastRetry)
	}
}

// handOn passes the answer of one row to the collector, or settles the row when there is none.
func (p *Pipeline) handOn(ctx context.Context, s *modelStage, out *infer.Buffers, i int, v *pending, now time.Time) {
	if fault := out.Fault(i); fault != nil {
		p.settle(ctx, v.job, verdict{fault: fault})
		return
	}
	v.answer(out.Label(i), out.Probabilities(i), out.Embedding(i), now)
	p.stats.classified.Add(1)
	if !s.collector.add(ctx, &v.record, v.job, v.thumb) {
		p.settle(ctx, v.job, verdict{giveBack: true})
	}
}
