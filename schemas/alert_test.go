package schemas

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/hamba/avro/v2/ocf"
)

func mustEncoder(t testing.TB) *AlertEncoder {
	t.Helper()
	e, err := NewAlertEncoder()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAlertGoldenAvro(t *testing.T) {
	e := mustEncoder(t)
	var all []byte
	for _, r := range goldenRecords(goldenModel()) {
		all = e.AppendAvro(all, &r)
	}
	golden(t, "alerts_v1.avro", all)
}

// TestAlertAvroReadsBack decodes with another implementation of Avro.
func TestAlertAvroReadsBack(t *testing.T) {
	e := mustEncoder(t)
	for _, r := range goldenRecords(goldenModel()) {
		dec, err := ocf.NewDecoder(bytes.NewReader(e.AppendAvro(nil, &r)))
		if err != nil {
			t.Fatal(err)
		}
		if !dec.HasNext() {
			t.Fatalf("no object: %v", dec.Error())
		}
		var got map[string]any
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		checkAlert(t, got, &r)
		if dec.HasNext() || dec.Error() != nil {
			t.Fatalf("more than one object, or an error: %v", dec.Error())
		}
	}
}

func checkAlert(t *testing.T, got map[string]any, r *Record) {
	t.Helper()
	want := map[string]any{
		"record_version": RecordVersion, "record_id": r.ID.String(), "survey": r.Survey,
		"object_id": string(r.ObjectID), "observation_id": string(r.ObservationID),
		"topic": r.Origin.Topic, "partition": int(r.Origin.Partition), "offset": r.Origin.Offset,
		"model": r.Model.Name, "model_version": r.Model.Version, "model_hash": r.Model.Hash,
		"probability": r.Probability, "valid_fraction": r.ValidFraction,
		"label": r.Model.Classes[r.Label], "ra": any(r.RA), "dec": any(r.Dec), "path": any(r.Origin.Path),
		"hdu": any(int(r.Origin.HDU)),
	}
	if math.IsNaN(r.RA) {
		want["ra"], want["dec"] = nil, nil
	}
	if r.Origin.Path == "" {
		want["path"] = nil
	}
	if r.Origin.HDU < 0 {
		want["hdu"] = nil
	}
	for name, w := range want {
		if g := flat(got[name]); g != w {
			t.Errorf("%s is %v (%T), want %v (%T)", name, g, g, w, w)
		}
	}
	for name, at := range map[string]time.Time{"observed_at": r.ObservedAt, "published_at": r.PublishedAt, "processed_at": r.ProcessedAt} {
		g, ok := flat(got[name]).(time.Time)
		if ok != !at.IsZero() || ok && !g.Equal(at.Truncate(time.Microsecond)) {
			t.Errorf("%s is %v, want %v", name, got[name], at)
		}
	}
	if n := len(got["probabilities"].([]any)); n != len(r.Probabilities) {
		t.Errorf("%d probabilities, want %d", n, len(r.Probabilities))
	}
}

// flat takes the value out of the one-entry map that a union decodes to.
func flat(v any) any {
	if m, ok := v.(map[string]any); ok {
		for _, inner := range m {
			return inner
		}
	}
	return v
}

func TestAlertGoldenJSON(t *testing.T) {
	var all []byte
	for _, r := range goldenRecords(goldenModel()) {
		b, err := MarshalAlertJSON(&r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, b...), '\n')
	}
	golden(t, "alerts_v1.jsonl", all)
}

// TestAlertFormsAgree holds the JSON form to the field names of the Avro schema, in their order.
func TestAlertFormsAgree(t *testing.T) {
	var schema struct {
		Fields []struct{ Name, Doc string }
	}
	if err := json.Unmarshal([]byte(AlertSchema()), &schema); err != nil {
		t.Fatal(err)
	}
	b, err := MarshalAlertJSON(&goldenRecords(goldenModel())[0])
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, f := range schema.Fields {
		i := bytes.Index(b[at:], []byte(`"`+f.Name+`":`))
		if i < 0 {
			t.Fatalf("field %s is missing or out of order in the JSON form", f.Name)
		}
		at += i
		if f.Doc == "" {
			t.Errorf("field %s has no doc", f.Name)
		}
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil || len(fields) != len(schema.Fields) {
		t.Fatalf("%d fields in JSON (%v), %d in Avro", len(fields), err, len(schema.Fields))
	}
}

func TestAlertWithoutAJSONForm(t *testing.T) {
	r := goldenRecords(goldenModel())[0]
	r.Probability = float32(math.NaN())
	if _, err := MarshalAlertJSON(&r); AsFault(err) == nil || AsFault(err).Reason != ReasonNonFinite {
		t.Fatalf("error %v, want a Fault with reason non_finite", err)
	}
}

func TestAlertTextThatIsNotUTF8(t *testing.T) {
	r := goldenRecords(goldenModel())[0]
	r.ObjectID = []byte{'a', 0xff, 'b'}
	dec, err := ocf.NewDecoder(bytes.NewReader(mustEncoder(t).AppendAvro(nil, &r)))
	if err != nil || !dec.HasNext() {
		t.Fatal(err)
	}
	var got map[string]any
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got["object_id"] != "a\uFFFDb" {
		t.Fatalf("object id %q", got["object_id"])
	}
}

func TestAppendAvroAllocatesNothing(t *testing.T) {
	e := mustEncoder(t)
	r := goldenRecords(goldenModel())[1]
	buf := e.AppendAvro(nil, &r)
	if n := testing.AllocsPerRun(100, func() { buf = e.AppendAvro(buf[:0], &r) }); n != 0 {
		t.Fatalf("%v allocations an alert, want 0", n)
	}
}

func BenchmarkAppendAvro(b *testing.B) {
	e := mustEncoder(b)
	r := goldenRecords(goldenModel())[0]
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = e.AppendAvro(buf[:0], &r)
	}
	b.SetBytes(int64(len(buf)))
}
