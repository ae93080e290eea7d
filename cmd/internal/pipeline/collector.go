package pipeline

import (
	"context"
	"sync"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// recordWriter is what the collector needs of a sink fan-out.
type recordWriter interface {
	Write(ctx context.Context, b *sink.Batch, r *sink.Result) error
}

// gathered is a sink batch being filled or written, with the memory its records point into.
type gathered struct {
	batch  sink.Batch
	jobs   []*job // one a record
	thumbs [][]byte
	text   []byte // object and observation ids
	floats []float32
	oldest time.Time // when its first record arrived
}

func (g *gathered) reset() {
	clear(g.jobs)
	clear(g.thumbs)
	g.batch.Records = g.batch.Records[:0]
	g.jobs, g.thumbs, g.text, g.floats = g.jobs[:0], g.thumbs[:0], g.text[:0], g.floats[:0]
}

// keepText copies b into the memory of the batch. Growth leaves slices handed out before on the old array,
// which they keep alive, so they stay valid.
func (g *gathered) keepText(b []byte) []byte {
	start := len(g.text)
	g.text = append(g.text, b...)
	return g.text[start:len(g.text):len(g.text)]
}

func (g *gathered) keepFloats(v []float32) []float32 {
	start := len(g.floats)
	g.floats = append(g.floats, v...)
	return g.floats[start:len(g.floats):len(g.floats)]
}

// collector gathers the records of one model into batches large enough to be worth a write to disk, and
// writes each when it is full or old enough. While one batch is written the next one fills; when that is
// full too, add blocks, which holds back the model and, through its tensors, the whole pipeline.
type collector struct {
	p       *Pipeline
	model   *schemas.ModelInfo
	out     recordWriter
	rows    int
	maxWait time.Duration

	mu      sync.Mutex
	changed sync.Cond // filling grew, was taken, or the collector was closed
	filling *gathered
	spare   *gathered
	closed  bool
	timer   *time.Timer
}

func newCollector(p *Pipeline, model *schemas.ModelInfo, out recordWriter, rows int, maxWait time.Duration) *collector {
	c := &collector{p: p, model: model, out: out, rows: rows, maxWait: maxWait, filling: &gathered{}, spare: &gathered{}}
	c.filling.batch.Model, c.spare.batch.Model = model, model
	c.changed.L = &c.mu
	c.timer = time.AfterFunc(time.Hour, c.wake)
	c.timer.Stop()
	return c
}

func (c *collector) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed.Broadcast()
}

// add appends a classified record with its job. It blocks while the batch being filled is full, and
// returns false when ctx ended first; the record then was not taken. The record's slices are copied.
func (c *collector) add(ctx context.Context, r *schemas.Record, j *job, thumb []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.filling.jobs) >= c.rows && ctx.Err() == nil {
		c.changed.Wait()
	}
	if ctx.Err() != nil {
		return false
	}
	g := c.filling
	kept := *r
	kept.ObjectID, kept.ObservationID = g.keepText(r.ObjectID), g.keepText(r.ObservationID)
	kept.Probabilities, kept.Embedding = g.keepFloats(r.Probabilities), g.keepFloats(r.Embedding)
	g.batch.Records = append(g.batch.Records, kept)
	g.jobs = append(g.jobs, j)
	g.thumbs = append(g.thumbs, thumb)
	switch len(g.jobs) {
	case 1:
		g.oldest = c.p.now()
		c.timer.Reset(c.maxWait)
		c.changed.Broadcast()
	case c.rows:
		c.changed.Broadcast()
	}
	return true
}

// close makes run return once everything added has been written.
func (c *collector) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.changed.Broadcast()
}

// run writes batches until close, or until ctx ends, when what remains is given back.
func (c *collector) run(ctx context.Context) {
	defer context.AfterFunc(ctx, c.wake)()
	defer c.timer.Stop()
	var result sink.Result
	for {
		g := c.take(ctx)
		if g == nil {
			return
		}
		c.write(ctx, g, &result)
		g.reset()
		c.mu.Lock()
		c.spare = g
		c.mu.Unlock()
	}
}

// take waits for a batch that is due and swaps it for the spare one; nil means there is none to come.
func (c *collector) take(ctx context.Context) *gathered {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.due(ctx) {
		if c.closed && len(c.filling.jobs) == 0 {
			return nil
		}
		c.changed.Wait()
	}
	g := c.filling
	c.filling, c.spare = c.spare, nil
	c.changed.Broadcast()
	return g
}

// due reports whether the batch being filled should be written now.
func (c *collector) due(ctx context.Context) bool {
	n := len(c.filling.jobs)
	if n == 0 {
		return false
	}
	return n >= c.rows || c.closed || ctx.Err() != nil || c.p.now().Sub(c.filling.oldest) >= c.maxWait
}

// write hands a batch to the sinks and settles the job of every record.
func (c *collector) write(ctx context.Context, g *gathered, result *sink.Result) {
	if err := c.out.Write(ctx, &g.batch, result); err != nil {
		c.p.log.Warn("batch given back", "model", c.model.Name, "records", len(g.jobs), "error", err)
		for _, j := range g.jobs {
			c.p.settle(ctx, j, verdict{giveBack: true})
		}
		return
	}
	faults := make(map[int]*schemas.Fault, len(result.Rejections))
	for _, r := range result.Rejections {
		faults[r.Index] = r.Fault()
	}
	counts := make([]int64, len(c.model.Classes))
	for i, j := range g.jobs {
		r := &g.batch.Records[i]
		if result.Outcomes[i] == sink.Written {
			counts[r.Label]++
			c.p.stats.records.Add(1)
			c.p.observe(r, g.thumbs[i])
		}
		c.p.settle(ctx, j, verdict{duplicate: result.Outcomes[i] == sink.Duplicate, fault: faults[i]})
	}
	for class, n := range counts {
		if n > 0 {
			c.p.stats.labelled(Label{c.model.Name, c.model.Classes[class]}, n)
		}
	}
}
