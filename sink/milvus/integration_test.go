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

// newTable makes a sink over a collection that is this test's alone and dropped after it.
func newTable(t *testing.T, dim int) (*Sink, *schemas.ModelInfo) {
	t.Helper()
	s, err := New(Config{Address: server(t), Prefix: fmt.Sprintf("t%d", time.Now().UnixNano())})
	if err != nil {
		t.Fatal(err)
	}
	model := &schemas.ModelInfo{Name: "unit", Version: "1", Hash: "0123456789abcdef", Classes: []string{"spiral", "smooth"}, Embedding: dim}
	t.Cleanup(func() { dropTable(t, s, model) })
	return s, model
}

func dropTable(t *testing.T, s *Sink, model *schemas.ModelInfo) {
	ctx := context.Background()
	c, err := s.client(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	_ = c.DropAlias(ctx, AliasName(s.cfg.Prefix, model))
	_ = c.DropCollection(ctx, CollectionName(s.cfg.Prefix, model))
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// records makes n records with distinct ids and unit embeddings along a circle.
func records(model *schemas.ModelInfo, n int) []schemas.Record {
	out := make([]schemas.Record, n)
	for i := range out {
		angle := 2 * math.Pi * float64(i) / float64(n)
		vector := make([]float32, model.Embedding)
		vector[0], vector[1] = float32(math.Cos(angle)), float32(math.Sin(angle))
		object := fmt.Appendf(nil, "obj%d", i)
		out[i] = schemas.Record{
			ID: schemas.MakeRecordID("sim", object, object, model.Hash), Survey: "sim", ObjectID: object, ObservationID: object,
			RA: float64(i) * 360 / float64(n), Dec: 10, ObservedAt: time.Unix(int64(i), 0).UTC(), Model: model,
			Label: i % 2, Probability: 0.75, Embedding: vector, Origin: schemas.Origin{Topic: "t", Offset: int64(i)},
		}
	}
	return out
}

func write(t *testing.T, s *Sink, model *schemas.ModelInfo, rows []schemas.Record) {
	t.Helper()
	var r sink.Report
	if err := s.Write(t.Context(), &sink.Batch{Model: model, Records: rows}, &r); err != nil {
		t.Fatal(err)
	}
	if r.Written != len(rows) {
		t.Errorf("wrote %d of %d", r.Written, len(rows))
	}
}

func count(t *testing.T, s *Searcher) int64 {
	t.Helper()
	n, err := s.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// waitReady waits for the new collection to be loaded.
func waitReady(t *testing.T, s *Searcher) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		err := s.Ready(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestRealUpsertIsIdempotent(t *testing.T) {
	s, model := newTable(t, 16)
	rows := records(model, 1300)
	write(t, s, model, rows)
	write(t, s, model, rows[100:900])
	search := s.Searcher(model)
	waitReady(t, search)
	if n := count(t, search); n != 1300 {
		t.Errorf("count %d after a replay, want 1300", n)
	}
}

func TestRealDuplicatesInOneBatchKeepTheLast(t *testing.T) {
	s, model := newTable(t, 16)
	rows := records(model, 10)
	again := rows[3]
	again.Probability = 0.5
	write(t, s, model, append(rows, again))
	search := s.Searcher(model)
	waitReady(t, search)
	if n := count(t, search); n != 10 {
		t.Errorf("count %d, want 10", n)
	}
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
	if n := count(t, search); n != 8 {
		t.Errorf("count %d, want 8", n)
	}
}

func TestRealSearchWithFilters(t *testing.T) {
	s, model := newTable(t, 16)
	rows := records(model, 360)
	rows[5].RA, rows[5].Dec = math.NaN(), math.NaN()
	write(t, s, model, rows)
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

// awaitVisible waits until a bounded-staleness search sees a row that is already durable.
func awaitVisible(t *testing.T, s *Searcher, vector []float32, id schemas.RecordID) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		hits, err := s.Search(t.Context(), sink.Query{Vector: vector, K: 1})
		if err == nil && len(hits) == 1 && hits[0].ID == id {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("row not visible: %v, %v", hits, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestRealAliasMovesToTheNewVersion(t *testing.T) {
	s, model := newTable(t, 16)
	write(t, s, model, records(model, 20))
	next := *model
	next.Version, next.Hash = "2", "fedcba9876543210"
	t.Cleanup(func() {
		if c, err := s.client(context.Background()); err == nil {
			_ = c.DropCollection(context.Background(), CollectionName(s.cfg.Prefix, &next))
		}
	})
	write(t, s, &next, records(&next, 30))
	search := s.Searcher(&next)
	waitReady(t, search)
	if n := count(t, search); n != 30 {
		t.Errorf("the alias counts %d, want the new version's 30", n)
	}
}

func TestRealNoServerFailsFast(t *testing.T) {
	server(t)
	s, err := New(Config{Address: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	model := &schemas.ModelInfo{Name: "unit", Hash: "0", Classes: []string{"a"}, Embedding: 2}
	start := time.Now()
	err = s.Write(t.Context(), &sink.Batch{Model: model, Records: make([]schemas.Record, 1)}, &sink.Report{})
	if err == nil || time.Since(start) > 10*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
}
