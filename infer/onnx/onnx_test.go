package onnx

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

// bytesField writes a length-delimited field.
func bytesField(number protowire.Number, content ...[]byte) []byte {
	b := protowire.AppendTag(nil, number, protowire.BytesType)
	return protowire.AppendBytes(b, bytes.Join(content, nil))
}

// varintField writes a varint field.
func varintField(number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), v)
}

// strange is a field that no message knows, with every wire type inside a group.
func strange() []byte {
	b := protowire.AppendTag(nil, 99, protowire.StartGroupType)
	b = append(b, varintField(1, 7)...)
	b = protowire.AppendFixed64(protowire.AppendTag(b, 2, protowire.Fixed64Type), 8)
	return protowire.AppendTag(b, 99, protowire.EndGroupType)
}

// strangeModel has an unknown field in every message.
func strangeModel() []byte {
	x := strange()
	dim := bytesField(1, varintField(1, 3), x)
	named := bytesField(1, bytesField(2, []byte("N")), x)
	shape := bytesField(2, named, dim, x)
	tensorType := bytesField(1, varintField(1, 1), shape, x)
	info := func(name string) []byte {
		return slices.Concat(bytesField(1, []byte(name)), bytesField(2, tensorType), x)
	}
	// A sequence of tensors is a type this package does not model.
	sequence := slices.Concat(bytesField(1, []byte("list")), bytesField(2, bytesField(4, bytesField(1, tensorType))))
	tensor := slices.Concat(varintField(1, 2), varintField(2, 11), bytesField(8, []byte("w")), bytesField(10, make([]byte, 16)), x)
	attribute := slices.Concat(bytesField(1, []byte("a")), varintField(3, 5), varintField(20, 2), x)
	node := slices.Concat(bytesField(1, []byte("x")), bytesField(1), bytesField(2, []byte("y")), bytesField(4, []byte("Relu")),
		bytesField(5, attribute), x)
	graph := slices.Concat(bytesField(1, node), bytesField(2, []byte("g")), bytesField(5, tensor), bytesField(11, info("x")),
		bytesField(11, sequence), bytesField(12, info("y")), bytesField(13, info("z")), x)
	return slices.Concat(varintField(1, 8), bytesField(2, []byte("test")), bytesField(7, graph),
		bytesField(8, varintField(2, 17), x), x)
}

func TestMarshalKeepsEveryField(t *testing.T) {
	data := strangeModel()
	m, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	out := m.Marshal()
	if got, want := bytes.Count(out, strange()), bytes.Count(data, strange()); got != want || want < 10 {
		t.Errorf("%d of %d unknown fields came back", got, want)
	}
	// The second field of a type this package models is packed on writing; all else keeps its bytes.
	again, err := Parse(out)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m, again) {
		t.Errorf("parsed, written and parsed again:\n%+v\n%+v", m.Graph, again.Graph)
	}
	if m.Graph.Inputs[1].Type != nil || !bytes.Contains(out, bytesField(4)[:1]) {
		t.Error("the sequence type was taken for a tensor")
	}
}

func TestParseReadsFields(t *testing.T) {
	m, err := Parse(strangeModel())
	if err != nil {
		t.Fatal(err)
	}
	g := m.Graph
	if m.IRVersion != 8 || m.Producer != "test" || len(m.Opsets) != 1 || m.Opsets[0].Version != 17 || g.Name != "g" {
		t.Errorf("model %+v", m)
	}
	if n := g.Nodes[0]; n.Op != "Relu" || !slices.Equal(n.Inputs, []string{"x", ""}) || n.Attributes[0].Int != 5 {
		t.Errorf("node %+v", n)
	}
	dims := g.Inputs[0].Type.Dims
	if len(dims) != 2 || dims[0].Name != "N" || dims[0].Fixed || !dims[1].Fixed || dims[1].Size != 3 {
		t.Errorf("dims %+v", dims)
	}
	if w := g.Initializers[0]; w.Type != Double || !slices.Equal(w.Dims, []int64{2}) {
		t.Errorf("tensor %+v", w)
	}
}

func TestGraphInPieces(t *testing.T) {
	m, err := Parse(slices.Concat(
		bytesField(7, bytesField(2, []byte("first")), bytesField(1, bytesField(4, []byte("Relu")))),
		bytesField(7, bytesField(1, bytesField(4, []byte("Tanh")))),
	))
	if err != nil {
		t.Fatal(err)
	}
	if g := m.Graph; g.Name != "first" || len(g.Nodes) != 2 || g.Nodes[1].Op != "Tanh" {
		t.Errorf("graph %+v", g)
	}
}

