package batch

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// action is what a worker does with one row.
type action struct {
	lane   Lane
	cancel bool
	before time.Duration // pause before it reserves
	during time.Duration // time to fill
}

// plan is a random history.
type plan struct {
	cfg     Config
	buffers int
	runFor  time.Duration
	workers [][]action
	hard    time.Duration // hard stop after this time; 0 means a drain at the end
}

func drawPlan(t *rapid.T) plan {
	ms := func(label string, most int) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, label)) * time.Millisecond
	}
	p := plan{
		cfg: Config{
			MaxRows: rapid.IntRange(1, 5).Draw(t, "rows"),
			MaxWait: time.Millisecond + ms("wait", 10),
			Runners: rapid.IntRange(1, 3).Draw(t, "runners"),
		},
		buffers: rapid.IntRange(1, 5).Draw(t, "buffers"),
		runFor:  ms("run", 10),
	}
	if rapid.Bool().Draw(t, "hard") {
		p.hard = time.Millisecond + ms("hard after", 60)
	}
	for range rapid.IntRange(1, 6).Draw(t, "workers") {
		var actions []action
		for range rapid.IntRange(0, 20).Draw(t, "actions") {
			actions = append(actions, action{
				lane:   Lane(rapid.IntRange(0, 1).Draw(t, "lane")),
				cancel: rapid.IntRange(0, 4).Draw(t, "cancel") == 0,
				before: ms("before", 8), during: ms("during", 4),
			})
		}
		p.workers = append(p.workers, actions)
	}
	return p
}

// TestEveryCommittedRowRunsOnce plays random histories of workers, runners and stops in fake time: what
// is committed is what runs, each row once, with its own values, batches hold one lane and at most MaxRows
// rows, and in the end all buffers are free.
func TestEveryCommittedRowRunsOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		synctest.Test(t, func(t *testing.T) { p.play(t) })
	})
}

// history is what happened while a plan was played.
type history struct {
	mu             sync.Mutex
	ran, committed []int
	lanes          map[int]Lane
}

// run is the run function: it checks the batch, notes its items and takes its time.
func (h *history) run(t *testing.T, p plan, batch *Batch[*memory, int]) {
	h.mu.Lock()
	if len(batch.Items) == 0 || len(batch.Items) > p.cfg.MaxRows {
		t.Errorf("a batch of %d rows", len(batch.Items))
	}
	for i, item := range batch.Items {
		if h.lanes[item] != batch.Lane || batch.Buffers.FeatureRow(i)[0] != float32(item) {
			t.Errorf("item %d of lane %v ran in lane %v with values %v", item, h.lanes[item], batch.Lane, batch.Buffers.FeatureRow(i))
		}
	}
	h.ran = append(h.ran, batch.Items...)
	h.mu.Unlock()
	time.Sleep(p.runFor)
	batch.Release()
}

// work plays the actions of one worker.
func (h *history) work(t *testing.T, b *Batcher[*memory, int], worker int, actions []action) {
	for i, a := range actions {
		time.Sleep(a.before)
		slot, err := b.Reserve(t.Context(), a.lane)
		if err != nil {
			continue // stopping
		}
		item := 100*worker + i
		fill(slot, item)
		time.Sleep(a.during)
		h.mu.Lock()
		h.lanes[item] = a.lane
		if !a.cancel {
			h.committed = append(h.committed, item)
		}
		h.mu.Unlock()
		if a.cancel {
			slot.Cancel()
		} else {
			slot.Commit()
		}
	}
}

func (p plan) play(t *testing.T) {
	h := &history{lanes: map[int]Lane{}}
	b, cancel, stop := start(t, p.cfg, p.buffers, func(_ context.Context, batch *Batch[*memory, int]) { h.run(t, p, batch) })
	var workers sync.WaitGroup
	for w, actions := range p.workers {
		workers.Go(func() { h.work(t, b, w, actions) })
	}
	if p.hard > 0 {
		time.Sleep(p.hard)
		cancel()
	}
	workers.Wait()
	if err := stop(); (err != nil) != (p.hard > 0) {
		t.Errorf("stop: %v", err)
	}
	slices.Sort(h.ran)
	slices.Sort(h.committed)
	if !slices.Equal(h.ran, h.committed) {
		t.Errorf("committed %v, ran %v", h.committed, h.ran)
	}
	s := b.Stats()
	if s.FreeBuffers != p.buffers || s.Rows[Live]+s.Rows[Backfill] != int64(len(h.ran)) {
		t.Errorf("stats %+v for %d buffers and %d rows", s, p.buffers, len(h.ran))
	}
}

// TestManyWorkersInRealTime runs real goroutines against one another, for the race detector.
func TestManyWorkersInRealTime(t *testing.T) {
	const workers, rows = 8, 500
	var ran [workers * rows]atomic.Int32
	b, _, stop := start(t, Config{MaxRows: 5, MaxWait: 100 * time.Microsecond, Runners: 3}, 4,
		func(_ context.Context, batch *Batch[*memory, int]) {
			for i, item := range batch.Items {
				if batch.Buffers.ImageRow(i)[0] != float32(item) {
					t.Errorf("item %d came with the values of another", item)
				}
				ran[item].Add(1)
			}
			batch.Release()
		})
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := range rows {
				put(t, b, Lane(w%2), rows*w+i)
			}
		})
	}
	group.Wait()
	if err := stop(); err != nil {
		t.Error(err)
	}
	for item := range ran {
		if n := ran[item].Load(); n != 1 {
			t.Errorf("item %d ran %d times", item, n)
		}
	}
}

// TestReserveAllocatesNothing goes through full batches on one goroutine.
func TestReserveAllocatesNothing(t *testing.T) {
	released := make(chan struct{}, 1)
	b, _, stop := start(t, Config{MaxRows: 4}, 2, func(_ context.Context, batch *Batch[*memory, int]) {
		batch.Release()
		released <- struct{}{}
	})
	round := func() {
		for i := range 4 {
			put(t, b, Live, i)
		}
		<-released
	}
	for range 10 {
		round()
	}
	if n := testing.AllocsPerRun(200, round); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// BenchmarkReserveCommit measures what batching costs a row:
//
//	go test ./infer/batch -run '^$' -bench ReserveCommit
func BenchmarkReserveCommit(b *testing.B) {
	batcher, err := New(Config{}, pool(4, DefaultMaxRows), func(_ context.Context, batch *Batch[*memory, int]) { batch.Release() })
	if err != nil {
		b.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { result <- batcher.Run(context.Background()) }()
	b.ReportAllocs()
	for b.Loop() {
		slot, err := batcher.Reserve(b.Context(), Live)
		if err != nil {
			b.Fatal(err)
		}
		slot.Commit()
	}
	if err := batcher.Drain(context.Background()); err != nil {
		b.Fatal(err)
	}
	if err := <-result; err != nil {
		b.Fatal(err)
	}
}
