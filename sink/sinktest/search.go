package sinktest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// SearchHarness is what a sink that can be searched gives to RunSearch.
type SearchHarness struct {
	// Open opens the sink and its search on an empty storage for records of that model. Clean-up goes
	// to t.Cleanup.
	Open func(t *testing.T, m *schemas.ModelInfo) (sink.Sink, sink.Searcher)
	// Records is the number of records to search over; 3,000 when zero.
	Records int
	// Recall is the least fraction of the wanted hits that a search has to find: 1 for an exact search.
	Recall float64
}

// searchLength is the length of the embeddings that are searched.
const searchLength = 24

// Rounding is how far the similarity of a hit may be from one computed in float64.
const Rounding = 1e-5

// RunSearch holds a search to the contract of sink.Searcher, by comparing it with a scan in float64.
func RunSearch(t *testing.T, h SearchHarness) {
	m := Model(searchLength)
	s, search := h.Open(t, m)
	query := sink.Query{Vector: randomVector(1), K: 10}
	if hits, err := search.Search(t.Context(), query); err != nil || len(hits) != 0 {
		t.Fatalf("search over nothing: %d hits, %v, want none and no error", len(hits), err)
	}
	records := Records(m, 0, cmp.Or(h.Records, 3000))
	var report sink.Report
	if err := s.Write(t.Context(), &sink.Batch{Model: m, Records: records}, &report); err != nil {
		t.Fatal(err)
	}
	for name, f := range filters(records) {
		for _, k := range []int{1, 10, 700} {
			t.Run(fmt.Sprintf("Filter/%s/%d", name, k), func(t *testing.T) {
				h.checkSearch(t, search, records, sink.Query{Vector: randomVector(uint64(k)), K: k, Filter: f})
			})
		}
	}
	t.Run("Get", func(t *testing.T) { checkGet(t, search, records) })
	t.Run("BadQueries", func(t *testing.T) { checkBadQueries(t, search) })
}

// filters draws filters around the records, an empty one and one that nothing passes among them.
func filters(records []schemas.Record) map[string]sink.Filter {
	n := len(records)
	at := known(records[n/30:])
	when := func(i int) time.Time { return known(records[i:]).ObservedAt }
	return map[string]sink.Filter{
		"none":        {},
		"label":       {Label: "merger"},
		"probability": {MinProb: 0.6},
		"after":       {After: when(n / 2)},
		"before":      {Before: when(n / 3)},
		"window":      {After: when(n / 5), Before: when(n / 4)},
		"cone":        {RA: at.RA, Dec: at.Dec, RadiusArcsec: 20 * 3600},
		"seam":        {RA: 0, Dec: 0, RadiusArcsec: 30 * 3600},
		"half sky":    {RA: 0, Dec: 90, RadiusArcsec: 90 * 3600},
		"all": {Label: "spiral", MinProb: 0.4, After: when(10), Before: when(n - n/5),
			RA: 200, Dec: -10, RadiusArcsec: 60 * 3600},
		"nothing": {Label: "no such class"},
	}
}

// known returns the first record with a position and a time.
func known(records []schemas.Record) schemas.Record {
	at := slices.IndexFunc(records, func(r schemas.Record) bool {
		return !math.IsNaN(r.RA) && !r.ObservedAt.IsZero()
	})
	return records[max(at, 0)]
}

func randomVector(seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 5))
	v := make([]float32, searchLength)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return v
}

// checkSearch compares the hits with the wanted ones.
func (h *SearchHarness) checkSearch(t *testing.T, s sink.Searcher, records []schemas.Record, q sink.Query) {
	t.Helper()
	byID := map[schemas.RecordID]*schemas.Record{}
	var similarities []float64
	for i := range records {
		byID[records[i].ID] = &records[i]
		if Passes(q.Filter, &records[i]) {
			similarities = append(similarities, Cosine(q.Vector, records[i].Embedding))
		}
	}
	slices.SortFunc(similarities, func(a, b float64) int { return cmp.Compare(b, a) })
	similarities = similarities[:min(len(similarities), q.K)]
	hits, err := s.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if len(hits) > len(similarities) {
		t.Fatalf("%d hits, at most %d exist", len(hits), len(similarities))
	}
	found := 0
	for i, hit := range hits {
		r := byID[hit.ID]
		if r == nil || !Passes(q.Filter, r) {
			t.Fatalf("hit %d is %s, which does not pass the filter", i, hit.ID)
		}
		checkHit(t, &hit, r, q.Vector)
		if i > 0 && hit.Similarity > hits[i-1].Similarity {
			t.Fatalf("hit %d is better than the one before", i)
		}
		if float64(hit.Similarity) >= similarities[len(similarities)-1]-Rounding {
			found++
		}
		delete(byID, hit.ID) // a second time it is not found
	}
	if float64(found) < h.Recall*float64(len(similarities)) {
		t.Fatalf("%d of the %d best were found, want a recall of %v", found, len(similarities), h.Recall)
	}
}