func TestParseRefuses(t *testing.T) {
	nested := bytesField(2, []byte("leaf"))
	for range maxDepth + 2 {
		nested = bytesField(1, bytesField(5, bytesField(6, nested)))
	}
	for name, data := range map[string][]byte{
		"nothing":          {},
		"no graph":         varintField(1, 8),
		"text":             []byte("<!DOCTYPE html><html>"),
		"cut":              strangeModel()[:100],
		"deep":             bytesField(7, nested),
		"wrong wire type":  varintField(7, 1),
		"packed floats":    bytesField(7, bytesField(5, bytesField(4, []byte{1, 2, 3}))),
		"packed integers":  bytesField(7, bytesField(5, bytesField(1, []byte{0x80}))),
		"overlong length":  append(protowire.AppendTag(nil, 7, protowire.BytesType), 0xff, 0xff, 0xff, 0xff, 0x7f),
		"end without open": protowire.AppendTag(nil, 3, protowire.EndGroupType),
	} {
		if _, err := Parse(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error %v, want ErrMalformed", name, err)
		}
	}
}

func TestRealModelsKeepTheirFields(t *testing.T) {
	dir := shareddata.Path(t, "data/onnx")
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.onnx"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d models, %v", len(paths), err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if len(m.Graph.Nodes) == 0 || len(m.Graph.RealInputs()) == 0 || len(m.Graph.Outputs) == 0 {
			t.Errorf("%s: %d nodes, %d inputs, %d outputs", path, len(m.Graph.Nodes), len(m.Graph.RealInputs()), len(m.Graph.Outputs))
		}
		out := m.Marshal()
		again, err := Parse(out)
		if err != nil {
			t.Errorf("%s: written: %v", path, err)
			continue
		}
		if !reflect.DeepEqual(m, again) {
			t.Errorf("%s: another model after writing", path)
		}
		if !slices.Equal(leaves(t, data, 0), leaves(t, out, 0)) {
			t.Errorf("%s: other contents after writing", path)
		}
	}
}

