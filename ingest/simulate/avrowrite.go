package simulate

import (
	"encoding/binary"
	"encoding/json"
	"math"
)

// avroBuf encodes Avro binary values (Avro specification 1.11, "Binary encoding").
type avroBuf struct{ b []byte }

func (w *avroBuf) long(v int64)       { w.b = binary.AppendVarint(w.b, v) }
func (w *avroBuf) double(v float64)   { w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v)) }
func (w *avroBuf) float(v float32)    { w.b = binary.LittleEndian.AppendUint32(w.b, math.Float32bits(v)) }
func (w *avroBuf) bytes(v []byte)     { w.long(int64(len(v))); w.b = append(w.b, v...) }
func (w *avroBuf) string(v string)    { w.long(int64(len(v))); w.b = append(w.b, v...) }
func (w *avroBuf) branch(i int64)     { w.long(i) }
func (w *avroBuf) fixed(v [16]byte)   { w.b = append(w.b, v[:]...) }
func (w *avroBuf) magic()             { w.b = append(w.b, 'O', 'b', 'j', 1) }
func (w *avroBuf) blockStart(n int64) { w.long(n) }
func (w *avroBuf) blockEnd()          { w.long(0) }

// field is one field of a record: its place in the schema and its encoding, kept together so that the two
// cannot disagree. T is what the record describes.
type field[T any] struct {
	name     string
	kind     string // Avro primitive
	optional bool   // written as the union [null, kind]
	put      func(w *avroBuf, v *T)
}

func double[T any](name string, get func(*T) float64) field[T] {
	return field[T]{name, "double", false, func(w *avroBuf, v *T) { w.double(get(v)) }}
}

func float[T any](name string, get func(*T) float64) field[T] {
	return field[T]{name, "float", false, func(w *avroBuf, v *T) { w.float(float32(get(v))) }}
}

func integer[T any](name, kind string, get func(*T) int64) field[T] {
	return field[T]{name, kind, false, func(w *avroBuf, v *T) { w.long(get(v)) }}
}

func text[T any](name string, get func(*T) string) field[T] {
	return field[T]{name, "string", false, func(w *avroBuf, v *T) { w.string(get(v)) }}
}

// orNull makes a field a union with null. isNull says when null is written; nil means never.
func orNull[T any](f field[T], isNull func(*T) bool) field[T] {
	put := f.put
	f.optional = true
	f.put = func(w *avroBuf, v *T) {
		if isNull != nil && isNull(v) {
			w.branch(0)
			return
		}
		w.branch(1)
		put(w, v)
	}
	return f
}

// optFloat is a nullable float whose null is NaN.
func optFloat[T any](name string, get func(*T) float64) field[T] {
	return orNull(float(name, get), func(v *T) bool { return math.IsNaN(get(v)) })
}

func optInt[T any](name, kind string, get func(*T) int64) field[T] {
	return orNull(integer(name, kind, get), nil)
}

// optText is a nullable string whose null is the empty string.
func optText[T any](name string, get func(*T) string) field[T] {
	return orNull(text(name, get), func(v *T) bool { return get(v) == "" })
}

// schemaOf returns the schema of a list of fields as a JSON value.
func schemaOf[T any](fields []field[T]) []any {
	out := make([]any, len(fields))
	for i, f := range fields {
		m := orderedField{Name: f.name, Type: f.kind}
		if f.optional {
			m.Type = []string{"null", f.kind}
			m.Default = json.RawMessage("null")
		}
		out[i] = m
	}
	return out
}

// orderedField is a record field in a schema.
type orderedField struct {
	Name    string          `json:"name"`
	Type    any             `json:"type"`
	Default json.RawMessage `json:"default,omitempty"`
	Doc     string          `json:"doc,omitempty"`
}

// record is a record schema.
type record struct {
	Type      string `json:"type"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
	Version   string `json:"version,omitempty"`
	Doc       string `json:"doc,omitempty"`
	Fields    []any  `json:"fields"`
}
