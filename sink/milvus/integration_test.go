//go:build integration

package milvus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// server returns the address of the Milvus to test against, or skips.
func server(t *testing.T) string {
	t.Helper()
	address := os.Getenv("GALAXALIGN_MILVUS")
	if address == "" {
		t.Skip("GALAXALIGN_MILVUS is not set: start one with deploy/local/milvus.sh and give its host:port")
	}
	return address
}

// newTable makes a sink over collections that are this test's alone and dropped after it.
func newTable(t *testing.T, dim int) (*Sink, *schemas.ModelInfo) {
	t.Helper()
	s, model := open(t, realConfig(t)), testModel(dim)
	dropAfter(t, s.cfg, model)
	return s, model
}

func realConfig(t *testing.T) Config {
	return Config{Address: server(t), Prefix: fmt.Sprintf("t%d", time.Now().UnixNano())}
}

// dropAfter removes the collection of a model, and the alias, when the test ends.
func dropAfter(t *testing.T, cfg Config, model *schemas.ModelInfo) {
	t.Cleanup(func() {
		s := open(t, cfg)
		ctx := context.Background()
		c, err := s.conn.client(ctx)
		if err != nil {
			t.Error(err)
			return
		}
		_ = c.DropAlias(ctx, AliasName(s.cfg.Prefix, model)) // the alias may name another version's collection
		if err := c.DropCollection(ctx, CollectionName(s.cfg.Prefix, model)); err != nil {
			t.Error(err)
		}
	})
}

// waitReady waits for the collection to be loaded.
func waitReady(t *testing.T, s *Searcher) {
	t.Helper()
	await(t, func() error { return s.Ready(t.Context()) })
}

// awaitVisible waits until a bounded-staleness search sees a row that is already durable.
func awaitVisible(t *testing.T, s *Searcher, vector []float32, id schemas.RecordID) {
	t.Helper()
	await(t, func() error {
		hits, err := s.Search(t.Context(), sink.Query{Vector: vector, K: 1})
		if err == nil && (len(hits) != 1 || hits[0].ID != id) {
			err = fmt.Errorf("found %v, want %s", hits, id)
		}
		return err
	})
}

// await asks a server that has no way to tell when it is done, until it is or 60 s have passed.
func await(t *testing.T, done func() error) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		err := done()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestRealSinkConforms(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		New: func(t *testing.T, m *schemas.ModelInfo) sinktest.Backend {
			cfg := realConfig(t)
			dropAfter(t, cfg.withDefaults(), m)
			return &table{cfg: cfg, model: m, await: waitReady}
		},
		Features: kept,
	})
}

// settled is a sink whose writes return when searches see them.
type settled struct {
	*Sink
	t      *testing.T
	search *Searcher
}

func (s settled) Write(ctx context.Context, b *sink.Batch, r *sink.Report) error {
	err := s.Sink.Write(ctx, b, r)
	if err == nil {
		waitReady(s.t, s.search)
		awaitVisible(s.t, s.search, b.Records[0].Embedding, b.Records[0].ID)
	}
	return err
}

func TestRealSearchConforms(t *testing.T) {
	sinktest.RunSearch(t, sinktest.SearchHarness{
		Open: func(t *testing.T, m *schemas.ModelInfo) (sink.Sink, sink.Searcher) {
			cfg := realConfig(t)
			dropAfter(t, cfg.withDefaults(), m)
			s := open(t, cfg)
			return settled{s, t, s.Searcher(m)}, s.Searcher(m)
		},
		Recall: 0.99,
	})
}

func TestRealUpsertIsIdempotent(t *testing.T) {
	s, model := newTable(t, 16)
	rows := records(model, 1300)
	mustWrite(t, s, model, rows)
	mustWrite(t, s, model, rows[100:900])
	search := s.Searcher(model)
	waitReady(t, search)
	wantCount(t, search, 1300)
}

func TestRealDuplicatesInOneBatchKeepTheLast(t *testing.T) {
	s, model := newTable(t, 16)
	rows := records(model, 10)
	again := rows[3]
	again.Probability = 0.5
	mustWrite(t, s, model, append(rows, again))
	search := s.Searcher(model)
	waitReady(t, search)
	wantCount(t, search, 10)
}

func TestRealRejectsAreNamedAndTheRestIsKept(t *testing.T) {
	s, model := newTable(t, 16)
	rows := records(model, 10)
	rows[2].Embedding[5] = float32(math.NaN())
	rows[7].Embedding = rows[7].Embedding[:15]
	var r sink.Report
	err := s.Write(t.Context(), &sink.Batch{Model: model, Records: rows}, &r)
	var rejected *sink.RejectedError
	if !errors.As(err, &rejected) || len(rejected.Rejects) != 2 || rejected.Rejects[0].Index != 2 || rejected.Rejects[1].Index != 7 {
		t.Fatalf("got %v", err)
	}
	search := s.Searcher(model)
	waitReady(t, search)
	wantCount(t, search, 8)
}