// leaves lists the length-delimited contents of a message that are no messages themselves, and the
// scalar fields, in sorted order: what a file holds, whatever the order of its fields.
func leaves(t *testing.T, message []byte, depth int) []string {
	t.Helper()
	var list []string
	_, err := walk(message, func(f field) (bool, error) {
		if inner, err := walk(f.bytes, func(field) (bool, error) { return true, nil }); f.typ == protowire.BytesType &&
			len(f.bytes) > 0 && err == nil && inner == nil && depth < 12 {
			list = append(list, leaves(t, f.bytes, depth+1)...)
		} else if len(f.bytes) > 0 || f.value != 0 { // empty and zero mean the same as absent
			list = append(list, string(f.bytes)+string(protowire.AppendVarint(nil, f.value)))
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

func TestExpose(t *testing.T) {
	b := NewBuilder("g")
	x := b.Input("x", Float, Symbol("N"), Axis(2))
	inner := b.Named("inner", "Relu", []string{x})
	b.Output(b.Named("y", "Tanh", []string{inner}), Float, Symbol("N"), Axis(2))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	g := m.Graph
	g.Values = []*ValueInfo{{Name: "inner", Type: tensorType(Float, []Dim{Symbol("N"), Axis(2)})}}
	if err := errors.Join(g.Expose("inner"), g.Expose("inner"), g.Expose("y")); err != nil {
		t.Fatal(err)
	}
	if len(g.Outputs) != 2 || g.Outputs[1].Name != "inner" || g.Outputs[1].Type == nil || len(g.Values) != 0 {
		t.Errorf("outputs %+v, values %+v", g.Outputs, g.Values)
	}
	for _, name := range []string{"", "x", "absent"} {
		if err := g.Expose(name); err == nil || !strings.Contains(err.Error(), "inner") {
			t.Errorf("expose %q: error %v, want one that lists what there is", name, err)
		}
	}
	if got := g.ValueNames(); !slices.Equal(got, []string{"x", "inner", "y"}) {
		t.Errorf("values %v", got)
	}
	if g.Value("inner") == nil || g.Value("absent") != nil {
		t.Error("Value does not go by name")
	}
}

func TestRealInputsLeavesInitializersOut(t *testing.T) {
	g := &Graph{
		Inputs:       []*ValueInfo{{Name: "x"}, {Name: "w"}},
		Initializers: []*Tensor{{Name: "w"}},
	}
	if got := g.RealInputs(); len(got) != 1 || got[0].Name != "x" {
		t.Errorf("real inputs %+v", got)
	}
}

func TestBuilderCollectsMistakes(t *testing.T) {
	b := NewBuilder("g")
	b.Input("x", Float)
	b.Input("x", Float)
	b.Op("Relu", []string{"absent"})
	b.Named("y", "Add", []string{"x", "y"})
	b.Named("", "Relu", []string{"x"})
	b.Output("nothing", Float)
	_, err := b.Model()
	for _, want := range []string{`"x" is defined twice`, `"absent"`, `"y"`, "no name", `"nothing"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %s: %v", want, err)
		}
	}
	if _, err := NewBuilder("empty").Model(); err == nil {
		t.Error("a graph without outputs was built")
	}
}

func TestBuilderNamesDoNotCollide(t *testing.T) {
	b := NewBuilder("g")
	x := b.Input("Relu_1", Float, Axis(1)) // the name the builder would choose first
	y := b.Op("Relu", []string{x})
	two := b.Ops("Split", []string{y, ""}, 2, IntAttribute("axis", 0))
	b.Output(two[1], Float, Axis(1))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	names := m.Graph.ValueNames()
	slices.Sort(names)
	if unique := slices.Compact(slices.Clone(names)); len(unique) != 4 || len(names) != 4 {
		t.Errorf("values %v", names)
	}
}

func TestTensorValues(t *testing.T) {
	floats := []float32{1, -2.5, 3e-9, 0}
	if got, err := FloatTensor("f", []int64{2, 2}, floats).Float32Values(); err != nil || !slices.Equal(got, floats) {
		t.Errorf("floats %v, %v", got, err)
	}
	integers := []int64{-1, 1 << 60}
	if got, err := Int64Tensor("i", []int64{2}, integers).Int64Values(); err != nil || !slices.Equal(got, integers) {
		t.Errorf("integers %v, %v", got, err)
	}
	listed := &Tensor{Name: "l", Type: Float, Dims: []int64{2}, Floats: []float32{4, 5}}
	if got, err := listed.Float32Values(); err != nil || !slices.Equal(got, []float32{4, 5}) {
		t.Errorf("listed %v, %v", got, err)
	}
	scalar := &Tensor{Name: "s", Type: Int64, Int64s: []int64{7}}
	if got, err := scalar.Int64Values(); err != nil || !slices.Equal(got, []int64{7}) {
		t.Errorf("scalar %v, %v", got, err)
	}
	for name, bad := range map[string]*Tensor{
		"type":     {Type: Double, Dims: []int64{1}},
		"short":    {Type: Float, Dims: []int64{3}, Raw: make([]byte, 8)},
		"long":     {Type: Float, Dims: []int64{1}, Raw: make([]byte, 8)},
		"both":     {Type: Float, Dims: []int64{1}, Raw: make([]byte, 8), Floats: []float32{1}},
		"negative": {Type: Float, Dims: []int64{-1}},
		"overflow": {Type: Float, Dims: []int64{1 << 40, 1 << 40}},
		"external": {Type: Float, Dims: []int64{1}, External: true},
	} {
		if got, err := bad.Float32Values(); err == nil {
			t.Errorf("%s: accepted as %v", name, got)
		}
	}
}

func TestHasExternalData(t *testing.T) {
	inner := &Graph{Initializers: []*Tensor{{Name: "w", External: true}}}
	g := &Graph{Nodes: []*Node{{Op: "If", Attributes: []*Attribute{{Name: "then", Graph: inner}}}}}
	if !g.HasExternalData() || !inner.HasExternalData() || (&Graph{}).HasExternalData() {
		t.Error("external data was not found, or found where there is none")
	}
}

// FuzzParse checks that any bytes are read or refused, and that what is read survives writing.
func FuzzParse(f *testing.F) {
	f.Add(strangeModel())
	f.Add(strangeModel()[:60])
	b := NewBuilder("seed")
	x := b.Input("x", Float, Symbol("N"), Axis(3))
	w := b.Constant(FloatTensor("w", []int64{3}, []float32{1, 2, 3}))
	n := b.Op("Add", []string{x, w}, IntsAttribute("axes", 1, 2), FloatAttribute("f", 1), StringAttribute("s", "v"),
		TensorAttribute("t", Int64Tensor("", []int64{1}, []int64{-1})))
	b.Output(n, Float, Symbol("N"), Axis(3))
	m, err := b.Model()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Marshal())
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v is not ErrMalformed", err)
			}
			return
		}
		out := m.Marshal()
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("written: %v", err)
		}
		if !bytes.Equal(out, again.Marshal()) {
			t.Error("writing twice gives other bytes")
		}
		for _, tensor := range m.Graph.Initializers {
			_, _ = tensor.Float32Values()
			_, _ = tensor.Int64Values()
		}
		m.Graph.ValueNames()
		m.Graph.HasExternalData()
	})
}
