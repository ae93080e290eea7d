package window

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC)

func mustAdmit(t *testing.T, w *Window, offset, size int64) {
	t.Helper()
	if ok, err := w.Admit(offset, size, t0.Add(time.Duration(offset)*time.Second)); err != nil || !ok {
		t.Fatalf("Admit(%d) = %v, %v", offset, ok, err)
	}
}

func mustFinish(t *testing.T, w *Window, offset int64, o ingest.Outcome) {
	t.Helper()
	if err := w.Finish(offset, o); err != nil {
		t.Fatalf("Finish(%d): %v", offset, err)
	}
}

func wantCommittable(t *testing.T, w *Window, want int64) {
	t.Helper()
	if got := w.Committable(); got != want {
		t.Fatalf("Committable = %d, want %d", got, want)
	}
}

func TestFinishOutOfOrderCommitsPrefix(t *testing.T) {
	w := New(10, Limits{Messages: 8, Bytes: 100})
	wantCommittable(t, w, 10)
	for o := int64(10); o < 14; o++ {
		mustAdmit(t, w, o, 1)
	}
	mustFinish(t, w, 12, ingest.Written)
	mustFinish(t, w, 11, ingest.Duplicate)
	wantCommittable(t, w, 10)
	mustFinish(t, w, 10, ingest.Quarantined)
	wantCommittable(t, w, 13)
	mustFinish(t, w, 13, ingest.Written)
	wantCommittable(t, w, 14)
	want := Stats{Admitted: 4, Written: 2, Duplicates: 1, Quarantined: 1}
	if got := w.Stats(); got != want {
		t.Fatalf("Stats = %+v, want %+v", got, want)
	}
}

func TestGapsAndSkipsAdvance(t *testing.T) {
	w := New(0, Limits{Messages: 8, Bytes: 100})
	mustAdmit(t, w, 5, 1) // 0 to 4 were compacted away
	wantCommittable(t, w, 5)
	mustAdmit(t, w, 9, 1) // 6 to 8 aborted
	mustFinish(t, w, 5, ingest.Written)
	wantCommittable(t, w, 9)
	w.Skip(12) // markers behind the last message
	wantCommittable(t, w, 9)
	mustFinish(t, w, 9, ingest.Written)
	wantCommittable(t, w, 12)
	w.Skip(15)
	wantCommittable(t, w, 15)
	w.Skip(3)
	wantCommittable(t, w, 15)
}

func TestGivenBackNeverAdvances(t *testing.T) {
	w := New(0, Limits{Messages: 3, Bytes: 100})
	for o := range int64(3) {
		mustAdmit(t, w, o, 1)
	}
	mustFinish(t, w, 1, ingest.GivenBack)
	mustFinish(t, w, 0, ingest.Written)
	mustFinish(t, w, 2, ingest.Written)
	wantCommittable(t, w, 1)
	w.Skip(20)
	wantCommittable(t, w, 1)
	if _, _, ok := w.Oldest(); ok {
		t.Fatal("Oldest found an offset in flight; all are finished")
	}
	if s := w.Stats(); s.Held != 2 || s.GivenBack != 1 {
		t.Fatalf("Stats = %+v, want 2 held and 1 given back", s)
	}
}

func TestLimits(t *testing.T) {
	w := New(0, Limits{Messages: 3, Bytes: 10})
	mustAdmit(t, w, 0, 99) // larger than the limit: admitted alone
	if ok, err := w.Admit(1, 1, t0); ok || err != nil {
		t.Fatalf("Admit over the byte limit = %v, %v", ok, err)
	}
	mustFinish(t, w, 0, ingest.Written)
	mustAdmit(t, w, 1, 4)
	mustAdmit(t, w, 2, 6)
	if ok, _ := w.Admit(3, 1, t0); ok {
		t.Fatal("Admit over the byte limit succeeded")
	}
	mustFinish(t, w, 2, ingest.Written) // its bytes are free, its place is not
	mustAdmit(t, w, 3, 6)
	if ok, _ := w.Admit(4, 0, t0); ok {
		t.Fatal("Admit over the count limit succeeded")
	}
	mustFinish(t, w, 1, ingest.Written)
	mustAdmit(t, w, 4, 0)
}

