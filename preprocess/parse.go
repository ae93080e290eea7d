package preprocess

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/galaxalign/galaxalign/schemas/spelling"
)

// maxRecipeBytes bounds the text of a recipe: the longest public one has under 1 KiB.
const maxRecipeBytes = 64 << 10

// Parse reads one recipe in YAML and checks it. The error lists every fault it can see, each with its
// line: unknown keys with the nearest valid name, values of the wrong type, and what Validate finds.
func Parse(text []byte) (*Recipe, error) {
	if len(text) > maxRecipeBytes {
		return nil, fmt.Errorf("recipe: %d bytes of YAML are above the limit of %d", len(text), maxRecipeBytes)
	}
	file, err := parseYAML(text)
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	if len(file.Docs) != 1 {
		return nil, fmt.Errorf("recipe: the text holds %d YAML documents, not one", len(file.Docs))
	}
	if file.Docs[0].Body == nil {
		return nil, errors.New("recipe: the text is empty")
	}
	body := file.Docs[0].Body
	keys := &keyChecker{lines: map[string]int{}}
	keys.walk("", body, reflect.TypeFor[Recipe]())
	if len(keys.faults) > 0 {
		return nil, fmt.Errorf("recipe: %w", errors.Join(keys.faults...))
	}
	r := &Recipe{}
	if err := decodeYAML(body, r); err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("recipe %s: %w", r.Name, withLines(err, keys.lines))
	}
	return r, nil
}

// parseYAML and decodeYAML turn a panic of the YAML library, which damaged text can cause, into an error.
func parseYAML(text []byte) (file *ast.File, err error) {
	defer recoverYAML(&err)
	return parser.ParseBytes(text, 0)
}

func decodeYAML(node ast.Node, r *Recipe) (err error) {
	defer recoverYAML(&err)
	return yaml.NodeToValue(node, r)
}

func recoverYAML(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the YAML cannot be read: %v", p)
	}
}

// keyChecker compares the keys of a YAML tree with the fields of a type and notes the line of each.
type keyChecker struct {
	lines  map[string]int
	faults []error
}

func (k *keyChecker) fault(node ast.Node, field, format string, args ...any) {
	line := 0
	if t := node.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	k.faults = append(k.faults, &FieldError{Field: field, Line: line, Text: fmt.Sprintf(format, args...)})
}

// walk checks the mapping that stands for a struct of type t under the path.
func (k *keyChecker) walk(path string, node ast.Node, t reflect.Type) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for _, special := range []ast.NodeType{ast.AnchorType, ast.AliasType, ast.TagType, ast.MergeKeyType} {
		if bad := ast.Filter(special, node); len(bad) > 0 && path == "" {
			k.fault(bad[0], "recipe", "anchors, aliases, merge keys and tags are not read: write the value out")
			return
		}
	}
	if t.Kind() != reflect.Struct || node.Type() == ast.NullType {
		return
	}
	mapping, ok := node.(ast.MapNode)
	if !ok {
		k.fault(node, orRecipe(path), "keys and values are expected here")
		return
	}
	fields := yamlFields(t)
	for it := mapping.MapRange(); it.Next(); {
		key := keyText(it.Key())
		full := strings.TrimPrefix(path+"."+key, ".")
		i := slices.IndexFunc(fields, func(f yamlField) bool { return f.key == key })
		if i < 0 {
			k.unknown(it.Key(), full, key, fields)
			continue
		}
		if t := it.Key().GetToken(); t != nil && t.Position != nil {
			k.lines[full] = t.Position.Line
		}
		k.walk(full, it.Value(), fields[i].typ)
	}
}

// keyText is the key without quotes.
func keyText(key ast.MapKeyNode) string {
	if s, ok := key.(*ast.StringNode); ok {
		return s.Value
	}
	return key.String()
}

func orRecipe(path string) string {
	if path == "" {
		return "recipe"
	}
	return path
}

// unknown reports a key that the struct does not have.
func (k *keyChecker) unknown(node ast.Node, full, key string, fields []yamlField) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.key
	}
	if n := spelling.Nearest(key, names); n != "" {
		k.fault(node, full, "unknown key; did you mean %q?", n)
		return
	}
	k.fault(node, full, "unknown key; the keys here are %s", strings.Join(names, ", "))
}

// yamlField is a key that a struct reads.
type yamlField struct {
	key string
	typ reflect.Type
}

func yamlFields(t reflect.Type) []yamlField {
	var out []yamlField
	for f := range t.Fields() {
		out = append(out, yamlField{key: f.Tag.Get("yaml"), typ: f.Type})
	}
	return out
}

// withLines adds to each field error the line of its key, or of the nearest key above it.
func withLines(err error, lines map[string]int) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var out []error
	for _, e := range joined.Unwrap() {
		var f *FieldError
		if errors.As(e, &f) {
			at := f.Field
			for lines[at] == 0 && strings.Contains(at, ".") {
				at = at[:strings.LastIndexByte(at, '.')]
			}
			e = &FieldError{Field: f.Field, Line: lines[at], Text: f.Text}
		}
		out = append(out, e)
	}
	return errors.Join(out...)
}
