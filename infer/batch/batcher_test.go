package batch

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a Rows of plain slices: two image values and one feature a row.
type memory struct{ image, features []float32 }

func newMemory(rows int) *memory {
	return &memory{image: make([]float32, 2*rows), features: make([]float32, rows)}
}

func (m *memory) Rows() int                  { return len(m.features) }
func (m *memory) ImageRow(i int) []float32   { return m.image[2*i : 2*i+2] }
func (m *memory) FeatureRow(i int) []float32 { return m.features[i : i+1] }

// pool makes n buffers of the given rows.
func pool(n, rows int) []*memory {
	list := make([]*memory, n)
	for i := range list {
		list[i] = newMemory(rows)
	}
	return list
}

// record is a copy of a batch as the run function saw it.
type record struct {
	lane  Lane
	items []int
	at    time.Time
	done  bool // the context was done
}

// recorder is a run function that keeps a record and checks that each row's values travelled with its
// item.
type recorder struct {
	t  testing.TB
	mu sync.Mutex
	// hold, when set, keeps the first batches from being released until it is closed.
	hold    chan struct{}
	records []record
}

func (r *recorder) run(ctx context.Context, b *Batch[*memory, int]) {
	r.mu.Lock()
	r.records = append(r.records, record{b.Lane, slices.Clone(b.Items), time.Now(), ctx.Err() != nil})
	r.mu.Unlock()
	for i, item := range b.Items {
		if v := float32(item); b.Buffers.ImageRow(i)[0] != v || b.Buffers.ImageRow(i)[1] != -v || b.Buffers.FeatureRow(i)[0] != v {
			r.t.Errorf("row %d of item %d holds %v and %v", i, item, b.Buffers.ImageRow(i), b.Buffers.FeatureRow(i))
		}
	}
	if r.hold != nil {
		<-r.hold
	}
	b.Release()
	b.Release() // the second call must do nothing
}

// seen returns the records so far.
func (r *recorder) seen() []record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.records)
}

// fill writes an item and its values into a slot.
func fill(s Slot[*memory, int], item int) {
	*s.Item = item
	s.Image[0], s.Image[1], s.Features[0] = float32(item), -float32(item), float32(item)
}

// put reserves, fills and commits a row.
func put(t *testing.T, b *Batcher[*memory, int], lane Lane, item int) {
	t.Helper()
	s, err := b.Reserve(t.Context(), lane)
	if err != nil {
		t.Errorf("item %d: %v", item, err)
		return
	}
	fill(s, item)
	s.Commit()
}

// start makes a batcher and runs it; stop drains it and returns Run's error.
func start(t *testing.T, cfg Config, buffers int, run RunFunc[*memory, int]) (b *Batcher[*memory, int], cancel func(), stop func() error) {
	t.Helper()
	b, err := New(cfg, pool(buffers, cfg.withDefaults().MaxRows), run)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- b.Run(ctx) }()
	return b, cancel, func() error {
		err := b.Drain(context.Background())
		runErr := <-result
		cancel()
		return errors.Join(err, runErr)
	}
}

func TestFullBatchGoesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t}
		b, _, stop := start(t, Config{MaxRows: 4, MaxWait: time.Hour}, 2, r.run)
		begin := time.Now()
		for i := range 8 {
			put(t, b, Live, i)
		}
		synctest.Wait()
		if len(r.seen()) != 2 || !slices.Equal(r.seen()[0].items, []int{0, 1, 2, 3}) || r.seen()[1].at != begin {
			t.Errorf("records %+v", r.seen())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		s := b.Stats()
		if s.Full != 2 || s.Expired != 0 || s.FillRatio() != 1 || s.Rows[Live] != 8 || s.FreeBuffers != 2 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestOldestRowWaitsMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t}
		b, _, stop := start(t, Config{MaxRows: 4, MaxWait: 20 * time.Millisecond}, 2, r.run)
		time.Sleep(time.Second) // an idle time: the clock starts with the row, not with the batcher
		begin := time.Now()
		put(t, b, Live, 1)
		time.Sleep(15 * time.Millisecond)
		put(t, b, Live, 2)
		put(t, b, Backfill, 3)
		time.Sleep(time.Second)
		want := []record{
			{Live, []int{1, 2}, begin.Add(20 * time.Millisecond), false},
			{Backfill, []int{3}, begin.Add(35 * time.Millisecond), false},
		}
		if !slices.EqualFunc(r.seen(), want, func(a, b record) bool {
			return a.lane == b.lane && slices.Equal(a.items, b.items) && a.at.Equal(b.at)
		}) {
			t.Errorf("records %+v, want %+v", r.seen(), want)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if s := b.Stats(); s.Expired != 2 || s.QueueWait != 40*time.Millisecond || s.FillRatio() != 3.0/8 {
			t.Errorf("stats %+v, fill %v", s, s.FillRatio())
		}
	})
}

