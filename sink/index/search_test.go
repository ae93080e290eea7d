package index

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

func TestSearchConforms(t *testing.T) {
	sinktest.RunSearch(t, sinktest.SearchHarness{
		Open: func(t *testing.T, m *schemas.ModelInfo) (sink.Sink, sink.Searcher) {
			x := open(t, Config{Dir: t.TempDir(), Model: m, SearchWorkers: 3})
			t.Cleanup(func() { _ = x.Close(context.Background()) })
			return x, x
		},
		Records: 5000, // more than two blocks
		Recall:  1,
	})
}

func TestSearchIsTheSameForAnyNumberOfWorkers(t *testing.T) {
	m := sinktest.Model(3)
	dir := t.TempDir()
	b := sinktest.Batch(m, 0, 9000)
	for i := range b.Records { // few directions, so that many similarities are equal
		for j := range b.Records[i].Embedding {
			b.Records[i].Embedding[j] = float32((i>>j)&1) + 0.5
		}
	}
	var first []sink.Hit
	for workers := 1; workers <= 5; workers++ {
		x := open(t, Config{Dir: dir, Model: m, SearchWorkers: workers})
		mustWrite(t, x, b)
		got, err := x.Search(t.Context(), sink.Query{Vector: []float32{1, 2, 3}, K: 50})
		if err != nil {
			t.Fatal(err)
		}
		for i := range got { // positions may be NaN, which never equals itself
			got[i].RA, got[i].Dec = 0, 0
		}
		if first == nil {
			first = got
		}
		if !slices.Equal(got, first) {
			t.Fatalf("%d workers give other hits than one", workers)
		}
		if err := x.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSearchEnds(t *testing.T) {
	m := sinktest.Model(2)
	x := open(t, Config{Dir: t.TempDir(), Model: m})
	mustWrite(t, x, sinktest.Batch(m, 0, 5))
	q := sink.Query{Vector: []float32{1, 0}, K: 1}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Search(ctx, q); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Search(t.Context(), q); !errors.Is(err, sink.ErrClosed) {
		t.Errorf("after close: error %v, want ErrClosed", err)
	}
	if _, err := x.Get(t.Context(), schemas.RecordID{1}); !errors.Is(err, sink.ErrClosed) {
		t.Errorf("Get after close: error %v, want ErrClosed", err)
	}
}

func TestConeAcrossTheSeamAndThePole(t *testing.T) {
	m := sinktest.Model(2)
	x := open(t, Config{Dir: t.TempDir(), Model: m})
	defer x.Close(t.Context())
	b := sinktest.Batch(m, 0, 4)
	positions := [][2]float64{{359.9999, 0}, {0.0001, 0}, {10, 89.9999}, {190, 89.9999}}
	for i, p := range positions {
		b.Records[i].RA, b.Records[i].Dec = p[0], p[1]
	}
	mustWrite(t, x, b)
	for _, c := range []struct {
		ra, dec, radius float64
		want            int
	}{
		{0, 0, 1, 2}, {0, 0, 0.3, 0}, {360, 0, 1, 2}, {0, 90, 1, 2}, {10, 89.9999, 0.5, 1}, {10, 89.9999, 0.8, 2},
	} {
		hits, err := x.Search(t.Context(), sink.Query{Vector: []float32{1, 1}, K: 10,
			Filter: sink.Filter{RA: c.ra, Dec: c.dec, RadiusArcsec: c.radius}})
		if err != nil {
			t.Fatal(err)
		}
		if len(hits) != c.want {
			t.Errorf("cone at %v %v of %v arcsec: %d hits, want %d", c.ra, c.dec, c.radius, len(hits), c.want)
		}
	}
}

func TestSearchWhileWriting(t *testing.T) {
	m := sinktest.Model(8)
	x := open(t, Config{Dir: t.TempDir(), Model: m, MaxVectors: 3000, Overflow: DropOldest})
	defer x.Close(t.Context())
	mustWrite(t, x, sinktest.Batch(m, 0, 100))
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			query := []float32{1, 2, 3, 4, 5, 6, 7, 8}
			for {
				select {
				case <-done:
					return
				default:
				}
				hits, err := x.Search(t.Context(), sink.Query{Vector: query, K: 20})
				if err != nil || len(hits) != 20 {
					t.Errorf("%d hits, error %v", len(hits), err)
					return
				}
			}
		})
	}
	for i := range 50 {
		mustWrite(t, x, sinktest.Batch(m, 100+i*100, 100))
	}
	close(done)
	wg.Wait()
}

// BenchmarkSearch scans 205 MB a query:
//
//	go test ./sink/index -run xxx -bench Search -benchtime 1s
func BenchmarkSearch(b *testing.B) {
	const dim, n = 512, 100_000
	m := sinktest.Model(dim)
	s := newStore(dim, n)
	rng := rand.New(rand.NewPCG(1, 2))
	e := entry{vector: make([]float32, dim), label: "spiral"}
	for i := range n {
		e.id = schemas.RecordID{0: byte(i), 1: byte(i >> 8), 2: byte(i >> 16), 15: 1}
		for j := range e.vector {
			e.vector[j] = rng.Float32() - 0.5
		}
		s.put(&e)
	}
	query := slices.Clone(e.vector)
	for _, workers := range []int{1, 2} {
		x := &Index{cfg: Config{SearchWorkers: workers}, model: m, store: s}
		for name, f := range map[string]sink.Filter{"all": {}, "filtered out": {Before: time.Unix(0, 0)}} {
			b.Run(fmt.Sprintf("100k x 512 top 10, %d workers, %s", workers, name), func(b *testing.B) {
				b.ReportAllocs()
				least := time.Duration(math.MaxInt64)
				for b.Loop() {
					before := cpuTime(b)
					if _, err := x.Search(context.Background(), sink.Query{Vector: query, K: 10, Filter: f}); err != nil {
						b.Fatal(err)
					}
					least = min(least, cpuTime(b)-before)
				}
				b.ReportMetric(float64(least.Microseconds())/1000, "least-cpu-ms")
			})
		}
	}
}

// cpuTime is the processor time this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
