package avro

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// The limits of a schema. The largest survey schema (LSST 11.0 with all its parts) has 700 nodes, is
// 7 levels deep and 150 kB long.
const (
	maxSchemaBytes = 4 << 20
	maxSchemaNodes = 1 << 16
	maxSchemaDepth = 64
)

// Loader returns the text of the schema that defines a full name, for schemas split over files. It
// returns an error when it has no such schema.
type Loader func(fullName string) ([]byte, error)

// Parse reads a schema in JSON. Unknown attributes, defaults, aliases and logical types are ignored.
// Every error wraps ErrSchema.
func Parse(text []byte) (*Schema, error) { return ParseWith(text, nil) }

// ParseWith reads a schema whose undefined names are looked up through load, which may be nil. A name is
// loaded once, where it is first met.
func ParseWith(text []byte, load Loader) (*Schema, error) {
	p := parser{names: map[string]*Schema{}, load: load}
	s, err := p.text(text, "", 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSchema, err)
	}
	return s, nil
}

// parser holds the names defined so far and the work done.
type parser struct {
	names map[string]*Schema
	load  Loader
	nodes int
	bytes int
}

var primitives = map[string]*Schema{
	"null": {Kind: KindNull}, "boolean": {Kind: KindBoolean}, "int": {Kind: KindInt}, "long": {Kind: KindLong},
	"float": {Kind: KindFloat}, "double": {Kind: KindDouble}, "bytes": {Kind: KindBytes}, "string": {Kind: KindString},
}

// text parses one JSON document.
func (p *parser) text(text []byte, namespace string, depth int) (*Schema, error) {
	if p.bytes += len(text); p.bytes > maxSchemaBytes {
		return nil, fmt.Errorf("%d bytes of schema, over the limit of %d", p.bytes, maxSchemaBytes)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	return p.node(v, namespace, depth)
}

// node parses one type in any of its forms: a name, a union or an object.
func (p *parser) node(v any, namespace string, depth int) (*Schema, error) {
	p.nodes++
	if p.nodes > maxSchemaNodes || depth > maxSchemaDepth {
		return nil, fmt.Errorf("over %d types or %d levels", maxSchemaNodes, maxSchemaDepth)
	}
	switch t := v.(type) {
	case string:
		return p.named(t, namespace, depth)
	case []any:
		return p.union(t, namespace, depth)
	case map[string]any:
		return p.object(t, namespace, depth)
	}
	return nil, fmt.Errorf("a type is a name, a list or an object, not %T", v)
}

// named resolves a primitive or a name defined earlier, or loads its definition.
func (p *parser) named(name, namespace string, depth int) (*Schema, error) {
	if s := primitives[name]; s != nil {
		return s, nil
	}
	full := fullName(name, namespace)
	if s := p.names[full]; s != nil {
		return s, nil
	}
	if s := p.names[name]; s != nil { // a name without a namespace, used inside one
		return s, nil
	}
	if p.load == nil {
		return nil, fmt.Errorf("no definition of %q", full)
	}
	text, err := p.load(full)
	if err != nil {
		return nil, fmt.Errorf("definition of %q: %w", full, err)
	}
	if _, err := p.text(text, "", depth+1); err != nil {
		return nil, fmt.Errorf("definition of %q: %w", full, err)
	}
	if s := p.names[full]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("the schema loaded for %q does not define it", full)
}

// union parses the branches in their order.
func (p *parser) union(list []any, namespace string, depth int) (*Schema, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("a union without branches")
	}
	u := &Schema{Kind: KindUnion, Branches: make([]*Schema, len(list))}
	for i, v := range list {
		b, err := p.node(v, namespace, depth+1)
		if err != nil {
			return nil, err
		}
		if b.Kind == KindUnion {
			return nil, fmt.Errorf("a union inside a union")
		}
		u.Branches[i] = b
	}
	return u, nil
}