func TestRealSearchWithFilters(t *testing.T) {
	s, model := newTable(t, 16)
	rows := records(model, 360)
	rows[5].RA, rows[5].Dec = math.NaN(), math.NaN()
	mustWrite(t, s, model, rows)
	search := s.Searcher(model)
	waitReady(t, search)

	vector, err := search.Get(t.Context(), rows[42].ID)
	if err != nil || vector[0] != rows[42].Embedding[0] {
		t.Fatalf("get: %v, %v", vector, err)
	}
	awaitVisible(t, search, vector, rows[42].ID)
	for name, q := range map[string]struct {
		filter sink.Filter
		want   int
	}{
		"none":     {sink.Filter{}, 20},
		"label":    {sink.Filter{Label: "smooth"}, 20},
		"no prob":  {sink.Filter{MinProb: 0.8}, 0},
		"time":     {sink.Filter{After: time.Unix(40, 0), Before: time.Unix(45, 0)}, 5},
		"cone":     {sink.Filter{RA: 42, Dec: 10, RadiusArcsec: 3600 * 2.1}, 5},
		"zero ra":  {sink.Filter{RA: 359.9, Dec: 10, RadiusArcsec: 3600 * 1.5}, 3},
		"nowhere":  {sink.Filter{RA: 42, Dec: -60, RadiusArcsec: 10}, 0},
		"no class": {sink.Filter{Label: `no "such" class`}, 0},
	} {
		hits, err := search.Search(t.Context(), sink.Query{Vector: vector, K: 20, Filter: q.filter})
		if err != nil || len(hits) != q.want {
			t.Errorf("%s: %d hits (want %d), %v", name, len(hits), q.want, err)
		}
	}
	if _, err := search.Get(t.Context(), schemas.RecordID{1}); !errors.Is(err, sink.ErrNotFound) {
		t.Errorf("missing record: %v", err)
	}
}

// The odd texts a survey may send, and every number a float32 probability filter may be at the edge of.
func TestRealFiltersOnOddValues(t *testing.T) {
	s, model := newTable(t, 16)
	model.Classes = oddLabels
	rows := records(model, len(oddLabels))
	for i := range rows {
		rows[i].Probability = 1 / float32(i+1)
		rows[i].ObjectID = []byte(oddLabels[i])
	}
	mustWrite(t, s, model, rows)
	search := s.Searcher(model)
	waitReady(t, search)
	awaitVisible(t, search, rows[len(rows)-1].Embedding, rows[len(rows)-1].ID)
	for i, label := range oddLabels {
		for name, f := range map[string]sink.Filter{
			"label":       {Label: label},
			"probability": {MinProb: rows[i].Probability, Label: label},
			"infinite":    {MinProb: float32(math.Inf(1)), Label: label},
		} {
			hits, err := search.Search(t.Context(), sink.Query{Vector: rows[0].Embedding, K: 20, Filter: f})
			want := 1
			if name == "infinite" {
				want = 0
			}
			if err != nil || len(hits) != want || want == 1 && hits[0].ID != rows[i].ID {
				t.Errorf("%q by %s: %v, %v, want %d", label, name, hits, err, want)
			}
		}
	}
}

func TestRealCollectionIsMadeAgainAfterItWasDropped(t *testing.T) {
	s, model := newTable(t, 16)
	rows := records(model, 20)
	search := s.Searcher(model)
	if hits, err := search.Search(t.Context(), sink.Query{Vector: rows[0].Embedding, K: 5}); err != nil || len(hits) != 0 {
		t.Fatalf("search over nothing: %v, %v", hits, err)
	}
	if err := search.Ready(t.Context()); err != nil {
		t.Fatalf("before anything was written: %v", err)
	}
	mustWrite(t, s, model, rows)
	waitReady(t, search)
	c, err := s.conn.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.DropCollection(t.Context(), search.collection); err != nil { // its alias stays, and names nothing
		t.Fatal(err)
	}
	wantCount(t, search, 0)
	if _, err := search.Get(t.Context(), rows[0].ID); !errors.Is(err, sink.ErrNotFound) {
		t.Errorf("get from a dropped collection: %v", err)
	}
	if err := s.Write(t.Context(), &sink.Batch{Model: model, Records: rows}, &sink.Report{}); err == nil || !sink.Retryable(err) {
		t.Fatalf("write into a dropped collection: %v, want an error worth another try", err)
	}
	mustWrite(t, s, model, rows)
	waitReady(t, search)
	wantCount(t, search, 20)
	if table, err := c.DescribeCollection(t.Context(), AliasName(s.cfg.Prefix, model)); err != nil || table.Name != search.collection {
		t.Errorf("alias names %v, %v, want %s", table, err, search.collection)
	}
}

func TestRealAliasMovesToTheNewVersion(t *testing.T) {
	s, model := newTable(t, 16)
	mustWrite(t, s, model, records(model, 20))
	next := *model
	next.Version, next.Hash = "2", "fedcba9876543210"
	dropAfter(t, s.cfg, &next)
	mustWrite(t, s, &next, records(&next, 30))
	for m, want := range map[*schemas.ModelInfo]int64{model: 20, &next: 30} {
		search := s.Searcher(m)
		waitReady(t, search)
		wantCount(t, search, want)
	}
	c, err := s.conn.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	table, err := c.DescribeCollection(t.Context(), AliasName(s.cfg.Prefix, model))
	if err != nil || table.Name != CollectionName(s.cfg.Prefix, &next) {
		t.Errorf("alias names %v, %v, want the new version", table, err)
	}
}
