package milvus

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"
	"go.uber.org/goleak"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testModel is a model with two classes whose collections are this test's alone when the prefix is.
func testModel(dim int) *schemas.ModelInfo {
	return &schemas.ModelInfo{Name: "unit", Version: "1", Hash: "0123456789abcdef", Classes: []string{"spiral", "smooth"}, Embedding: dim}
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
			Label: i % len(model.Classes), Probability: 0.75, Probabilities: make([]float32, len(model.Classes)),
			Embedding: vector, Origin: schemas.Origin{Topic: "t", Offset: int64(i)},
		}
	}
	return out
}

func open(t testing.TB, cfg Config) *Sink {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// mustWrite writes records that must all be accepted.
func mustWrite(t testing.TB, s *Sink, model *schemas.ModelInfo, rows []schemas.Record) {
	t.Helper()
	var r sink.Report
	if err := s.Write(t.Context(), &sink.Batch{Model: model, Records: rows}, &r); err != nil {
		t.Fatal(err)
	}
	if r.Written != len(rows) || len(r.Duplicate) != 0 {
		t.Fatalf("report %+v of %d records", r, len(rows))
	}
}

func wantCount(t testing.TB, s *Searcher, want int64) {
	t.Helper()
	if n, err := s.Count(t.Context()); err != nil || n != want {
		t.Fatalf("count %d, %v, want %d", n, err, want)
	}
}

// table is the suite's storage: the collection of one model on a server, under a prefix of its own.
type table struct {
	cfg   Config
	model *schemas.ModelInfo
	await func(t *testing.T, s *Searcher) // waits until reads are answered
}

func (b *table) Open(t *testing.T) sink.Sink { return open(t, b.cfg) }

// Crash cuts the connection, which is all that dies with the process.
func (b *table) Crash(t *testing.T, s sink.Sink) {
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Read reads every row at strong consistency.
func (b *table) Read(t *testing.T) []schemas.Record {
	t.Helper()
	s := open(t, b.cfg)
	search := s.Searcher(b.model)
	b.await(t, search)
	if n, err := search.Count(t.Context()); err != nil || n == 0 {
		if err != nil {
			t.Fatal(err)
		}
		return nil
	}
	c, err := s.conn.client(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := c.Query(t.Context(), search.collection, nil, fieldID+` != ""`, []string{
		fieldID, fieldSurvey, fieldObject, fieldObservation, fieldRA, fieldDec, fieldObservedAt, fieldLabel,
		fieldProbability, fieldValidFraction, fieldFlags, fieldEmbedding,
	}, client.WithSearchQueryConsistencyLevel(entity.ClStrong))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]schemas.Record, rows.GetColumn(fieldID).Len())
	for i := range out {
		out[i] = b.record(t, rows, i)
	}
	return out
}

// record builds a record of row i of the answer to a query.
func (b *table) record(t *testing.T, rows client.ResultSet, i int) schemas.Record {
	id, err := schemas.ParseRecordID(cell[string](t, rows, fieldID, i))
	if err != nil {
		t.Fatal(err)
	}
	r := schemas.Record{
		ID: id, Survey: cell[string](t, rows, fieldSurvey, i),
		ObjectID: []byte(cell[string](t, rows, fieldObject, i)), ObservationID: []byte(cell[string](t, rows, fieldObservation, i)),
		Label:         slices.Index(b.model.Classes, cell[string](t, rows, fieldLabel, i)),
		Probability:   cell[float32](t, rows, fieldProbability, i),
		ValidFraction: cell[float32](t, rows, fieldValidFraction, i),
		Flags:         schemas.Flags(cell[int64](t, rows, fieldFlags, i)),
		Embedding:     rows.GetColumn(fieldEmbedding).(*entity.ColumnFloatVector).Data()[i],
	}
	r.RA, r.Dec = position(cell[float64](t, rows, fieldRA, i), cell[float64](t, rows, fieldDec, i))
	if us := cell[int64](t, rows, fieldObservedAt, i); us != 0 {
		r.ObservedAt = time.UnixMicro(us).UTC()
	}
	return r
}

func cell[T any](t *testing.T, rows client.ResultSet, field string, i int) T {
	t.Helper()
	v, err := rows.GetColumn(field).Get(i)
	if err != nil {
		t.Fatal(err)
	}
	return v.(T)
}

// kept is what a collection keeps of a record.
var kept = sinktest.Features{
	NeedsEmbedding: true, KeepsLast: true,
	Fields: sinktest.Position | sinktest.ObservedAt | sinktest.Embedding | sinktest.Quality,
}
