package milvus

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

func TestRejectsAreNamedWithTheirCause(t *testing.T) {
	m := testModel(4)
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	faults := []struct {
		change func(r *schemas.Record)
		want   string
	}{
		{func(*schemas.Record) {}, ""},
		{func(r *schemas.Record) { r.Embedding = r.Embedding[:3] }, "length 3"},
		{func(r *schemas.Record) { r.Embedding = append(r.Embedding, 1) }, "length 5"},
		{func(r *schemas.Record) { r.Embedding[2] = nan }, "embedding[2] is NaN"},
		{func(r *schemas.Record) { r.Embedding[3] = inf }, "embedding[3] is -Inf"},
		{func(r *schemas.Record) { clear(r.Embedding) }, "length 0 as a vector"},
		{func(r *schemas.Record) { r.Embedding[0] = 1e30 }, "length 1"},
		{func(r *schemas.Record) { r.Label = 2 }, "label 2"},
		{func(r *schemas.Record) { r.ObjectID = []byte(strings.Repeat("é", 128)) }, ""},
		{func(r *schemas.Record) { r.ObjectID = []byte(strings.Repeat("é", 129)) }, "object_id has 258 bytes"},
		{func(r *schemas.Record) { r.ObservationID = []byte(strings.Repeat("\xff", 86)) }, "observation_id has 258 bytes"},
		{func(r *schemas.Record) { r.Survey = strings.Repeat("s", 65) }, "survey has 65 bytes"},
		{func(r *schemas.Record) { r.Origin.Path = strings.Repeat("p", 1025) }, "origin has 1025 bytes"},
		{func(r *schemas.Record) { r.Probability = nan }, ""},
	}
	b := sink.Batch{Model: m, Records: records(m, len(faults))}
	var want []int
	for i, f := range faults {
		f.change(&b.Records[i])
		if f.want != "" {
			want = append(want, i)
		}
	}
	s := open(t, Config{Address: newFake(t).address})
	var r sink.Report
	var rejected *sink.RejectedError
	if err := s.Write(t.Context(), &b, &r); !errors.As(err, &rejected) {
		t.Fatalf("error %v, want a RejectedError", err)
	}
	var got []int
	for _, reject := range rejected.Rejects {
		got = append(got, reject.Index)
		fault := schemas.AsFault(reject.Err)
		if fault == nil || fault.Stage != schemas.StageSink || !strings.Contains(reject.Err.Error(), faults[reject.Index].want) {
			t.Errorf("record %d: %v, want a Fault with %q", reject.Index, reject.Err, faults[reject.Index].want)
		}
	}
	if !slices.Equal(got, want) || r.Written != len(faults)-len(want) {
		t.Fatalf("refused %v and wrote %d, want %v and the rest", got, r.Written, want)
	}
	wantCount(t, s.Searcher(m), int64(r.Written))
}

// Every record is a reject, is sent, or gives way to a later one with its id.
func TestSelectRowsKeepsTheLastOfEachID(t *testing.T) {
	m := testModel(2)
	pool := records(m, 6)
	last := map[schemas.RecordID]int{}
	rapid.Check(t, func(t *rapid.T) {
		b := sink.Batch{Model: m}
		want := map[schemas.RecordID]int{}
		var wantRejects []int
		for i := range rapid.IntRange(0, 20).Draw(t, "records") {
			r := pool[rapid.IntRange(0, len(pool)-1).Draw(t, "id")]
			if rapid.IntRange(0, 3).Draw(t, "fault") == 0 {
				r.Embedding = nil
				wantRejects = append(wantRejects, i)
			} else {
				want[r.ID] = i
			}
			b.Records = append(b.Records, r)
		}
		rows, rejects := selectRows(&b, last)
		if len(rows) != len(want) || !slices.IsSorted(rows) {
			t.Fatalf("rows %v, want the indexes %v in order", rows, want)
		}
		for _, i := range rows {
			if want[b.Records[i].ID] != i {
				t.Fatalf("row %d is sent, want the last of its id, %d", i, want[b.Records[i].ID])
			}
		}
		var got []int
		for _, r := range rejects {
			got = append(got, r.Index)
		}
		if !slices.Equal(got, wantRejects) {
			t.Fatalf("refused %v, want %v", got, wantRejects)
		}
	})
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "ZTF": "ZTF", "Δ": "Δ", "a\xffb": "a\uFFFDb", "\xff\xfe": "\uFFFD\uFFFD", "\xed\xa0\x80": "\uFFFD\uFFFD\uFFFD",
	} {
		if got := text(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
		if got := text([]byte(in)); got != want {
			t.Errorf("bytes %q become %q, want %q", in, got, want)
		}
		if got := textSize(in); got != len(want) {
			t.Errorf("%q takes %d bytes, want %d", in, got, len(want))
		}
	}
}

func TestRequestRows(t *testing.T) {
	for _, c := range []struct{ limit, dim, want int }{
		{512, 512, 512}, {1, 512, 1}, {16_384, 2, 16_384}, {16_384, 512, 8338}, {512, 32_768, 252}, {512, 1 << 24, 1},
	} {
		if got := requestRows(c.limit, c.dim); got != c.want {
			t.Errorf("limit %d, %d values: %d rows, want %d", c.limit, c.dim, got, c.want)
		}
	}
}

func BenchmarkColumns(b *testing.B) {
	const rows = 512
	m := sinktest.Model(512)
	batch := sinktest.Batch(m, 0, rows)
	last := map[schemas.RecordID]int{}
	var cols columns
	perRow := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*rows), "us/row")
		b.SetBytes(rows * 512 * 4)
	}
	b.Run("checkRow", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, rejects := selectRows(batch, last); rejects != nil {
				b.Fatal(rejects[0].Err)
			}
		}
		perRow(b)
	})
	b.Run("columns", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			cols.reset()
			for i := range batch.Records {
				cols.add(&batch.Records[i], m)
			}
			for _, c := range cols.entities(512) {
				c.FieldData()
			}
		}
		perRow(b)
	})
}
