package batch

import (
	"context"
	"fmt"
	"time"
)

// Reserve returns a row of the lane to fill, waiting while all buffers are in use. The error is
// ErrDraining once the batcher stops, or ctx's.
func (b *Batcher[B, T]) Reserve(ctx context.Context, lane Lane) (Slot[B, T], error) {
	if lane < 0 || lane >= lanes {
		return Slot[B, T]{}, fmt.Errorf("batch: %v does not exist", lane)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var since time.Time
	for {
		if b.draining {
			return Slot[B, T]{}, ErrDraining
		}
		if b.hasRoom(lane) {
			if !since.IsZero() {
				b.stats.ReserveWait += time.Since(since)
			}
			return b.reserve(lane), nil
		}
		if since.IsZero() {
			since = time.Now()
			b.stats.ReserveWaits++
		}
		w := b.waiting[lane].add()
		b.mu.Unlock()
		select {
		case <-w.woken:
			b.mu.Lock()
			b.waiting[lane].put(w)
		case <-ctx.Done():
			b.mu.Lock()
			b.waiting[lane].remove(w)
			b.stats.ReserveWait += time.Since(since)
			b.wake() // a wake-up meant for this one must reach another
			return Slot[B, T]{}, fmt.Errorf("batch: reserve: %w", ctx.Err())
		}
	}
}

// hasRoom reports whether a row of the lane can be had now. Backfill leaves one buffer of several to
// live, and all of them while live waits.
func (b *Batcher[B, T]) hasRoom(lane Lane) bool {
	if b.open[lane] != nil {
		return true
	}
	if lane == Backfill {
		if b.size > 1 && b.backfill >= b.size-1 {
			return false
		}
		if len(b.waiting[Live].queue) > 0 {
			return false
		}
	}
	return len(b.free) > 0
}

// reserve hands out the next row of the lane's open batch, opening one when there is none.
func (b *Batcher[B, T]) reserve(lane Lane) Slot[B, T] {
	batch := b.open[lane]
	if batch == nil {
		last := len(b.free) - 1
		batch = b.free[last]
		b.free = b.free[:last]
		batch.Lane = lane
		if lane == Backfill {
			b.backfill++
		}
		b.open[lane] = batch
		b.wake()
	}
	row := len(batch.states)
	batch.states = append(batch.states, rowReserved)
	batch.Items = batch.Items[:row+1]
	batch.outstanding++
	slot := Slot[B, T]{
		Image: batch.Buffers.ImageRow(row), Features: batch.Buffers.FeatureRow(row), Item: &batch.Items[row],
		batch: batch, row: row, generation: batch.generation,
	}
	if len(batch.states) == b.cfg.MaxRows {
		b.seal(batch)
	}
	return slot
}

// finish ends a slot.
func (b *Batcher[B, T]) finish(s Slot[B, T], state rowState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	batch := s.batch
	if batch.generation != s.generation || batch.states[s.row] != rowReserved {
		return
	}
	batch.states[s.row] = state
	batch.outstanding--
	if state == rowCommitted {
		batch.committed++
		if batch.committed == 1 {
			batch.first = time.Now()
			b.ringClock()
		}
	} else {
		b.stats.Cancelled++
		var zero T
		*s.Item = zero
	}
	switch {
	case batch.outstanding > 0:
	case batch.sealed:
		b.sealed--
		b.dispatch(batch)
	case batch.committed == 0: // nothing in it has a deadline: the other lane may need the buffer
		b.seal(batch)
	}
}

// seal ends the intake of a batch and dispatches it when no slot of it is out.
func (b *Batcher[B, T]) seal(batch *Batch[B, T]) {
	batch.sealed = true
	b.open[batch.Lane] = nil
	if batch.outstanding > 0 {
		b.sealed++
		return
	}
	b.dispatch(batch)
}

// dispatch queues a batch for a runner, or frees it when all its rows were cancelled.
func (b *Batcher[B, T]) dispatch(batch *Batch[B, T]) {
	if batch.committed == 0 {
		b.recycle(batch)
		return
	}
	batch.compact()
	b.ready[batch.Lane] = append(b.ready[batch.Lane], batch)
	b.work.Signal()
}

// wake lets the waiting workers that would now succeed try again, live first.
func (b *Batcher[B, T]) wake() {
	for lane := range lanes {
		if len(b.waiting[lane].queue) > 0 && b.hasRoom(lane) {
			b.waiting[lane].wakeAll()
			return
		}
	}
}
