package milvus

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

func TestSearchConforms(t *testing.T) {
	sinktest.RunSearch(t, sinktest.SearchHarness{
		Open: func(t *testing.T, m *schemas.ModelInfo) (sink.Sink, sink.Searcher) {
			s := open(t, Config{Address: newFake(t).address})
			return s, s.Searcher(m)
		},
		Recall: 1,
	})
}

// Nearer rows in the corners of the box must not crowd out those within the circle.
func TestConeWithCrowdedCorners(t *testing.T) {
	const crowd, within = 1000, 5
	m := testModel(2)
	rows := records(m, crowd+within)
	for i := range rows {
		r := &rows[i]
		r.Embedding[0], r.Embedding[1] = 1, float32(i)/crowd // the first are the nearest to (1, 0)
		r.RA, r.Dec = 10+0.9, 0.9                            // in a corner of the box around (10, 0)
		if i >= crowd {
			r.RA, r.Dec = 10, 0.5
		}
	}
	f := newFake(t)
	s := open(t, Config{Address: f.address})
	mustWrite(t, s, m, rows)
	q := sink.Query{Vector: []float32{1, 0}, K: 3, Filter: sink.Filter{RA: 10, RadiusArcsec: 3600}}
	for k, want := range map[int]int{1: 1, 3: 3, 10: within} {
		q.K = k
		hits, err := s.Searcher(m).Search(t.Context(), q)
		if err != nil || len(hits) != want {
			t.Errorf("%d asked for: %d hits, %v, want %d", k, len(hits), err, want)
		}
		for i, h := range hits {
			if h.ID != rows[crowd+i].ID {
				t.Errorf("hit %d is %s, want %s", i, h.ObjectID, rows[crowd+i].ObjectID)
			}
		}
	}
}

// A search with no hits comes back with an error in the client's result; see the fake's Search.
func TestZeroHitsAreNoError(t *testing.T) {
	m := testModel(2)
	f := newFake(t)
	s := open(t, Config{Address: f.address})
	search := s.Searcher(m)
	q := sink.Query{Vector: []float32{1, 0}, K: 3, Filter: sink.Filter{Label: "no such class"}}
	for _, rows := range []int{0, 4} { // without and with a collection
		mustWrite(t, s, m, records(m, rows))
		if hits, err := search.Search(t.Context(), q); err != nil || len(hits) != 0 {
			t.Errorf("%d rows: %v, %v, want neither hits nor an error", rows, hits, err)
		}
		if _, err := search.Get(t.Context(), schemas.RecordID{9}); !errors.Is(err, sink.ErrNotFound) {
			t.Errorf("%d rows: %v, want ErrNotFound", rows, err)
		}
		wantCount(t, search, int64(rows))
	}
}

// After a restart a healthy server has not loaded its collections for half a minute: code 101.
func TestNotLoadedIsAnErrorAndNotReady(t *testing.T) {
	m := testModel(2)
	f := newFake(t)
	s := open(t, Config{Address: f.address})
	search := s.Searcher(m)
	if err := search.Ready(t.Context()); err != nil {
		t.Fatalf("before anything was written: %v", err)
	}
	mustWrite(t, s, m, records(m, 4))
	if err := search.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.set(func() { f.unloaded = true })
	q := sink.Query{Vector: []float32{1, 0}, K: 3}
	if hits, err := search.Search(t.Context(), q); !sink.Retryable(err) || !strings.Contains(err.Error(), "not loaded") {
		t.Errorf("search: %v, %v, want an error worth another try", hits, err)
	}
	if err := search.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "is not loaded yet") {
		t.Errorf("ready: %v", err)
	}
	mustWrite(t, s, m, records(m, 8)) // writes need no loaded collection
	f.set(func() { f.unloaded = false })
	if err := search.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	wantCount(t, search, 8)
}

func TestReadyNeedsEveryAnswer(t *testing.T) {
	m := testModel(2)
	f := newFake(t)
	s := open(t, Config{Address: f.address})
	mustWrite(t, s, m, records(m, 4))
	search := s.Searcher(m)
	f.set(func() { f.unhealthy = "querynode 3 is away" })
	if err := search.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "querynode 3 is away") {
		t.Errorf("an unhealthy server: %v, want its reason", err)
	}
	f.set(func() { f.unhealthy = "" })
	for _, method := range []string{"CheckHealth", "GetLoadState", "Query"} {
		f.failWith(method, status.Error(codes.Internal, "broken"))
		if err := search.Ready(t.Context()); err == nil {
			t.Errorf("%s fails, and the search is ready", method)
		}
	}
	f.failWith("", nil)
	if err := search.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// failWith makes one method fail.
func (f *fake) failWith(method string, err error) {
	f.set(func() {
		f.before = func(_ context.Context, called string) error {
			if called == method {
				return err
			}
			return nil
		}
	})
}

func TestVersionsAreSearchedApart(t *testing.T) {
	f := newFake(t)
	s := open(t, Config{Address: f.address})
	m := testModel(2)
	next := *m
	next.Hash = "fedcba9876543210"
	mustWrite(t, s, m, records(m, 3))
	mustWrite(t, s, &next, records(&next, 5))
	wantCount(t, s.Searcher(m), 3)
	wantCount(t, s.Searcher(&next), 5)
	if got := f.aliased(AliasName("galaxalign", m)); got != CollectionName("galaxalign", &next) {
		t.Errorf("the alias names %s, want the newer version", got)
	}
}

func TestSearchWhileWriting(t *testing.T) {
	m := testModel(8)
	f := newFake(t)
	s := open(t, Config{Address: f.address, BatchRows: 32})
	mustWrite(t, s, m, records(m, 50))
	search := s.Searcher(m)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				hits, err := search.Search(t.Context(), sink.Query{Vector: []float32{1, 2, 3, 4, 5, 6, 7, 8}, K: 20})
				if err != nil || len(hits) != 20 {
					t.Errorf("%d hits, %v", len(hits), err)
					return
				}
			}
		})
	}
	for i := range 20 {
		mustWrite(t, s, m, records(m, 50+10*i))
	}
	close(done)
	wg.Wait()
}

// Closing under a search ends it with an error or lets it finish, and later ones say what happened.
func TestCloseWhileSearching(t *testing.T) {
	m := testModel(2)
	f := newFake(t)
	s := open(t, Config{Address: f.address})
	mustWrite(t, s, m, records(m, 10))
	search := s.Searcher(m)
	q := sink.Query{Vector: []float32{1, 0}, K: 3}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				if _, err := search.Search(t.Context(), q); err != nil {
					return
				}
			}
		})
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if _, err := search.Search(t.Context(), q); !errors.Is(err, sink.ErrClosed) {
		t.Errorf("search after close: %v", err)
	}
	if _, err := search.Get(t.Context(), schemas.RecordID{}); !errors.Is(err, sink.ErrClosed) {
		t.Errorf("get after close: %v", err)
	}
	if err := search.Ready(t.Context()); !errors.Is(err, sink.ErrClosed) {
		t.Errorf("ready after close: %v", err)
	}
}
