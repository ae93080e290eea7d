package batch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestDrainRunsWhatWasCommittedAndRefusesNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t}
		b, _, stop := start(t, Config{MaxRows: 4, MaxWait: time.Hour}, 2, r.run)
		put(t, b, Live, 1)
		slot, err := b.Reserve(t.Context(), Backfill)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- stop() }()
		synctest.Wait()
		if _, err := b.Reserve(t.Context(), Live); !errors.Is(err, ErrDraining) {
			t.Errorf("error %v, want ErrDraining", err)
		}
		fill(slot, 2)
		slot.Commit()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(r.seen()) != 2 || r.seen()[0].done || r.seen()[1].done {
			t.Errorf("records %+v", r.seen())
		}
	})
}

func TestDrainDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t, hold: make(chan struct{})}
		b, _, stop := start(t, Config{MaxRows: 1}, 2, r.run)
		put(t, b, Live, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline", err)
		}
		close(r.hold)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestHardStopHandsRowsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t, hold: make(chan struct{})}
		b, cancel, stop := start(t, Config{MaxRows: 1, MaxWait: time.Hour}, 4, r.run)
		put(t, b, Live, 1)
		synctest.Wait() // row 1 is with the runner, which holds it
		put(t, b, Live, 2)
		slot, err := b.Reserve(t.Context(), Live)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		if _, err := b.Reserve(t.Context(), Live); !errors.Is(err, ErrDraining) {
			t.Errorf("error %v, want ErrDraining", err)
		}
		close(r.hold)
		fill(slot, 3)
		slot.Commit()
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the cancellation", err)
		}
		if len(r.seen()) != 3 || r.seen()[0].done || !r.seen()[1].done || !r.seen()[2].done {
			t.Errorf("records %+v, want rows 2 and 3 with a context that is done", r.seen())
		}
	})
}

func TestHardStopDuringDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := make(chan *Batch[*memory, int], 1)
		b, cancel, stop := start(t, Config{MaxRows: 1}, 2, func(_ context.Context, batch *Batch[*memory, int]) { held <- batch })
		put(t, b, Live, 1)
		done := make(chan error)
		go func() { done <- stop() }()
		synctest.Wait() // the drain waits for the batch that is never released
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the cancellation", err)
		}
		(<-held).Release()
	})
}

func TestStaleSlotDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t}
		b, _, stop := start(t, Config{MaxRows: 1, MaxWait: time.Hour}, 1, r.run)
		old, err := b.Reserve(t.Context(), Live)
		if err != nil {
			t.Fatal(err)
		}
		fill(old, 1)
		old.Commit()
		synctest.Wait()
		next, err := b.Reserve(t.Context(), Live) // the same row of the same buffer
		if err != nil {
			t.Fatal(err)
		}
		old.Commit()
		old.Cancel()
		fill(next, 2)
		next.Commit()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if len(r.seen()) != 2 || r.seen()[1].items[0] != 2 {
			t.Errorf("records %+v", r.seen())
		}
	})
}

func TestNewAndRunRefuseWrongUse(t *testing.T) {
	run := func(context.Context, *Batch[*memory, int]) {}
	if _, err := New(Config{MaxRows: -1, MaxWait: -1, Runners: -1}, pool(1, 4), run); err == nil {
		t.Error("a negative configuration was accepted")
	}
	if _, err := New(Config{MaxRows: 8}, pool(2, 4), run); err == nil {
		t.Error("buffers smaller than a batch were accepted")
	}
	if _, err := New[*memory, int](Config{}, nil, run); err == nil {
		t.Error("an empty pool was accepted")
	}
	b, err := New(Config{MaxRows: 4}, pool(1, 4), run)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Reserve(t.Context(), Lane(7)); err == nil {
		t.Error("a lane that does not exist was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the cancellation", err)
	}
	if err := b.Run(ctx); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("a second Run gave %v", err)
	}
}
