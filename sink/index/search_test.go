package index

import (
	"cmp"
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

// cosine is the reference in float64.
func cosine(a, b []float32) float64 {
	var dot float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
	}
	return dot / norm(a) / norm(b)
}

// separation is the reference angle between two positions in arcsec, from unit vectors.
func separation(ra1, dec1, ra2, dec2 float64) float64 {
	rad := math.Pi / 180
	x := func(ra, dec float64) [3]float64 {
		return [3]float64{math.Cos(dec*rad) * math.Cos(ra*rad), math.Cos(dec*rad) * math.Sin(ra*rad), math.Sin(dec * rad)}
	}
	a, b := x(ra1, dec1), x(ra2, dec2)
	cross := [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
	return math.Atan2(math.Sqrt(cross[0]*cross[0]+cross[1]*cross[1]+cross[2]*cross[2]), a[0]*b[0]+a[1]*b[1]+a[2]*b[2]) / rad * 3600
}

// passes is the reference filter.
func passes(f sink.Filter, r *schemas.Record) bool {
	switch {
	case f.Label != "" && r.Model.Classes[r.Label] != f.Label, r.Probability < f.MinProb:
		return false
	case !f.After.IsZero() && (r.ObservedAt.IsZero() || r.ObservedAt.Before(f.After)):
		return false
	case !f.Before.IsZero() && (r.ObservedAt.IsZero() || !r.ObservedAt.Before(f.Before)):
		return false
	}
	return f.RadiusArcsec == 0 || separation(f.RA, f.Dec, r.RA, r.Dec) <= f.RadiusArcsec
}

func TestSearchAgreesWithAPlainScan(t *testing.T) {
	const dim, n = 24, 5000 // more than two blocks
	m := sinktest.Model(dim)
	records := sinktest.Records(m, 0, n)
	x := open(t, Config{Dir: t.TempDir(), Model: m, SearchWorkers: 3})
	defer x.Close(t.Context())
	mustWrite(t, x, &sink.Batch{Model: m, Records: records})
	at := records[100]
	filters := map[string]sink.Filter{
		"none":        {},
		"label":       {Label: "merger"},
		"probability": {MinProb: 0.6},
		"after":       {After: records[2500].ObservedAt},
		"window":      {After: records[1000].ObservedAt, Before: records[1200].ObservedAt},
		"cone":        {RA: at.RA, Dec: at.Dec, RadiusArcsec: 10 * 3600},
		"half sky":    {RA: 0, Dec: 90, RadiusArcsec: 90 * 3600},
		"all":         {Label: "spiral", MinProb: 0.4, After: records[10].ObservedAt, Before: records[4000].ObservedAt, RA: 200, Dec: -10, RadiusArcsec: 60 * 3600},
		"nothing":     {Label: "no such class"},
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for name, f := range filters {
		for _, k := range []int{1, 10, 700, MaxHits} {
			t.Run(fmt.Sprintf("%s/%d", name, k), func(t *testing.T) {
				query := make([]float32, dim)
				for i := range query {
					query[i] = float32(rng.NormFloat64())
				}
				checkSearch(t, x, records, sink.Query{Vector: query, K: k, Filter: f})
			})
		}
	}
}

// checkSearch compares the hits with a scan in float64; entries closer than the rounding of float32 may
// change places.
func checkSearch(t *testing.T, x *Index, records []schemas.Record, q sink.Query) {
	t.Helper()
	type scored struct {
		r   *schemas.Record
		sim float64
	}
	var want []scored
	byID := map[schemas.RecordID]*schemas.Record{}
	for i := range records {
		byID[records[i].ID] = &records[i]
		if passes(q.Filter, &records[i]) {
			want = append(want, scored{&records[i], cosine(q.Vector, records[i].Embedding)})
		}
	}
	slices.SortFunc(want, func(a, b scored) int { return cmp.Compare(b.sim, a.sim) })
	want = want[:min(len(want), q.K)]
	got, err := x.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d hits, want %d", len(got), len(want))
	}
	const rounding = 1e-5
	for i, h := range got {
		r := byID[h.ID]
		if r == nil || !passes(q.Filter, r) {
			t.Fatalf("hit %d is %s, which does not pass the filter", i, h.ID)
		}
		if d := math.Abs(float64(h.Similarity) - want[i].sim); d > rounding {
			t.Fatalf("hit %d has similarity %v, want %v", i, h.Similarity, want[i].sim)
		}
		if d := math.Abs(float64(h.Similarity) - cosine(q.Vector, r.Embedding)); d > rounding {
			t.Fatalf("hit %d: similarity %v is not that of its record", i, h.Similarity)
		}
		if h.ObjectID != string(r.ObjectID) || h.ObservationID != string(r.ObservationID) || h.Survey != r.Survey ||
			h.Label != r.Model.Classes[r.Label] || h.Probability != r.Probability ||
			!sameNumber(h.RA, r.RA) || !sameNumber(h.Dec, r.Dec) || !h.ObservedAt.Equal(r.ObservedAt) {
			t.Fatalf("hit %d is %+v, want the fields of %+v", i, h, *r)
		}
	}
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

func TestSearchRefusesWhatItCannotAnswer(t *testing.T) {
	m := sinktest.Model(2)
	x := open(t, Config{Dir: t.TempDir(), Model: m})
	good := []float32{1, 0}
	if hits, err := x.Search(t.Context(), sink.Query{Vector: good, K: 5}); err != nil || len(hits) != 0 {
		t.Fatalf("search over nothing: %v, %v, want no hits and no error", hits, err)
	}
	nan := float32(math.NaN())
	for name, q := range map[string]sink.Query{
		"length":          {Vector: []float32{1}, K: 1},
		"zero vector":     {Vector: []float32{0, 0}, K: 1},
		"NaN":             {Vector: []float32{nan, 1}, K: 1},
		"no hits":         {Vector: good, K: 0},
		"too many hits":   {Vector: good, K: MaxHits + 1},
		"negative radius": {Vector: good, K: 1, Filter: sink.Filter{RadiusArcsec: -1}},
		"declination":     {Vector: good, K: 1, Filter: sink.Filter{Dec: 91, RadiusArcsec: 1}},
	} {
		if _, err := x.Search(t.Context(), q); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	mustWrite(t, x, sinktest.Batch(m, 0, 5))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := x.Search(ctx, sink.Query{Vector: good, K: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	if _, err := x.Get(t.Context(), schemas.RecordID{1}); !errors.Is(err, sink.ErrNotFound) {
		t.Errorf("unknown id: error %v, want ErrNotFound", err)
	}
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Search(t.Context(), sink.Query{Vector: good, K: 1}); !errors.Is(err, sink.ErrClosed) {
		t.Errorf("after close: error %v, want ErrClosed", err)
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
