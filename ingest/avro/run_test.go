package avro_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/ingest/avro/avrotest"
	"github.com/galaxalign/galaxalign/schemas"
)

// program compiles a schema in JSON for the given paths.
func program(tb testing.TB, schema string, paths ...string) *avro.Program {
	tb.Helper()
	s, err := avro.Parse([]byte(schema))
	if err != nil {
		tb.Fatal(err)
	}
	p, err := avro.Compile(s, paths)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// fields makes the schema of a record with the given types, named a, b, c...
func fields(types ...string) string {
	var b strings.Builder
	b.WriteString(`{"type":"record","name":"r","fields":[`)
	for i, typ := range types {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"name":"` + string(rune('a'+i)) + `","type":` + typ + `}`)
	}
	return b.String() + "]}"
}

func TestRunRefusesHostileData(t *testing.T) {
	long := func(n int64) []byte { return avrotest.Long(nil, n) }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	ff := bytes.Repeat([]byte{0xff}, 12)
	self := `{"type":"record","name":"s","fields":[{"name":"s","type":"s"}]}`
	list := `{"type":"record","name":"l","fields":[{"name":"l","type":["null","l"]}]}`
	for name, c := range map[string]struct {
		schema string
		want   string
		data   []byte
		reason schemas.Reason
		pos    int64
	}{
		"empty":                    {fields(`"int"`), "", nil, schemas.ReasonTruncated, 100},
		"varint too long, skipped": {fields(`"int"`), "", ff, schemas.ReasonBadAvro, 100},
		"varint too long, wanted":  {fields(`"long"`), "a", ff, schemas.ReasonBadAvro, 100},
		"varint over 64 bits":      {fields(`"long"`), "a", append(ff[:9:9], 2), schemas.ReasonBadAvro, 100},
		"int over 32 bits":         {fields(`"int"`), "a", long(1 << 31), schemas.ReasonBadAvro, 100},
		"negative length":          {fields(`"int"`, `"string"`), "b", join(long(1), long(-1)), schemas.ReasonBadAvro, 101},
		"negative length, skipped": {fields(`"bytes"`), "", long(math.MinInt64), schemas.ReasonBadAvro, 100},
		"huge length":              {fields(`"bytes"`), "a", long(math.MaxInt64), schemas.ReasonTruncated, 100},
		"length over the end":      {fields(`"string"`), "", join(long(3), []byte("ab")), schemas.ReasonTruncated, 100},
		"union index 2":            {fields(`["null","float"]`), "a", long(2), schemas.ReasonBadAvro, 100},
		"union index 2, skipped":   {fields(`["double","null"]`), "", long(2), schemas.ReasonBadAvro, 100},
		"union index -1":           {fields(`["null","string"]`), "", long(-1), schemas.ReasonBadAvro, 100},
		"general union index":      {fields(`["null","string","int"]`), "", long(3), schemas.ReasonBadAvro, 100},
		"general union negative":   {fields(`["null","string","int"]`), "a", long(-1), schemas.ReasonBadAvro, 100},
		"boolean 2":                {fields(`"boolean"`), "a", []byte{2}, schemas.ReasonBadAvro, 100},
		"enum index":               {fields(`{"type":"enum","name":"e","symbols":["x"]}`), "a", long(1), schemas.ReasonBadAvro, 100},
		"array count":              {fields(`{"type":"array","items":"string"}`), "", long(1 << 40), schemas.ReasonBadAvro, 106},
		"array count of doubles":   {fields(`{"type":"array","items":"double"}`), "", join(long(3), make([]byte, 23)), schemas.ReasonBadAvro, 101},
		"array block size":         {fields(`{"type":"array","items":"int"}`), "", join(long(-1), long(1<<40)), schemas.ReasonTruncated, 101},
		"array without end":        {fields(`{"type":"array","items":"int"}`), "", join(long(1), long(5)), schemas.ReasonTruncated, 102},
		"map count":                {fields(`{"type":"map","values":"null"}`), "", long(math.MaxInt64), schemas.ReasonBadAvro, 110},
		"record inside itself":     {self, "", make([]byte, 1000), schemas.ReasonBadAvro, 100},
		"deep list":                {list, "", bytes.Repeat([]byte{2}, 1000), schemas.ReasonBadAvro, 165},
		"fixed cut":                {fields(`{"type":"fixed","name":"f","size":9}`), "a", make([]byte, 8), schemas.ReasonTruncated, 100},
		"double cut":               {fields(`"double"`), "a", make([]byte, 7), schemas.ReasonTruncated, 100},
		"nullable double cut":      {fields(`["null","double"]`), "", []byte{2, 0, 0}, schemas.ReasonTruncated, 103},
	} {
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		_, err := program(t, c.schema, want...).Run(c.data, 100, make([]avro.Value, len(want)))
		f := schemas.AsFault(err)
		if f == nil || f.Reason != c.reason || f.Position != c.pos || f.Stage != schemas.StageIngest {
			t.Errorf("%s: %v, want %s at byte %d", name, err, c.reason, c.pos)
		}
	}
}

// TestRunCountsAreCheap walks arrays whose items take no bytes: any count is legal and costs nothing.
func TestRunCountsAreCheap(t *testing.T) {
	for _, items := range []string{`"null"`, `{"type":"fixed","name":"f","size":0}`, `{"type":"record","name":"e","fields":[{"name":"n","type":"null"}]}`} {
		p := program(t, fields(`{"type":"array","items":`+items+`}`, `"int"`), "b")
		data := avrotest.Long(append(avrotest.Long(nil, math.MaxInt64), 0), 7)
		row := make([]avro.Value, 1)
		n, err := p.Run(data, 0, row)
		if v, _ := row[0].Int64(); err != nil || n != len(data) || v != 7 {
			t.Errorf("%s: %d bytes, %v, %v", items, n, v, err)
		}
	}
}

func TestRunStepsOverSizedBlocks(t *testing.T) {
	p := program(t, fields(`{"type":"array","items":"string"}`, `{"type":"map","values":"long"}`, `"double"`), "c")
	var b []byte
	b = avrotest.Long(b, 1)
	b = avrotest.Text(b, "one")
	b = avrotest.Long(avrotest.Long(b, -2), 4)
	b = avrotest.Text(avrotest.Text(b, "x"), "y")
	b = append(b, 0)
	b = avrotest.Long(avrotest.Long(b, -1), 3)
	b = avrotest.Long(avrotest.Text(b, "k"), 5)
	b = append(b, 0)
	b = append(b, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f)
	row := make([]avro.Value, 1)
	n, err := p.Run(b, 0, row)
	if v, _ := row[0].Float64(); err != nil || n != len(b) || v != 1.5 {
		t.Errorf("%d of %d bytes, value %v, error %v", n, len(b), v, err)
	}
}

// TestOldAndNewUnionOrder reads the same values from the order that early ZTF schemas have and from that
// of 4.x, where the encoded indexes differ.
func TestOldAndNewUnionOrder(t *testing.T) {
	old := `{"type":"record","name":"r","fields":[{"name":"a","type":["float","null"],"default":null},{"name":"b","type":["string","null"],"default":null},{"name":"c","type":["float","null"],"default":null}]}`
	for _, schema := range []string{old, fields(`["null","float"]`, `["null","string"]`, `["null","float"]`)} {
		s, err := avro.Parse([]byte(schema))
		if err != nil {
			t.Fatal(err)
		}
		b := avrotest.Append(nil, s, map[string]any{"a": float32(1.5), "c": nil})
		row := make([]avro.Value, 3)
		if n, err := program(t, schema, "a", "b", "c").Run(b, 0, row); err != nil || n != len(b) {
			t.Fatalf("%d bytes, error %v", n, err)
		}
		if row[0].Float32() != 1.5 || row[1].Kind != avro.KindNull || row[2].Kind != avro.KindNull {
			t.Errorf("%s: %+v", schema, row)
		}
		if !math.IsNaN(float64(row[2].Float32())) {
			t.Error("a null float is not NaN")
		}
	}
}

// TestSwappedFieldsAreNoPacket reads data with a look-alike of their schema. Doubles whose low bytes are
// zero are left out: with an empty string their bytes are valid either way.
func TestSwappedFieldsAreNoPacket(t *testing.T) {
	writer := `{"type":"record","name":"r","fields":[{"name":"d","type":"double"},{"name":"s","type":"string"}]}`
	reader := `{"type":"record","name":"r","fields":[{"name":"s","type":"string"},{"name":"d","type":"double"}]}`
	s, err := avro.Parse([]byte(writer))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []float64{-2459000.123, 2460449.8784606, 0.1, 1e300, 4.9e-324} {
		for _, text := range []string{"", "a", "ZTF18abudxnw", strings.Repeat("x", 300)} {
			b := avrotest.Append(nil, s, map[string]any{"d": d, "s": text})
			row := make([]avro.Value, 2)
			if n, err := program(t, reader, "d", "s").Run(b, 0, row); err == nil && n == len(b) {
				t.Errorf("%v, %q read as %v", d, text, row)
			}
		}
	}
}

func TestRunTruncatedEverywhere(t *testing.T) {
	schema := fields(`"long"`, `["null","float"]`, `["double","null"]`, `["null","string"]`, `["null","long"]`,
		`{"type":"array","items":"string"}`, `{"type":"map","values":"int"}`, `["null","int",{"type":"fixed","name":"f","size":5}]`,
		`{"type":"record","name":"q","fields":[{"name":"x","type":"boolean"},{"name":"y","type":"bytes"}]}`)
	s, err := avro.Parse([]byte(schema))
	if err != nil {
		t.Fatal(err)
	}
	b := avrotest.Append(nil, s, map[string]any{
		"a": int64(1) << 60, "b": float32(2), "c": 3.0, "d": "text", "e": int64(-1) << 40, "f": []any{"p", "q"},
		"g": map[string]any{"k": 1}, "h": avrotest.Branch{Index: 2, Value: []byte("fixed")},
		"i": map[string]any{"x": true, "y": []byte("end")},
	})
	for _, paths := range [][]string{nil, {"a", "b", "c", "d", "e", "h", "i.x", "i.y"}} {
		p, row := program(t, schema, paths...), make([]avro.Value, len(paths))
		if n, err := p.Run(b, 0, row); err != nil || n != len(b) {
			t.Fatalf("whole datum: %d of %d bytes, error %v", n, len(b), err)
		}
		for n := range b {
			_, err := p.Run(b[:n], 0, row)
			if f := schemas.AsFault(err); f == nil || f.Position > int64(n) {
				t.Errorf("cut to %d of %d bytes: %v", n, len(b), err)
			}
		}
	}
}

func TestValueViews(t *testing.T) {
	schema := fields(`"int"`, `"float"`, `"boolean"`, `{"type":"enum","name":"e","symbols":["x","yy"]}`, `"string"`)
	s, err := avro.Parse([]byte(schema))
	if err != nil {
		t.Fatal(err)
	}
	b := avrotest.Append(nil, s, map[string]any{"a": -7, "b": float32(0.1), "c": true, "d": 1, "e": "word"})
	row := make([]avro.Value, 6)
	p := program(t, schema, "a", "b", "c", "d", "e", "missing")
	if _, err := p.Run(b, 0, row); err != nil {
		t.Fatal(err)
	}
	if n, ok := row[0].Int64(); n != -7 || !ok || row[0].Float32() != -7 {
		t.Errorf("int: %v %v", n, ok)
	}
	if f, ok := row[1].Float64(); f != float64(float32(0.1)) || !ok {
		t.Errorf("float: %v %v", f, ok)
	}
	if n, ok := row[2].Int64(); n != 1 || !ok || row[2].Float32() != 1 {
		t.Errorf("boolean: %v %v", n, ok)
	}
	if n, ok := row[3].Int64(); n != 1 || !ok || string(row[3].Bytes) != "yy" {
		t.Errorf("enum: %v %v %s", n, ok, row[3].Bytes)
	}
	if string(row[4].Bytes) != "word" || string(b[row[4].Pos:][:4]) != "word" || cap(row[4].Bytes) != 4 {
		t.Errorf("string: %+v", row[4])
	}
	if f, ok := row[4].Float64(); ok || !math.IsNaN(f) {
		t.Errorf("a string is the number %v", f)
	}
	if row[5].Present() || row[5].Kind != avro.KindAbsent || p.Has(5) || !p.Has(4) {
		t.Errorf("missing: %+v", row[5])
	}
}

// TestRunsEndWhereTheyMust skips neighbours that look like one run and are not: unions of either order
// side by side, and what follows a record that may be null.
func TestRunsEndWhereTheyMust(t *testing.T) {
	inner := `["null",{"type":"record","name":"q","fields":[{"name":"x","type":"float"}]}]`
	holder := `{"type":"record","name":"h","fields":[{"name":"q","type":` + inner + `}]}`
	some := map[string]any{"x": float32(1)}
	for name, c := range map[string]struct {
		schema string
		record map[string]any
	}{
		"both orders":          {fields(`["null","float"]`, `["float","null"]`, `"long"`), map[string]any{"a": nil, "b": float32(1), "c": int64(7)}},
		"both orders, null":    {fields(`["double","null"]`, `["null","double"]`, `"long"`), map[string]any{"a": nil, "b": nil, "c": int64(7)}},
		"after null":           {fields(inner, `"float"`, `"long"`), map[string]any{"a": nil, "b": float32(1), "c": int64(7)}},
		"after a value":        {fields(inner, `"float"`, `"long"`), map[string]any{"a": some, "b": float32(1), "c": int64(7)}},
		"after a null inside":  {fields(holder, `"float"`, `"long"`), map[string]any{"a": map[string]any{"q": nil}, "b": float32(1), "c": int64(7)}},
		"after a value inside": {fields(holder, `"float"`, `"long"`), map[string]any{"a": map[string]any{"q": some}, "b": float32(1), "c": int64(7)}},
	} {
		s, err := avro.Parse([]byte(c.schema))
		if err != nil {
			t.Fatal(err)
		}
		row := make([]avro.Value, 1)
		b := avrotest.Append(nil, s, c.record)
		n, err := program(t, c.schema, "c").Run(b, 0, row)
		if v, _ := row[0].Int64(); err != nil || n != len(b) || v != 7 {
			t.Errorf("%s: %d of %d bytes, c = %d, %v", name, n, len(b), v, err)
		}
	}
}

// TestRepeatedFieldCountsOnce reads a record that has two fields of one name, as WINTER's has.
func TestRepeatedFieldCountsOnce(t *testing.T) {
	schema := `{"type":"record","name":"r","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"},{"name":"b","type":"int"}]}`
	row := make([]avro.Value, 2)
	n, err := program(t, schema, "a", "b").Run([]byte{2, 4, 6}, 0, row)
	a, _ := row[0].Int64()
	b, _ := row[1].Int64()
	if err != nil || n != 3 || a != 1 || b != 3 {
		t.Errorf("%d bytes, a = %d, b = %d, %v", n, a, b, err)
	}
}
