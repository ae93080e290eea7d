package avro

import (
	"errors"
	"strings"
)

// ErrSchema marks a schema that cannot be used: not JSON, not Avro, a name without a definition, or over
// a limit.
var ErrSchema = errors.New("unusable Avro schema")

// Kind is an Avro type.
type Kind uint8

// The Avro types. KindAbsent is not a type of Avro: it marks a Value whose path the writer's schema lacks.
const (
	KindAbsent Kind = iota
	KindNull
	KindBoolean
	KindInt
	KindLong
	KindFloat
	KindDouble
	KindBytes
	KindString
	KindEnum
	KindFixed
	KindRecord
	KindArray
	KindMap
	KindUnion
)

var kindNames = [...]string{
	"absent", "null", "boolean", "int", "long", "float", "double", "bytes", "string", "enum", "fixed",
	"record", "array", "map", "union",
}

// String returns the name of the type as a schema writes it.
func (k Kind) String() string { return kindNames[k] }

// Schema is one node of a parsed schema. Nodes are shared where a name is referred to, and a recursive
// type refers to itself; they are read-only once parsed and safe for concurrent use.
type Schema struct {
	Kind     Kind
	Name     string    // full name of a record, enum or fixed, with its namespace
	Version  string    // the "version" attribute of a record, empty when it has none
	Fields   []Field   // of a record, in the order they are written
	Items    *Schema   // of an array, or the values of a map
	Branches []*Schema // of a union, in the order that the encoded index counts
	Symbols  []string  // of an enum
	Size     int       // of a fixed, in bytes
}

// Field is one field of a record.
type Field struct {
	Name string
	Type *Schema
}

// Lookup returns the type at a dotted path of record fields, or nil. A union on the way, or at the end,
// stands for its first branch that is not null. Where a record repeats a name, the first field counts.
func (s *Schema) Lookup(path string) *Schema {
	s = s.value()
	for path != "" && s != nil {
		var name string
		name, path, _ = strings.Cut(path, ".")
		s = s.field(name)
		if s != nil {
			s = s.value()
		}
	}
	return s
}

// value is the schema itself, or the first branch of a union that is not null.
func (s *Schema) value() *Schema {
	if s.Kind != KindUnion {
		return s
	}
	for _, b := range s.Branches {
		if b.Kind != KindNull {
			return b
		}
	}
	return s
}

// field returns the type of the first field of that name, or nil.
func (s *Schema) field(name string) *Schema {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return s.Fields[i].Type
		}
	}
	return nil
}