// checkHit compares a hit with its record.
func checkHit(t *testing.T, hit *sink.Hit, r *schemas.Record, query []float32) {
	t.Helper()
	if d := math.Abs(float64(hit.Similarity) - Cosine(query, r.Embedding)); !(d <= Rounding) {
		t.Fatalf("%s: similarity %v, want %v", hit.ID, hit.Similarity, Cosine(query, r.Embedding))
	}
	got := schemas.Record{
		ID: hit.ID, Survey: hit.Survey, ObjectID: []byte(hit.ObjectID), ObservationID: []byte(hit.ObservationID),
		RA: hit.RA, Dec: hit.Dec, ObservedAt: hit.ObservedAt,
		Label: slices.Index(r.Model.Classes, hit.Label), Probability: hit.Probability,
	}
	if d := difference(&got, r, Position|ObservedAt); d != "" {
		t.Fatalf("hit %s: %s", hit.ID, d)
	}
}

func checkGet(t *testing.T, s sink.Searcher, records []schemas.Record) {
	for _, i := range []int{0, len(records) / 2, len(records) - 1} {
		v, err := s.Get(t.Context(), records[i].ID)
		if err != nil || !slices.Equal(v, records[i].Embedding) {
			t.Fatalf("embedding of record %d: %v, %v", i, v, err)
		}
	}
	if _, err := s.Get(t.Context(), schemas.RecordID{1}); !errors.Is(err, sink.ErrNotFound) {
		t.Fatalf("unknown id: error %v, want ErrNotFound", err)
	}
}

func checkBadQueries(t *testing.T, s sink.Searcher) {
	good := randomVector(2)
	bad := slices.Clone(good)
	bad[3] = float32(math.NaN())
	for name, q := range map[string]sink.Query{
		"too short":       {Vector: good[1:], K: 1},
		"zero vector":     {Vector: make([]float32, searchLength), K: 1},
		"NaN":             {Vector: bad, K: 1},
		"no hits":         {Vector: good, K: 0},
		"too many hits":   {Vector: good, K: 10_001},
		"negative radius": {Vector: good, K: 1, Filter: sink.Filter{RadiusArcsec: -1}},
		"declination":     {Vector: good, K: 1, Filter: sink.Filter{Dec: 91, RadiusArcsec: 1}},
	} {
		if _, err := s.Search(t.Context(), q); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Cosine is the cosine similarity in float64.
func Cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

// Passes applies a filter to a record, in the plainest way.
func Passes(f sink.Filter, r *schemas.Record) bool {
	within := func(ok func(time.Time) bool) bool { return !r.ObservedAt.IsZero() && ok(r.ObservedAt) }
	switch {
	case f.Label != "" && r.Model.Classes[r.Label] != f.Label, r.Probability < f.MinProb:
		return false
	case !f.After.IsZero() && !within(func(t time.Time) bool { return !t.Before(f.After) }):
		return false
	case !f.Before.IsZero() && !within(f.Before.After):
		return false
	}
	return f.RadiusArcsec == 0 || separation(f.RA, f.Dec, r.RA, r.Dec) <= f.RadiusArcsec
}

// separation is the angle between two positions in arcsec, from unit vectors: another way than the
// haversine formula that searches use. NaN in gives NaN out.
func separation(ra1, dec1, ra2, dec2 float64) float64 {
	const rad = math.Pi / 180
	unit := func(ra, dec float64) [3]float64 {
		return [3]float64{math.Cos(dec*rad) * math.Cos(ra*rad), math.Cos(dec*rad) * math.Sin(ra*rad), math.Sin(dec * rad)}
	}
	a, b := unit(ra1, dec1), unit(ra2, dec2)
	x := [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
	sin := math.Sqrt(x[0]*x[0] + x[1]*x[1] + x[2]*x[2])
	return math.Atan2(sin, a[0]*b[0]+a[1]*b[1]+a[2]*b[2]) / rad * 3600
}
