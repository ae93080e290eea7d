package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
)

// job follows one message until every model has dealt with it. The message is finished by whoever
// settles the last part.
type job struct {
	msg      *ingest.Message
	feed     *feed
	survey   string
	objectID []byte // copy: the decoded cutout is reused long before a sink can refuse a record

	parts     atomic.Int32 // models that have not settled their record yet
	duplicate atomic.Int32 // parts whose record was durable before
	total     int32
	givenBack atomic.Bool
	fault     atomic.Pointer[schemas.Fault] // the first refusal; the message goes to the dead letters for it
}

// jobs recycles job structs, so that following a message allocates nothing in steady state.
type jobs struct{ pool sync.Pool }

func (p *jobs) get(msg *ingest.Message, f *feed, parts int) *job {
	j, ok := p.pool.Get().(*job)
	if !ok {
		j = &job{}
	}
	j.msg, j.feed, j.survey, j.objectID = msg, f, "", j.objectID[:0]
	j.parts.Store(int32(parts))
	j.duplicate.Store(0)
	j.total = int32(parts)
	j.givenBack.Store(false)
	j.fault.Store(nil)
	return j
}

// verdict is what one model's part of a message came to.
type verdict struct {
	duplicate bool
	giveBack  bool
	fault     *schemas.Fault
}

// settle records the verdict of one part and, when it was the last, finishes the message.
func (p *Pipeline) settle(ctx context.Context, j *job, v verdict) {
	p.settleMany(ctx, j, v, 1)
}

// settleMany gives the same verdict to several parts at once: a message that cannot be decoded settles
// the part of every model.
func (p *Pipeline) settleMany(ctx context.Context, j *job, v verdict, parts int) {
	switch {
	case v.giveBack:
		j.givenBack.Store(true)
	case v.fault != nil:
		j.fault.CompareAndSwap(nil, v.fault)
	case v.duplicate:
		j.duplicate.Add(int32(parts))
	}
	if j.parts.Add(int32(-parts)) == 0 {
		p.finish(ctx, j)
	}
}

// finish hands the message back with its outcome: given back if any part was, else quarantined if any
// part was refused, else duplicate if every part was, else written.
func (p *Pipeline) finish(ctx context.Context, j *job) {
	outcome := ingest.Written
	fault := j.fault.Load()
	switch {
	case j.givenBack.Load():
		outcome = ingest.GivenBack
	case fault != nil:
		outcome = p.quarantine(ctx, j, fault)
	case j.duplicate.Load() == j.total:
		outcome = ingest.Duplicate
	}
	now := p.now()
	if outcome == ingest.Written {
		p.stats.latency.observe(now, j.msg.Published, j.msg.Fetched)
	}
	p.stats.finished(outcome)
	j.msg.Finish(outcome)
	j.msg, j.feed = nil, nil
	p.jobs.pool.Put(j)
}

// quarantine puts the message into the dead letters, trying until that is durable; only when ctx ends
// first is the message given back instead.
func (p *Pipeline) quarantine(ctx context.Context, j *job, fault *schemas.Fault) ingest.Outcome {
	letter := ingest.DeadLetter{Message: j.msg, Fault: fault, Survey: j.survey, ObjectID: j.objectID, At: p.now()}
	wait := firstRetry
	for {
		err := j.feed.dead.Put(ctx, &letter)
		p.stats.setDeadLetterFault(err)
		if err == nil {
			p.stats.refused(fault)
			logQuarantined(p.log, &letter)
			return ingest.Quarantined
		}
		p.log.Error("dead letters unavailable, trying again", "wait", wait, "error", err)
		if !pause(ctx, wait) {
			return ingest.GivenBack
		}
		wait = min(2*wait, lastRetry)
	}
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// pause waits and reports whether the whole time passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
