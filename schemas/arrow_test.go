package schemas

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// stream encodes the records as one IPC stream.
func stream(t *testing.T, m *ModelInfo, records []Record) []byte {
	t.Helper()
	b := NewBuilder(m)
	for i := range records {
		if err := b.Append(&records[i]); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(b.Schema()))
	rec := b.Record()
	defer rec.Release()
	if err := w.Write(rec); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func decodeStream(t *testing.T, data []byte) []Record {
	t.Helper()
	r, err := ipc.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var out []Record
	for r.Next() {
		if out, err = DecodeArrow(r.Record(), out); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Err(); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return out
}

// plain makes records comparable: NaN has no equal, and Arrow keeps microseconds.
func plain(records []Record) []Record {
	out := make([]Record, len(records))
	for i, r := range records {
		if math.IsNaN(r.RA) {
			r.RA, r.Dec = -999, -999
		}
		for _, at := range []*time.Time{&r.ObservedAt, &r.PublishedAt, &r.ProcessedAt} {
			*at = at.Truncate(time.Microsecond)
		}
		r.ObjectID, r.ObservationID = append([]byte{}, r.ObjectID...), append([]byte{}, r.ObservationID...)
		out[i] = r
	}
	return out
}

func TestArrowGoldenStream(t *testing.T) {
	m := goldenModel()
	records := goldenRecords(m)
	got := stream(t, m, records)
	golden(t, "record_v1.arrows", got)
	if back := plain(decodeStream(t, got)); !reflect.DeepEqual(back, plain(records)) {
		t.Fatalf("read back\n%+v\nwant\n%+v", back, plain(records))
	}
}

func TestArrowSchemaIsTheSameForEveryModel(t *testing.T) {
	a, b := ArrowSchema(goldenModel()), ArrowSchema(&ModelInfo{Name: "other"})
	if !reflect.DeepEqual(a.Fields(), b.Fields()) {
		t.Fatal("the fields depend on the model: files of two models would not form one data set")
	}
	for _, f := range a.Fields() {
		if d, ok := f.Metadata.GetValue("description"); !ok || d == "" {
			t.Errorf("column %s has no description", f.Name)
		}
	}
}

func TestModelMetadataRoundTrip(t *testing.T) {
	for _, m := range []*ModelInfo{goldenModel(), {Name: "no classes", Classes: []string{}}} {
		got, err := ModelFromMetadata(ModelMetadata(m))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v, %v, want %+v", got, err, m)
		}
	}
	bad := ModelMetadata(goldenModel())
	for key, value := range map[string]string{MetaRecordVersion: "2", MetaClasses: "[", MetaEmbedding: "-1"} {
		values := append([]string(nil), bad.Values()...)
		values[bad.FindKey(key)] = value
		if _, err := ModelFromMetadata(arrow.NewMetadata(bad.Keys(), values)); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s=%s: error %v, want one that names the key", key, value, err)
		}
	}
}

func TestBuilderRefusesRecordsThatDoNotFit(t *testing.T) {
	m := goldenModel()
	for name, change := range map[string]func(*Record){
		"label above":         func(r *Record) { r.Label = 3 },
		"label below":         func(r *Record) { r.Label = -1 },
		"probabilities":       func(r *Record) { r.Probabilities = r.Probabilities[:2] },
		"embedding too short": func(r *Record) { r.Embedding = nil },
		"embedding too long":  func(r *Record) { r.Embedding = make([]float32, 5) },
	} {
		b := NewBuilder(m)
		good, bad := goldenRecords(m)[0], goldenRecords(m)[1]
		change(&bad)
		if err := b.Append(&bad); AsFault(err) == nil || AsFault(err).Reason != ReasonRejected {
			t.Errorf("%s: error %v, want a Fault with reason rejected", name, err)
		}
		if err := b.Append(&good); err != nil || b.Len() != 1 {
			t.Errorf("%s: a refused record spoils the next: %v, %d rows", name, err, b.Len())
		}
	}
}

func TestTextThatIsNotUTF8(t *testing.T) {
	m := goldenModel()
	records := goldenRecords(m)
	records[0].ObjectID = []byte("a\xff\xfeb")
	got := decodeStream(t, stream(t, m, records))
	if want := "a\uFFFD\uFFFDb"; string(got[0].ObjectID) != want {
		t.Fatalf("object id %q, want %q", got[0].ObjectID, want)
	}
}

func TestBuilderReuse(t *testing.T) {
	m := goldenModel()
	records := goldenRecords(m)
	b := NewBuilder(m)
	for n := len(records); n > 0; n-- { // shrinking batches would show what an earlier one left behind
		b.Reset()
		for i := range n {
			if err := b.Append(&records[i]); err != nil {
				t.Fatal(err)
			}
		}
		rec := b.Record()
		got, err := DecodeArrow(rec, nil)
		if err != nil || !reflect.DeepEqual(plain(got), plain(records[:n])) {
			t.Fatalf("batch of %d: %v, %+v", n, err, got)
		}
		rec.Release()
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	m := goldenModel()
	r := goldenRecords(m)[1]
	b := NewBuilder(m)
	fill := func() {
		b.Reset()
		for range 512 {
			if err := b.Append(&r); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill()
	if n := testing.AllocsPerRun(20, fill); n != 0 {
		t.Fatalf("%v allocations for 512 records, want 0", n)
	}
}

func TestDecodeArrowRefusesOtherSchemas(t *testing.T) {
	m := goldenModel()
	b := NewBuilder(m)
	rec := b.Record()
	defer rec.Release()
	schema := rec.Schema()
	fields := schema.Fields()
	fields[3], fields[4] = fields[4], fields[3]
	cols := append(rec.Columns()[:0:0], rec.Columns()...)
	cols[3], cols[4] = cols[4], cols[3]
	md := schema.Metadata()
	swapped := array.NewRecord(arrow.NewSchema(fields, &md), cols, 0)
	defer swapped.Release()
	if _, err := DecodeArrow(swapped, nil); err == nil {
		t.Fatal("swapped columns were accepted")
	}
	bare := array.NewRecord(arrow.NewSchema(schema.Fields(), nil), rec.Columns(), 0)
	defer bare.Release()
	if _, err := DecodeArrow(bare, nil); err == nil {
		t.Fatal("a record without metadata was accepted")
	}
}

func TestParseRecordID(t *testing.T) {
	id := MakeRecordID("a", []byte("b"), []byte("c"), "d")
	if got, err := ParseRecordID(id.String()); err != nil || got != id {
		t.Fatalf("%v, %v, want %v", got, err, id)
	}
	for _, s := range []string{"", "00", strings.Repeat("g", 32), id.String() + "00"} {
		if _, err := ParseRecordID(s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}

func BenchmarkBuilder(b *testing.B) {
	for name, dim := range map[string]int{"dim 0": 0, "dim 64": 64, "dim 512": 512} {
		b.Run(name, func(b *testing.B) {
			m := goldenModel()
			m.Embedding = dim
			r := goldenRecords(m)[0]
			r.Embedding = make([]float32, dim)
			builder := NewBuilder(m)
			b.ReportAllocs()
			for b.Loop() {
				builder.Reset()
				for range 512 {
					if err := builder.Append(&r); err != nil {
						b.Fatal(err)
					}
				}
				builder.Record().Release()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/512, "us/row")
		})
	}
}
