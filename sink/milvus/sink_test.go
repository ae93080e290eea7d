package milvus

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

func TestSinkConforms(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		New: func(t *testing.T, m *schemas.ModelInfo) sinktest.Backend {
			return &table{cfg: Config{Address: newFake(t).address}, model: m, await: func(*testing.T, *Searcher) {}}
		},
		Features: kept,
	})
}

func TestRequestsAreBoundedByRows(t *testing.T) {
	f := newFake(t)
	s := open(t, Config{Address: f.address, BatchRows: 100})
	m := testModel(2)
	mustWrite(t, s, m, records(m, 250))
	var got []int
	for _, r := range f.calls("Upsert") {
		got = append(got, r.rows)
	}
	if fmt.Sprint(got) != "[100 100 50]" {
		t.Fatalf("requests of %v rows, want 100, 100, 50", got)
	}
}

// 300 rows of 131 kB are more than one request may carry, whatever BatchRows says.
func TestRequestsAreBoundedByBytes(t *testing.T) {
	const dim = 32_768 // the most that Milvus takes
	f := newFake(t)
	s := open(t, Config{Address: f.address, BatchRows: 16_384})
	m := testModel(dim)
	mustWrite(t, s, m, records(m, 300))
	requests := f.calls("Upsert")
	if len(requests) != 2 {
		t.Fatalf("%d requests, want 2", len(requests))
	}
	for _, r := range requests {
		if r.bytes > maxRequestBytes {
			t.Errorf("%d rows take %d bytes, the bound is %d", r.rows, r.bytes, maxRequestBytes)
		}
	}
}

// The bound holds for the longest texts a row may have.
func TestNoRowIsLargerThanItsEstimate(t *testing.T) {
	const n, dim = 64, 16
	f := newFake(t)
	s := open(t, Config{Address: f.address})
	m := testModel(dim)
	m.Classes[0] = strings.Repeat("l", maxLabel)
	rows := records(m, n)
	for i := range rows {
		r := &rows[i]
		r.Label = 0
		r.Survey = strings.Repeat("s", maxSurvey)
		r.ObjectID = bytes.Repeat([]byte{'o'}, maxObject)
		r.ObservationID = bytes.Repeat([]byte{'b'}, maxObservation)
		r.Origin = schemas.Origin{Path: strings.Repeat("p", maxOrigin)}
		r.Flags, r.ValidFraction = 1<<31, 1
	}
	mustWrite(t, s, m, rows)
	const framing = 1024 // names of fields and collection, once a request
	got := f.calls("Upsert")[0].bytes
	if estimate := n * (4*dim + maxRowTexts + numbersOfRow); got > estimate+framing {
		t.Fatalf("%d rows take %d bytes, estimated %d", n, got, estimate)
	}
}

func TestDuplicatesInsideARequestWouldAllBeStored(t *testing.T) {
	f := newFake(t)
	s := open(t, Config{Address: f.address})
	m := testModel(2)
	rows := records(m, 3)
	again := rows[1]
	again.Probability = 0.5
	mustWrite(t, s, m, append(rows, again, again))
	search := s.Searcher(m)
	wantCount(t, search, 3)
	hits, err := search.Search(t.Context(), sink.Query{Vector: rows[1].Embedding, K: 1})
	if err != nil || len(hits) != 1 || hits[0].ID != again.ID || hits[0].Probability != 0.5 {
		t.Errorf("%v, %v, want the last of the records with that id", hits, err)
	}
	// The fake stores what a real server would store without the sink's care.
	c, err := s.conn.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var cols columns
	for range 3 {
		cols.add(&again, m)
	}
	if _, err := c.Upsert(t.Context(), search.collection, "", cols.entities(2)...); err != nil {
		t.Fatal(err)
	}
	wantCount(t, search, 5)
}

// The client and the server take ragged rows and cut the flat array at the wrong places, so that rows
// of other lengths must never be sent.
func TestRaggedVectorsWouldBeCutAnew(t *testing.T) {
	f := newFake(t)
	s := open(t, Config{Address: f.address})
	m := testModel(4)
	rows := records(m, 2)
	mustWrite(t, s, m, rows)
	search := s.Searcher(m)
	c, err := s.conn.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var cols columns
	for i, v := range [][]float32{{1, 2, 3}, {4, 5, 6, 7, 8}} {
		rows[i].Embedding = v
		cols.add(&rows[i], m)
	}
	if _, err := c.Upsert(t.Context(), search.collection, "", cols.entities(4)...); err != nil {
		t.Fatalf("the server takes ragged rows: %v", err)
	}
	if v, err := search.Get(t.Context(), rows[0].ID); err != nil || fmt.Sprint(v) != "[1 2 3 4]" {
		t.Fatalf("row 0 is %v, %v, want what was cut off row 1 at its end", v, err)
	}
	err = s.Write(t.Context(), &sink.Batch{Model: m, Records: rows}, &sink.Report{})
	if rejected, ok := err.(*sink.RejectedError); !ok || len(rejected.Rejects) != 2 {
		t.Fatalf("ragged records: %v, want both refused", err)
	}
}

func TestModelWithoutEmbeddingIsRefusedInASentence(t *testing.T) {
	s := open(t, Config{Address: newFake(t).address})
	m := testModel(0)
	b := sink.Batch{Model: m, Records: make([]schemas.Record, 1)}
	if err := s.Write(t.Context(), &b, &sink.Report{}); err == nil || !strings.Contains(err.Error(), "import its bundle with --embedding") {
		t.Fatalf("error %v, want the way out", err)
	}
}

func TestConfigListsEveryFault(t *testing.T) {
	err := Config{Prefix: "9x", BatchRows: -1, Timeout: 1}.Validate()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 4 {
		t.Fatalf("faults: %v, want four", err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a sink without an address")
	}
	if err := (Config{Address: "x:1"}).Validate(); err != nil {
		t.Fatalf("defaults: %v", err)
	}
}
