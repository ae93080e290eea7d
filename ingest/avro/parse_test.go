package avro_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/ingest/avro"
)

func TestParseForms(t *testing.T) {
	s, err := avro.Parse([]byte(`{"type":"record","name":"top","namespace":"a.b","version":"4.02","fields":[
		{"name":"n","type":{"type":"long","logicalType":"timestamp-micros"}},
		{"name":"old","type":["float","null"],"default":null},
		{"name":"new","type":["null","double"],"default":null},
		{"name":"e","type":{"type":"enum","name":"E","symbols":["x","y"]}},
		{"name":"f","type":{"type":"fixed","name":"c.F","size":3}},
		{"name":"e2","type":"E"}, {"name":"e3","type":"a.b.E"}, {"name":"f2","type":["null","c.F"]},
		{"name":"inner","type":{"type":"record","name":"top.inner","fields":[{"name":"self","type":["null","top.inner"]},{"name":"v","type":"int"}]}},
		{"name":"placed","type":"array","items":"string"},
		{"name":"m","type":{"type":"map","values":{"type":"array","items":"bytes"}}},
		{"name":"wrapped","type":{"type":{"type":"array","items":"int"}}},
		{"name":"bare","type":{"type":"record","name":"bare","namespace":"","fields":[]}},
		{"name":"bare2","type":"bare"}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "a.b.top" || s.Version != "4.02" || len(s.Fields) != 14 {
		t.Errorf("%q version %q with %d fields", s.Name, s.Version, len(s.Fields))
	}
	for path, want := range map[string]string{
		"n": "long", "old": "float", "new": "double", "e": "enum", "f": "fixed", "e2": "enum", "e3": "enum",
		"f2": "fixed", "inner": "record", "inner.v": "int", "inner.self.self.v": "int", "placed": "array",
		"m": "map", "wrapped": "array", "bare": "record", "bare2": "record",
	} {
		got := s.Lookup(path)
		if got == nil || got.Kind.String() != want {
			t.Errorf("%s is %v, want %s", path, got, want)
		}
	}
	for _, path := range []string{"nothing", "n.x", "placed.x", "inner.x", ".", ""} {
		if got := s.Lookup(path); (got != nil) != (path == "") {
			t.Errorf("path %q leads to %v", path, got)
		}
	}
	if got := s.Fields[1].Type.Branches; got[0].Kind != avro.KindFloat || got[1].Kind != avro.KindNull {
		t.Errorf("the old union order became %v, %v", got[0].Kind, got[1].Kind)
	}
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat(`{"type":"array","items":`, 80) + `"int"` + strings.Repeat("}", 80)
	for _, text := range []string{
		"", "{", "5", "null", `"nothing"`, `[]`, `["null",["int"]]`, `{"type":7}`, `{"name":"x"}`,
		`{"type":"record","name":"r"}`, `{"type":"record","fields":[]}`, `{"type":"record","name":"r","fields":[1]}`,
		`{"type":"record","name":"r","fields":[{"type":"int"}]}`, `{"type":"record","name":"r","fields":[{"name":"a"}]}`,
		`{"type":"record","name":"r","fields":[{"name":"a","type":"r2"}]}`,
		`{"type":"enum","name":"e","symbols":[]}`, `{"type":"enum","name":"e","symbols":[1]}`, `{"type":"enum","symbols":["a"]}`,
		`{"type":"fixed","name":"f"}`, `{"type":"fixed","name":"f","size":-1}`, `{"type":"fixed","name":"f","size":1.5}`,
		`{"type":"fixed","name":"f","size":1e300}`, `{"type":"array"}`, `{"type":"map","values":"x"}`,
		`{"type":"fixed","name":"int","size":1}`, `[{"type":"fixed","name":"f","size":1},{"type":"fixed","name":"f","size":1}]`,
		deep,
	} {
		if s, err := avro.Parse([]byte(text)); !errors.Is(err, avro.ErrSchema) {
			t.Errorf("%.60s: %v, %v; want ErrSchema", text, s, err)
		}
	}
}

func TestParseWithLoadsEachNameOnce(t *testing.T) {
	loads := 0
	load := func(name string) ([]byte, error) {
		loads++
		if name != "n.part" {
			return nil, fmt.Errorf("no %s", name)
		}
		return []byte(`{"type":"record","name":"part","namespace":"n","fields":[{"name":"v","type":"int"}]}`), nil
	}
	s, err := avro.ParseWith([]byte(`{"type":"record","name":"n.top","fields":[
		{"name":"a","type":"n.part"},{"name":"b","type":["null","part"]}]}`), load)
	if err != nil || loads != 1 || s.Lookup("b.v") == nil {
		t.Errorf("%v, %d loads, error %v", s, loads, err)
	}
	if _, err := avro.ParseWith([]byte(`["n.other"]`), load); !errors.Is(err, avro.ErrSchema) {
		t.Errorf("a name that cannot be loaded: %v", err)
	}
	wrong := func(string) ([]byte, error) { return []byte(`{"type":"fixed","name":"x","size":1}`), nil }
	if _, err := avro.ParseWith([]byte(`["n.other"]`), wrong); !errors.Is(err, avro.ErrSchema) {
		t.Errorf("a file that defines another name: %v", err)
	}
}

func TestCompileBounds(t *testing.T) {
	// Each record holds the one before it a hundred times: written out, 100^20 fields.
	text := `{"type":"record","name":"r0","fields":[{"name":"v","type":"string"},{"name":"w","type":"int"}]}`
	for i := 1; i <= 20; i++ {
		var fields []string
		for j := range 100 {
			typ := fmt.Sprintf(`"r%d"`, i-1)
			if j == 0 {
				typ = text
			}
			fields = append(fields, fmt.Sprintf(`{"name":"f%d","type":%s}`, j, typ))
		}
		text = fmt.Sprintf(`{"type":"record","name":"r%d","fields":[%s]}`, i, strings.Join(fields, ","))
	}
	s, err := avro.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := avro.Compile(s, []string{"f0.f0", "f7"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Run(make([]byte, 1000), 0, make([]avro.Value, 2)); err == nil {
		t.Error("a thousand bytes hold a record of 100^20 fields")
	}
	if _, err := avro.Compile(s, []string{"a", "a"}); !errors.Is(err, avro.ErrSchema) {
		t.Errorf("a path wanted twice: %v", err)
	}
	if _, err := avro.Compile(s, []string{""}); !errors.Is(err, avro.ErrSchema) {
		t.Errorf("an empty path: %v", err)
	}
}
