package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/galaxalign/galaxalign/schemas/spelling"
)

// binder writes a YAML tree into a struct and remembers the line of every key, so that a fault found
// later by validation can still name its line.
type binder struct {
	lines  map[string]int
	faults []Fault
	broken bool // the text is not YAML: nothing of it was read
}

// bind parses a YAML document into dst, a pointer to a struct with yaml tags.
func (b *binder) bind(data []byte, dst any) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		b.syntaxFault(err)
		b.broken = true
		return
	}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			b.value(doc.Body, reflect.ValueOf(dst).Elem(), "")
		}
	}
}

// syntaxFault keeps the first line of the parser's message, which carries "[line:column]".
func (b *binder) syntaxFault(err error) {
	head, _, _ := strings.Cut(err.Error(), "\n")
	var line, column int
	text := head
	if n, _ := fmt.Sscanf(head, "[%d:%d]", &line, &column); n == 2 {
		text = strings.TrimSpace(head[strings.Index(head, "]")+1:])
	}
	b.faults = append(b.faults, Fault{Line: line, Problem: "not YAML: " + text, Fix: "check the indentation and quotes there"})
}

func (b *binder) fault(node ast.Node, key, problem, fix string) {
	b.faults = append(b.faults, Fault{Line: node.GetToken().Position.Line, Key: key, Problem: problem, Fix: fix})
}

// value binds one node to one field.
func (b *binder) value(node ast.Node, dst reflect.Value, key string) {
	if key != "" {
		b.lines[key] = node.GetToken().Position.Line
	}
	if _, isNull := node.(*ast.NullNode); isNull {
		return
	}
	if _, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		b.scalar(node, dst, key)
		return
	}
	switch dst.Kind() {
	case reflect.Struct:
		b.mapping(node, dst, key)
	case reflect.Slice:
		b.sequence(node, dst, key)
	default:
		b.scalar(node, dst, key)
	}
}

// mapping binds the keys of a YAML mapping to the fields of a struct.
func (b *binder) mapping(node ast.Node, dst reflect.Value, key string) {
	var pairs []*ast.MappingValueNode
	switch n := node.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		b.fault(node, key, "needs keys below it, not a single value", "write the keys "+strings.Join(fieldNames(dst.Type()), ", ")+" indented under it")
		return
	}
	seen := map[string]bool{}
	for _, pair := range pairs {
		name := pair.Key.GetToken().Value
		path := join(key, name)
		i, known := fieldByTag(dst.Type(), name)
		switch {
		case !known:
			fix := "known keys here: " + strings.Join(fieldNames(dst.Type()), ", ")
			if near := spelling.Nearest(name, fieldNames(dst.Type())); near != "" {
				fix = fmt.Sprintf("did you mean %q?", near)
			}
			b.fault(pair.Key, path, "unknown key", fix)
		case seen[name]:
			b.fault(pair.Key, path, "given twice", "remove one")
		default:
			seen[name] = true
			b.lines[path] = pair.Key.GetToken().Position.Line
			b.value(pair.Value, dst.Field(i), path)
		}
	}
}

// sequence binds a YAML list; a single value stands for a list of one.
func (b *binder) sequence(node ast.Node, dst reflect.Value, key string) {
	items := []ast.Node{node}
	if seq, ok := node.(*ast.SequenceNode); ok {
		items = seq.Values
	}
	out := reflect.MakeSlice(dst.Type(), len(items), len(items))
	for i, item := range items {
		b.value(item, out.Index(i), fmt.Sprintf("%s[%d]", key, i))
	}
	dst.Set(out)
}

// scalar binds a single value.
func (b *binder) scalar(node ast.Node, dst reflect.Value, key string) {
	if _, ok := node.(ast.ScalarNode); !ok {
		b.fault(node, key, "needs a single value", "write one value on the line of the key, in quotes where it holds a colon")
		return
	}
	if err := setText(dst, scalarText(node)); err != nil {
		b.fault(node, key, err.Error(), "")
	}
}

// scalarText is the value as written, without quotes.
func scalarText(node ast.Node) string {
	if s, ok := node.(*ast.StringNode); ok {
		return s.Value
	}
	return node.GetToken().Value
}

// setText parses a value into a string, bool, integer, float or text-unmarshaling field.
func setText(dst reflect.Value, text string) error {
	if u, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch dst.Kind() {
	case reflect.String:
		dst.SetString(text)
	case reflect.Bool:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		dst.SetBool(v)
	case reflect.Int:
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		dst.SetInt(v)
	case reflect.Float64:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", text)
		}
		dst.SetFloat(v)
	default:
		return fmt.Errorf("a %s cannot be set from text", dst.Type())
	}
	return nil
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

func fieldByTag(t reflect.Type, name string) (int, bool) {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("yaml") == name {
			return i, true
		}
	}
	return 0, false
}

func fieldNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("yaml")
	}
	return names
}