func TestOldest(t *testing.T) {
	w := New(0, Limits{Messages: 8, Bytes: 100})
	for o := range int64(3) {
		mustAdmit(t, w, o, 1)
	}
	mustFinish(t, w, 0, ingest.GivenBack)
	offset, at, ok := w.Oldest()
	if !ok || offset != 1 || !at.Equal(t0.Add(time.Second)) {
		t.Fatalf("Oldest = %d, %v, %v", offset, at, ok)
	}
}

func TestMisuseIsAnErrorAndChangesNothing(t *testing.T) {
	w := New(5, Limits{Messages: 8, Bytes: 100})
	for o := int64(5); o < 8; o++ {
		mustAdmit(t, w, o, 1)
	}
	mustFinish(t, w, 5, ingest.Written)
	mustFinish(t, w, 7, ingest.Written)
	before := w.Stats()
	cases := []struct {
		name string
		err  error
		want error
	}{
		{"finish twice, left the window", w.Finish(5, ingest.Written), ErrFinished},
		{"finish twice, still held", w.Finish(7, ingest.GivenBack), ErrFinished},
		{"finish above", w.Finish(8, ingest.Written), ErrUnknown},
		{"no outcome", w.Finish(6, 0), ErrOutcome},
		{"no such outcome", w.Finish(6, 99), ErrOutcome},
		{"admit below", func() error { _, err := w.Admit(7, 1, t0); return err }(), ErrOrder},
	}
	for _, c := range cases {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.err, c.want)
		}
	}
	if after := w.Stats(); after != before {
		t.Errorf("Stats changed: %+v, was %+v", after, before)
	}
	wantCommittable(t, w, 6)
}

// model is the window done the slow way: every offset ever seen, scanned from the start each time.
type model struct {
	start, next int64
	outcome     map[int64]ingest.Outcome // of admitted offsets; 0 in flight
	size        map[int64]int64
}

func (m *model) committable() int64 {
	for o := m.start; o < m.next; o++ {
		if out, ok := m.outcome[o]; ok && (out == 0 || out == ingest.GivenBack) {
			return o
		}
	}
	return m.next
}

func (m *model) stats() Stats {
	s := Stats{}
	from := m.committable()
	for o, out := range m.outcome {
		s.Admitted++
		switch out {
		case 0:
			s.InFlight++
			s.Bytes += m.size[o]
		case ingest.Written:
			s.Written++
		case ingest.Duplicate:
			s.Duplicates++
		case ingest.Quarantined:
			s.Quarantined++
		case ingest.GivenBack:
			s.GivenBack++
		}
		if o >= from {
			s.Held++
		}
	}
	return s
}

func (m *model) inFlight() []int64 {
	var list []int64
	for o := m.start; o < m.next; o++ {
		if out, ok := m.outcome[o]; ok && out == 0 {
			list = append(list, o)
		}
	}
	return list
}

func TestWindowEqualsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(0, 1<<40).Draw(t, "start")
		lim := Limits{Messages: rapid.IntRange(1, 40).Draw(t, "messages"), Bytes: rapid.Int64Range(1, 200).Draw(t, "bytes")}
		w := New(start, lim)
		m := &model{start: start, next: start, outcome: map[int64]ingest.Outcome{}, size: map[int64]int64{}}
		t.Repeat(map[string]func(*rapid.T){
			"admit": func(t *rapid.T) {
				o := m.next + rapid.Int64Range(0, 3).Draw(t, "gap")
				size := rapid.Int64Range(0, 30).Draw(t, "size")
				s := m.stats()
				want := s.Held < int64(lim.Messages) && (s.InFlight == 0 || s.Bytes+size <= lim.Bytes)
				ok, err := w.Admit(o, size, t0)
				if err != nil || ok != want {
					t.Fatalf("Admit(%d, %d) = %v, %v, want %v", o, size, ok, err, want)
				}
				if ok {
					m.outcome[o], m.size[o], m.next = 0, size, o+1
				}
			},
			"finish": func(t *rapid.T) {
				list := m.inFlight()
				if len(list) == 0 {
					t.Skip("nothing in flight")
				}
				o := rapid.SampledFrom(list).Draw(t, "offset")
				out := rapid.SampledFrom([]ingest.Outcome{ingest.Written, ingest.Written, ingest.Written,
					ingest.Duplicate, ingest.Quarantined, ingest.GivenBack}).Draw(t, "outcome")
				if err := w.Finish(o, out); err != nil {
					t.Fatalf("Finish(%d): %v", o, err)
				}
				m.outcome[o] = out
			},
			"finish wrongly": func(t *rapid.T) {
				o := rapid.Int64Range(m.start-2, m.next+2).Draw(t, "offset")
				if out, ok := m.outcome[o]; ok && out == 0 {
					t.Skip("in flight")
				}
				if err := w.Finish(o, ingest.Written); err == nil {
					t.Fatalf("Finish(%d) of an offset not in flight succeeded", o)
				}
			},
			"skip": func(t *rapid.T) {
				m.next += rapid.Int64Range(0, 3).Draw(t, "gap")
				w.Skip(m.next)
			},
			"": func(t *rapid.T) {
				if got, want := w.Committable(), m.committable(); got != want {
					t.Fatalf("Committable = %d, want %d", got, want)
				}
				if got, want := w.Stats(), m.stats(); got != want {
					t.Fatalf("Stats = %+v, want %+v", got, want)
				}
				list := m.inFlight()
				if o, _, ok := w.Oldest(); ok != (len(list) > 0) || ok && o != list[0] {
					t.Fatalf("Oldest = %d, %v; in flight %v", o, ok, list)
				}
			},
		})
	})
}

// Finishing from many goroutines in random order ends with everything committable, and Committable never
// falls on the way.
func TestConcurrentFinish(t *testing.T) {
	const n = 4000
	w := New(0, Limits{Messages: n, Bytes: n})
	for o := range int64(n) {
		mustAdmit(t, w, o, 1)
	}
	order := rand.Perm(n)
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() {
			last := int64(0)
			for i := k; i < n; i += 4 {
				if err := w.Finish(int64(order[i]), ingest.Written); err != nil {
					t.Error(err)
				}
				c := w.Committable()
				if c < last {
					t.Errorf("Committable fell from %d to %d", last, c)
				}
				last = c
			}
		})
	}
	wg.Wait()
	wantCommittable(t, w, n)
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	w := New(0, Limits{Messages: 64, Bytes: 1 << 20})
	next := int64(0)
	cycle := func() {
		for range 48 {
			if ok, err := w.Admit(next, 100, t0); !ok || err != nil {
				t.Fatal(ok, err)
			}
			next++
		}
		for o := next - 1; o >= next-48; o-- {
			if err := w.Finish(o, ingest.Written); err != nil {
				t.Fatal(err)
			}
		}
	}
	cycle()
	if a := testing.AllocsPerRun(100, cycle); a != 0 {
		t.Fatalf("%v allocations a cycle, want 0", a)
	}
}

// go test -run - -bench Window -benchtime 0.5s ./ingest/window
func BenchmarkWindowReverseFinish(b *testing.B) {
	w := New(0, Limits{Messages: 1024, Bytes: 1 << 40})
	next := int64(0)
	for b.Loop() {
		for range 1024 {
			_, _ = w.Admit(next, 70_000, t0)
			next++
		}
		for o := next - 1; o >= next-1024; o-- {
			_ = w.Finish(o, ingest.Written)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/message")
}
