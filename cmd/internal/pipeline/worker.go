package pipeline

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"

	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/infer/batch"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
)

// delivery is a message on its way to a worker.
type delivery struct {
	msg  *ingest.Message
	feed *feed
}

// worker decodes messages and fills tensor rows, with scratch memory of its own.
type worker struct {
	p        *Pipeline
	cutout   schemas.Cutout
	decoders []ingest.Decoder // one a feed
	scratch  []*preprocess.Scratch
}

func (p *Pipeline) newWorker() (*worker, error) {
	w := &worker{p: p}
	for _, f := range p.feeds {
		d, err := f.NewDecoder()
		if err != nil {
			return nil, fmt.Errorf("pipeline: decoder of %s: %w", f.Source.Name(), err)
		}
		w.decoders = append(w.decoders, d)
	}
	for _, m := range p.models {
		w.scratch = append(w.scratch, m.Transform.NewScratch())
	}
	return w, nil
}

// run works until there are no more deliveries. When ctx has ended it only gives back.
func (w *worker) run(ctx context.Context, work <-chan delivery) {
	for d := range work {
		w.handle(ctx, d)
	}
}

// handle takes one message as far as the batch of every model.
func (w *worker) handle(ctx context.Context, d delivery) {
	p := w.p
	parts := len(p.models)
	j := p.jobs.get(d.msg, d.feed, parts)
	if ctx.Err() != nil {
		p.settleMany(ctx, j, verdict{giveBack: true}, parts)
		return
	}
	err := w.decodeRetrying(ctx, d)
	j.survey, j.objectID = w.cutout.Survey, append(j.objectID, w.cutout.ObjectID...)
	if err != nil {
		p.settleMany(ctx, j, refusal(err, schemas.StageIngest), parts)
		return
	}
	p.stats.decoded.Add(1)
	thumb := p.thumbnail(&w.cutout)
	for i, m := range p.models {
		if err := w.prepare(ctx, m, w.scratch[i], j, thumb); err != nil {
			p.settle(ctx, j, refusal(err, schemas.StagePreprocess))
		}
	}
}

// decodeRetrying decodes until it works, the input is refused, or ctx ends. Only what a decoder needs
// from outside, a schema registry, can be away for a while; waiting for it here holds the messages back
// without losing their place.
func (w *worker) decodeRetrying(ctx context.Context, d delivery) error {
	wait := firstRetry
	for {
		w.cutout.Reset()
		err := w.decode(d)
		if err == nil || schemas.AsFault(err) != nil {
			return err
		}
		w.p.log.Error("decoder is waiting", "origin", d.msg.Origin.String(), "wait", wait, "error", err)
		if !pause(ctx, wait) {
			return err
		}
		wait = min(2*wait, lastRetry)
	}
}

// decode calls the feed's decoder. A panic there is a defect of ours that one input provokes: that
// input is quarantined with the place of the defect, and the rest of the night goes on.
func (w *worker) decode(d delivery) (err error) {
	defer recoverAs(schemas.StageIngest, &err)
	return w.decoders[d.feed.index].Decode(d.msg, &w.cutout)
}

// prepare writes the cutout into a row of the model's next batch.
func (w *worker) prepare(ctx context.Context, m *modelStage, scratch *preprocess.Scratch, j *job, thumb []byte) error {
	slot, err := m.batcher.Reserve(ctx, j.feed.Lane)
	if err != nil {
		return err
	}
	if err := w.fillRow(m, slot, scratch, j, thumb); err != nil {
		slot.Cancel()
		return err
	}
	w.p.stats.prepared.Add(1)
	slot.Commit()
	return nil
}

// fillRow fills image, features and item of a reserved row.
func (w *worker) fillRow(m *modelStage, slot batch.Slot[*infer.Buffers, *pending], scratch *preprocess.Scratch, j *job, thumb []byte) (err error) {
	defer recoverAs(schemas.StagePreprocess, &err)
	quality, err := m.Transform.Apply(slot.Image, &w.cutout, scratch)
	if err != nil {
		return err
	}
	for i, at := range m.Features {
		slot.Features[i] = float32(math.NaN())
		if at < len(w.cutout.Features) {
			slot.Features[i] = w.cutout.Features[at]
		}
	}
	v := w.p.pendings.get()
	v.fill(&w.cutout, j.msg, m.info, quality)
	v.job, v.thumb = j, thumb
	*slot.Item = v
	return nil
}

// refusal turns an error of a stage into a verdict: a fault quarantines, anything else means that the
// pipeline is stopping and gives the message back.
func refusal(err error, stage schemas.Stage) verdict {
	fault := schemas.AsFault(err)
	if fault == nil {
		return verdict{giveBack: true}
	}
	if fault.Stage == "" {
		fault.Stage = stage
	}
	return verdict{fault: fault}
}

// recoverAs turns a panic into a fault.
func recoverAs(stage schemas.Stage, err *error) {
	if v := recover(); v != nil {
		fault := schemas.NewFault(stage, schemas.ReasonInternal, "this input provokes a defect in the program (%v): please report it with the payload", v)
		fault.Err = fmt.Errorf("%s", debug.Stack())
		*err = fault
	}
}
