package batch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrDraining is returned by Reserve once the batcher is being stopped.
var ErrDraining = errors.New("batch: the batcher is stopping; no new rows")

// RunFunc works on a batch and calls its Release when nothing uses its rows any more, during the call
// or later from any goroutine. When ctx is done the rows are to be given back, not worked on.
type RunFunc[B Rows, T any] func(ctx context.Context, b *Batch[B, T])

// Batcher gathers rows into batches. Reserve may be called from any goroutine; Run drives it.
type Batcher[B Rows, T any] struct {
	cfg  Config
	run  RunFunc[B, T]
	size int // buffers in the pool

	mu       sync.Mutex
	free     []*Batch[B, T]
	open     [lanes]*Batch[B, T]
	sealed   int                   // batches waiting for their last rows
	ready    [lanes][]*Batch[B, T] // batches a runner may take, oldest first
	backfill int                   // buffers in use by the backfill lane
	waiting  [lanes]waitList
	draining bool
	running  bool
	stats    Stats

	work    *sync.Cond    // a batch became ready or the batcher went idle while draining
	alarm   chan struct{} // cap 1: a deadline was set that the clock may not know of
	stopped chan struct{} // closed when Run has returned
}

// New makes a batcher over a pool of buffers. The pool bounds the rows in flight: len(pool) x MaxRows.
// It needs a buffer a runner and at least one more to be filled meanwhile; with two or more, one is kept
// from the backfill lane.
func New[B Rows, T any](cfg Config, pool []B, run RunFunc[B, T]) (*Batcher[B, T], error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	cfg = cfg.withDefaults()
	if len(pool) == 0 {
		return nil, errors.New("batch: the pool holds no buffer")
	}
	b := &Batcher[B, T]{cfg: cfg, run: run, size: len(pool), alarm: make(chan struct{}, 1), stopped: make(chan struct{})}
	b.work = sync.NewCond(&b.mu)
	for _, buffers := range pool {
		if rows := buffers.Rows(); rows < cfg.MaxRows {
			return nil, fmt.Errorf("batch: a buffer holds %d rows, fewer than max rows %d", rows, cfg.MaxRows)
		}
		b.free = append(b.free, &Batch[B, T]{
			Buffers: buffers, owner: b,
			Items: make([]T, 0, cfg.MaxRows), states: make([]rowState, 0, cfg.MaxRows),
		})
	}
	for lane := range b.ready {
		b.ready[lane] = make([]*Batch[B, T], 0, len(pool))
	}
	return b, nil
}

// Run runs the clock and the runners until Drain has emptied the batcher, or until ctx is done and every
// slot has been committed or cancelled and every batch handed to the run function. It returns ctx's
// error in the second case. It is called once.
func (b *Batcher[B, T]) Run(ctx context.Context) error {
	b.mu.Lock()
	if b.running {
		b.mu.Unlock()
		return errors.New("batch: Run was called twice")
	}
	b.running = true
	b.mu.Unlock()
	defer close(b.stopped)

	var runners sync.WaitGroup
	for range b.cfg.Runners {
		runners.Go(func() { b.runner(ctx) })
	}
	quit := make(chan struct{})
	var clock sync.WaitGroup
	clock.Go(func() { b.clock(ctx.Done(), quit) })
	runners.Wait()
	close(quit)
	clock.Wait()
	return ctx.Err()
}

// Drain stops the intake, has everything that was committed run, and waits until Run has returned and
// every batch is released. Slots that are still being filled may be committed. When ctx is done first it
// returns an error with what is left; the caller then ends Run by its context.
func (b *Batcher[B, T]) Drain(ctx context.Context) error {
	b.startDrain()
	select {
	case <-b.stopped:
		return nil
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		return fmt.Errorf("batch: drain: %w with %d of %d buffers still in use", ctx.Err(), b.size-len(b.free), b.size)
	}
}

// startDrain refuses new rows, seals what is open, and has the runners look again whether they are done.
func (b *Batcher[B, T]) startDrain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.draining = true
	for lane := range b.open {
		if b.open[lane] != nil {
			b.seal(b.open[lane])
		}
		b.waiting[lane].wakeAll()
	}
	b.work.Broadcast()
}

// runner takes ready batches, live before backfill, until the batcher is drained.
func (b *Batcher[B, T]) runner(ctx context.Context) {
	for {
		batch := b.take(ctx)
		if batch == nil {
			return
		}
		b.run(ctx, batch)
	}
}

// take waits for a ready batch; nil means that none will come any more.
func (b *Batcher[B, T]) take(ctx context.Context) *Batch[B, T] {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		for lane := range b.ready {
			if queue := b.ready[lane]; len(queue) > 0 {
				batch := queue[0]
				b.ready[lane] = append(queue[:0], queue[1:]...)
				batch.running = true
				b.stats.add(batch.Lane, len(batch.Items), b.cfg.MaxRows, time.Since(batch.first))
				return batch
			}
		}
		if b.draining && b.finished(ctx) {
			b.work.Broadcast()
			return nil
		}
		b.work.Wait()
	}
}

// finished reports whether no batch will become ready any more: none is open or waits for its rows, and
// in a soft stop all are released.
func (b *Batcher[B, T]) finished(ctx context.Context) bool {
	if b.sealed > 0 || b.open[Live] != nil || b.open[Backfill] != nil {
		return false
	}
	return ctx.Err() != nil || len(b.free) == b.size
}

// release puts a batch back into the pool and lets waiting workers try again.
func (b *Batcher[B, T]) release(batch *Batch[B, T]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if batch.running {
		b.recycle(batch)
	}
}

// recycle empties a batch and frees its buffer.
func (b *Batcher[B, T]) recycle(batch *Batch[B, T]) {
	clear(batch.Items)
	batch.Items, batch.states = batch.Items[:0], batch.states[:0]
	batch.generation++
	batch.committed, batch.outstanding = 0, 0
	batch.sealed, batch.running = false, false
	if batch.Lane == Backfill {
		b.backfill--
	}
	b.free = append(b.free, batch)
	b.wake()
	if b.draining {
		b.work.Broadcast()
	}
}
