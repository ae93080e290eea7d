package avro_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"sort"
	"testing"

	hamba "github.com/hamba/avro/v2"
	"pgregory.net/rapid"

	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/ingest/avro/avrotest"
)

// drawer makes random schemas and data.
type drawer struct {
	t     *rapid.T
	names int
}

var scalarTypes = []string{"boolean", "int", "long", "float", "double", "bytes", "string", "enum", "fixed"}

// schema draws a type as JSON values.
func (d *drawer) schema(depth int) any {
	kinds := append([]string{"null", "nullable", "nullable", "nullable"}, scalarTypes...)
	if depth < 4 {
		kinds = append(kinds, "record", "record", "array", "map", "union")
	}
	return d.ofKind(rapid.SampledFrom(kinds).Draw(d.t, "kind"), depth)
}

func (d *drawer) ofKind(kind string, depth int) any {
	switch kind {
	case "nullable":
		inner := scalarTypes
		if depth < 4 {
			inner = append([]string{"record", "array", "map"}, scalarTypes...)
		}
		other := d.ofKind(rapid.SampledFrom(inner).Draw(d.t, "inner"), depth+1)
		if rapid.Bool().Draw(d.t, "null first") {
			return []any{"null", other}
		}
		return []any{other, "null"}
	case "union":
		kinds := rapid.Permutation([]string{"null", "int", "double", "string", "record", "enum", "record"}).Draw(d.t, "branches")
		var branches []any
		for _, k := range kinds[:rapid.IntRange(1, len(kinds)).Draw(d.t, "count")] {
			branches = append(branches, d.ofKind(k, depth+1))
		}
		return branches
	case "record":
		return d.record(depth)
	case "array":
		return map[string]any{"type": "array", "items": d.schema(depth + 1)}
	case "map":
		return map[string]any{"type": "map", "values": d.schema(depth + 1)}
	case "enum":
		return map[string]any{"type": "enum", "name": d.name(), "symbols": []any{"a", "bb", "ccc"}}
	case "fixed":
		return map[string]any{"type": "fixed", "name": d.name(), "size": rapid.IntRange(1, 9).Draw(d.t, "size")}
	}
	return kind
}

func (d *drawer) name() string {
	d.names++
	return fmt.Sprintf("n.t%d", d.names)
}

func (d *drawer) record(depth int) any {
	name, fields := d.name(), []any{}
	for i := range rapid.IntRange(0, 7).Draw(d.t, "fields") {
		fields = append(fields, map[string]any{"name": fmt.Sprintf("f%d", i), "type": d.schema(depth + 1)})
	}
	return map[string]any{"type": "record", "name": name, "fields": fields}
}

// value draws data of a schema, in the form avrotest encodes.
func (d *drawer) value(s *avro.Schema) any {
	t := d.t
	switch s.Kind {
	case avro.KindNull:
		return nil
	case avro.KindBoolean:
		return rapid.Bool().Draw(t, "boolean")
	case avro.KindInt:
		return int(rapid.Int32().Draw(t, "int"))
	case avro.KindLong:
		return rapid.Int64().Draw(t, "long")
	case avro.KindEnum:
		return rapid.IntRange(0, 2).Draw(t, "enum")
	case avro.KindFloat:
		return rapid.Float32().Draw(t, "float")
	case avro.KindDouble:
		return rapid.Float64().Draw(t, "double")
	case avro.KindBytes:
		return rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")
	case avro.KindString:
		return rapid.StringN(0, 100, -1).Draw(t, "string")
	case avro.KindFixed:
		return rapid.SliceOfN(rapid.Byte(), s.Size, s.Size).Draw(t, "fixed")
	case avro.KindUnion:
		i := rapid.IntRange(0, len(s.Branches)-1).Draw(t, "branch")
		return avrotest.Branch{Index: i, Value: d.value(s.Branches[i])}
	case avro.KindRecord:
		out := map[string]any{}
		for _, f := range s.Fields {
			out[f.Name] = d.value(f.Type)
		}
		return out
	case avro.KindArray:
		out := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			out = append(out, d.value(s.Items))
		}
		return out
	}
	out := map[string]any{}
	for i := range rapid.IntRange(0, 3).Draw(t, "entries") {
		out[fmt.Sprint("k", i)] = d.value(s.Items)
	}
	return out
}

// paths lists all dotted paths that lead through records and unions, ends of any kind included.
func paths(s *avro.Schema, prefix string, out map[string]bool) {
	switch s.Kind {
	case avro.KindUnion:
		for _, b := range s.Branches {
			paths(b, prefix, out)
		}
	case avro.KindRecord:
		for _, f := range s.Fields {
			path := prefix + f.Name
			out[path] = true
			paths(f.Type, path+".", out)
		}
	}
}