func TestExpiredBatchWaitsForRowsBeingFilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t}
		b, _, stop := start(t, Config{MaxRows: 4, MaxWait: 20 * time.Millisecond}, 2, r.run)
		begin := time.Now()
		slow, err := b.Reserve(t.Context(), Live)
		if err != nil {
			t.Fatal(err)
		}
		put(t, b, Live, 2)
		time.Sleep(30 * time.Millisecond)
		put(t, b, Live, 3) // the first batch is sealed: this row opens another
		fill(slow, 1)
		slow.Commit()
		slow.Commit() // no effect
		slow.Cancel() // no effect
		time.Sleep(time.Second)
		if len(r.seen()) != 2 || !slices.Equal(r.seen()[0].items, []int{1, 2}) ||
			r.seen()[0].at != begin.Add(30*time.Millisecond) || !slices.Equal(r.seen()[1].items, []int{3}) {
			t.Errorf("records %+v", r.seen())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestCancelledRowsLeaveNoHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t}
		b, _, stop := start(t, Config{MaxRows: 6, MaxWait: time.Hour}, 2, r.run)
		for batch, cancelled := range [][]int{{0}, {5}, {0, 1, 2}, {3, 4, 5}, {0, 2, 4}, {1, 3, 5}, {0, 1, 2, 3, 4, 5}} {
			var slots []Slot[*memory, int]
			for range 6 {
				s, err := b.Reserve(t.Context(), Live)
				if err != nil {
					t.Fatal(err)
				}
				slots = append(slots, s)
			}
			for i, s := range slots {
				fill(s, 10*batch+i)
				if slices.Contains(cancelled, i) {
					s.Cancel()
				} else {
					s.Commit()
				}
			}
			synctest.Wait()
			var want []int
			for i := range 6 {
				if !slices.Contains(cancelled, i) {
					want = append(want, 10*batch+i)
				}
			}
			if want == nil {
				continue
			}
			got := r.seen()[len(r.seen())-1].items
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("cancelled %v: ran %v, want %v", cancelled, got, want)
			}
		}
		if len(r.seen()) != 6 {
			t.Errorf("%d batches ran, want 6: the one without rows must not run", len(r.seen()))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if s := b.Stats(); s.Cancelled != 20 || s.FreeBuffers != 2 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestCancelledBatchFreesItsBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t}
		b, _, stop := start(t, Config{MaxRows: 4, MaxWait: time.Hour}, 1, r.run)
		slot, err := b.Reserve(t.Context(), Live)
		if err != nil {
			t.Fatal(err)
		}
		slot.Cancel()
		put(t, b, Backfill, 1) // would block for ever if the live lane kept the only buffer
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestLiveGoesBeforeBackfill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t, hold: make(chan struct{})}
		b, _, stop := start(t, Config{MaxRows: 1, MaxWait: time.Hour}, 4, r.run)
		put(t, b, Backfill, 1) // occupies the runner
		synctest.Wait()
		put(t, b, Backfill, 2)
		put(t, b, Backfill, 3)
		put(t, b, Live, 4)
		close(r.hold)
		if err := stop(); err != nil {
			t.Error(err)
		}
		var order []int
		for _, rec := range r.seen() {
			order = append(order, rec.items...)
		}
		if !slices.Equal(order, []int{1, 4, 2, 3}) {
			t.Errorf("order %v, want the live row 4 right after the one that ran already", order)
		}
	})
}

func TestBackfillLeavesABufferToLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t, hold: make(chan struct{})}
		b, _, stop := start(t, Config{MaxRows: 1, MaxWait: time.Hour}, 3, r.run)
		for i := range 5 {
			go put(t, b, Backfill, i)
		}
		synctest.Wait()
		if s := b.Stats(); s.FreeBuffers != 1 {
			t.Errorf("%d buffers free, want 1 kept for live", s.FreeBuffers)
		}
		put(t, b, Live, 100) // must not block
		close(r.hold)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if len(r.seen()) != 6 {
			t.Errorf("%d batches ran, want 6", len(r.seen()))
		}
	})
}

func TestReserveBlocksWhenThePoolIsInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{t: t, hold: make(chan struct{})}
		b, _, stop := start(t, Config{MaxRows: 2, MaxWait: time.Hour}, 1, r.run)
		put(t, b, Live, 1)
		put(t, b, Live, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := b.Reserve(ctx, Live); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the deadline", err)
		}
		var done sync.WaitGroup
		for i := range 2 {
			done.Go(func() { put(t, b, Live, 3+i) })
		}
		synctest.Wait()
		time.Sleep(time.Second)
		close(r.hold)
		done.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if s := b.Stats(); s.ReserveWaits != 3 || s.ReserveWait != time.Minute+2*time.Second || s.Rows[Live] != 4 {
			t.Errorf("stats %+v", s)
		}
	})
}