// object parses {"type": ...}: a complex type, or a simpler one with attributes that are ignored.
func (p *parser) object(o map[string]any, namespace string, depth int) (*Schema, error) {
	name, ok := o["type"].(string)
	if !ok {
		return p.node(o["type"], namespace, depth+1)
	}
	switch name {
	case "record", "error":
		return p.record(o, namespace, depth)
	case "enum":
		return p.enum(o, namespace)
	case "fixed":
		return p.fixed(o, namespace)
	case "array":
		return p.collection(KindArray, o["items"], namespace, depth)
	case "map":
		return p.collection(KindMap, o["values"], namespace, depth)
	}
	return p.named(name, namespace, depth)
}

// collection parses an array or a map.
func (p *parser) collection(kind Kind, items any, namespace string, depth int) (*Schema, error) {
	s, err := p.node(items, namespace, depth+1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return &Schema{Kind: kind, Items: s}, nil
}

// record parses a record. Its name is known before its fields are read, so that they may refer to it.
func (p *parser) record(o map[string]any, namespace string, depth int) (*Schema, error) {
	s := &Schema{Kind: KindRecord}
	if err := p.define(s, o, namespace); err != nil {
		return nil, err
	}
	if v, ok := o["version"]; ok {
		s.Version = fmt.Sprint(v)
	}
	fields, ok := o["fields"].([]any)
	if !ok {
		return nil, fmt.Errorf("record %q has no list of fields", s.Name)
	}
	s.Fields = make([]Field, len(fields))
	for i, v := range fields {
		f, err := p.field(v, namespaceOf(s.Name), depth)
		if err != nil {
			return nil, fmt.Errorf("record %q, field %d: %w", s.Name, i, err)
		}
		s.Fields[i] = f
	}
	return s, nil
}

// field parses one field. A field that writes a complex type in place ("type": "array" beside "items")
// is taken as if the type stood in an object of its own.
func (p *parser) field(v any, namespace string, depth int) (Field, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return Field{}, fmt.Errorf("a field is an object, not %T", v)
	}
	name, ok := o["name"].(string)
	if !ok {
		return Field{}, fmt.Errorf("a field without a name")
	}
	typ := o["type"]
	switch typ {
	case "array", "map", "record", "enum", "fixed":
		typ = any(o)
	}
	s, err := p.node(typ, namespace, depth+1)
	if err != nil {
		return Field{}, fmt.Errorf("%q: %w", name, err)
	}
	return Field{Name: name, Type: s}, nil
}

// enum parses an enumeration.
func (p *parser) enum(o map[string]any, namespace string) (*Schema, error) {
	s := &Schema{Kind: KindEnum}
	if err := p.define(s, o, namespace); err != nil {
		return nil, err
	}
	list, _ := o["symbols"].([]any)
	for _, v := range list {
		symbol, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("enum %q has a symbol that is not a string", s.Name)
		}
		s.Symbols = append(s.Symbols, symbol)
	}
	if len(s.Symbols) == 0 {
		return nil, fmt.Errorf("enum %q has no symbols", s.Name)
	}
	return s, nil
}

// fixed parses a type of constant size.
func (p *parser) fixed(o map[string]any, namespace string) (*Schema, error) {
	size, ok := o["size"].(float64)
	if !ok || size < 0 || size > math.MaxInt32 || size != math.Trunc(size) {
		return nil, fmt.Errorf("fixed %v has no usable size", o["name"])
	}
	s := &Schema{Kind: KindFixed, Size: int(size)}
	return s, p.define(s, o, namespace)
}

// define gives a named type its full name and makes it known.
func (p *parser) define(s *Schema, o map[string]any, namespace string) error {
	name, _ := o["name"].(string)
	if name == "" {
		return fmt.Errorf("a %s without a name", s.Kind)
	}
	if ns, ok := o["namespace"].(string); ok {
		namespace = ns
	}
	s.Name = fullName(name, namespace)
	if p.names[s.Name] != nil || primitives[s.Name] != nil {
		return fmt.Errorf("%q is defined twice", s.Name)
	}
	p.names[s.Name] = s
	return nil
}

// fullName applies the namespace to a name that has none of its own.
func fullName(name, namespace string) string {
	if namespace == "" || strings.Contains(name, ".") {
		return name
	}
	return namespace + "." + name
}

// namespaceOf is the part of a full name before its last dot.
func namespaceOf(full string) string {
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		return full[:i]
	}
	return ""
}