// TestSkipScanEqualsHamba holds the skip-scan to what github.com/hamba/avro decodes, on random schemas
// and data, for a random part of all paths.
func TestSkipScanEqualsHamba(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &drawer{t: t}
		text, err := json.Marshal(d.record(0))
		if err != nil {
			t.Fatal(err)
		}
		s, err := avro.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		datum := avrotest.Append(nil, s, d.value(s))
		oracle := decodeWithHamba(t, text, datum)

		all := map[string]bool{"nothing": true, "f0.nothing": true}
		paths(s, "", all)
		var wanted []string
		for path := range all {
			wanted = append(wanted, path)
		}
		sort.Strings(wanted)
		wanted = rapid.Permutation(wanted).Draw(t, "paths")
		wanted = wanted[:rapid.IntRange(0, len(wanted)).Draw(t, "wanted")]

		p, err := avro.Compile(s, wanted)
		if err != nil {
			t.Fatal(err)
		}
		row := make([]avro.Value, len(wanted))
		n, err := p.Run(append(datum[:len(datum):len(datum)], 0xff, 0xff), 0, row)
		if err != nil || n != len(datum) {
			t.Fatalf("%d bytes of %d walked, error %v, schema %s", n, len(datum), err, text)
		}
		for i, path := range wanted {
			if want := lookUp(s, oracle, path); !same(&row[i], want) {
				t.Errorf("%s is %+v, hamba has %v (%T); schema %s", path, row[i], want, want, text)
			}
		}
	})
}

func decodeWithHamba(t *rapid.T, text, datum []byte) any {
	s, err := hamba.ParseBytesWithCache(text, "", &hamba.SchemaCache{})
	if err != nil {
		t.Fatalf("hamba refuses %s: %v", text, err)
	}
	var out any
	if err := hamba.NewDecoderForSchema(s, bytes.NewReader(append(datum[:len(datum):len(datum)], 0))).Decode(&out); err != nil {
		t.Fatalf("hamba cannot decode %x by %s: %v", datum, text, err)
	}
	return out
}

// absent is what lookUp returns for a path that the schema lacks or that ends in something nested.
type absent struct{}

// lookUp finds a path in hamba's value.
func lookUp(s *avro.Schema, v any, path string) any {
	all := map[string]bool{}
	scalars(s, "", all)
	if !all[path] {
		return absent{}
	}
	for path != "" && v != nil {
		s, v = branch(s, v)
		record, ok := v.(map[string]any)
		if !ok || s.Kind != avro.KindRecord {
			return nil // the union holds another branch
		}
		name := path
		for i := range len(path) {
			if path[i] == '.' {
				name = path[:i]
				break
			}
		}
		path = path[min(len(path), len(name)+1):]
		if s.Lookup(name) == nil {
			return nil
		}
		for _, f := range s.Fields {
			if f.Name == name {
				s, v = f.Type, record[name]
			}
		}
	}
	s, v = branch(s, v)
	if s.Kind >= avro.KindRecord {
		return nil
	}
	return v
}

// branch unwraps a union: hamba gives {"full name": value} for named types and the bare value for others.
func branch(s *avro.Schema, v any) (*avro.Schema, any) {
	if s.Kind != avro.KindUnion {
		return s, v
	}
	if m, ok := v.(map[string]any); ok && len(m) == 1 {
		for _, b := range s.Branches {
			for _, name := range []string{b.Name, b.Kind.String()} {
				if inner, ok := m[name]; ok && name != "" {
					return b, inner
				}
			}
		}
	}
	if len(s.Branches) == 2 && v != nil {
		for i, b := range s.Branches {
			if b.Kind == avro.KindNull {
				return s.Branches[1-i], v
			}
		}
	}
	return &avro.Schema{Kind: avro.KindString}, v // a bare value is a scalar
}

// scalars lists the paths that end, in some branch, at a value that fits a slot.
func scalars(s *avro.Schema, prefix string, out map[string]bool) {
	switch s.Kind {
	case avro.KindUnion:
		for _, b := range s.Branches {
			scalars(b, prefix, out)
		}
	case avro.KindRecord:
		for _, f := range s.Fields {
			scalars(f.Type, prefix+f.Name+".", out)
		}
	case avro.KindArray, avro.KindMap, avro.KindNull:
	default:
		if prefix != "" {
			out[prefix[:len(prefix)-1]] = true
		}
	}
}

// same compares a slot with hamba's value.
func same(v *avro.Value, want any) bool {
	switch w := want.(type) {
	case absent:
		return v.Kind == avro.KindAbsent
	case nil:
		return v.Kind == avro.KindNull
	case bool:
		n, ok := v.Int64()
		return ok && v.Kind == avro.KindBoolean && (n == 1) == w
	case int:
		n, ok := v.Int64()
		return ok && n == int64(w)
	case int64:
		n, ok := v.Int64()
		return ok && n == w
	case float32:
		return v.Kind == avro.KindFloat && math.Float32bits(v.Float32()) == math.Float32bits(w)
	case float64:
		f, ok := v.Float64()
		return ok && v.Kind == avro.KindDouble && math.Float64bits(f) == math.Float64bits(w)
	case string:
		return (v.Kind == avro.KindString || v.Kind == avro.KindEnum) && string(v.Bytes) == w
	case []byte:
		return v.Kind == avro.KindBytes && bytes.Equal(v.Bytes, w)
	}
	if r := reflect.ValueOf(want); r.Kind() == reflect.Array { // fixed
		b := make([]byte, r.Len())
		reflect.Copy(reflect.ValueOf(b), r)
		return v.Kind == avro.KindFixed && bytes.Equal(v.Bytes, b)
	}
	return false
}
