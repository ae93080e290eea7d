package onnx

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// entry writes a StringStringEntryProto as external_data of a tensor.
func entry(key, value string) []byte {
	return bytesField(13, bytesField(1, []byte(key)), bytesField(2, []byte(value)))
}

// externalModel has a tensor whose values lie in another file, with the given description.
func externalModel(t *testing.T, description ...[]byte) *Model {
	t.Helper()
	tensor := bytesField(5, append([][]byte{varintField(1, 2), varintField(2, 1), bytesField(8, []byte("w")),
		varintField(14, 1), strange()}, description...)...)
	m, err := Parse(bytesField(7, tensor))
	if err != nil {
		t.Fatal(err)
	}
	if !m.Graph.HasExternalData() {
		t.Fatal("the values are not external")
	}
	return m
}

func TestInline(t *testing.T) {
	dir := t.TempDir()
	want := []float32{1.5, -2}
	data := append([]byte("head"), FloatTensor("", nil, want).Raw...)
	if err := os.WriteFile(filepath.Join(dir, "w.bin"), append(data, "tail"...), 0o600); err != nil {
		t.Fatal(err)
	}
	m := externalModel(t, entry("location", "w.bin"), entry("offset", "4"), entry("length", "8"), entry("checksum", "x"))
	if err := m.Inline(dir); err != nil {
		t.Fatal(err)
	}
	again, err := Parse(m.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	w := again.Graph.Initializers[0]
	if got, err := w.Float32Values(); err != nil || !slices.Equal(got, want) {
		t.Errorf("values %v, %v", got, err)
	}
	if again.Graph.HasExternalData() || !slices.Equal(w.unknown, strange()) {
		t.Errorf("fields left: %q", w.unknown)
	}
}

func TestInlineRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "w.bin"), make([]byte, 8), 0o600); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, make([]byte, 8), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, description := range map[string][][]byte{
		"no location": {},
		"absent":      {entry("location", "x.bin")},
		"above":       {entry("location", "../w.bin")},
		"absolute":    {entry("location", outside)},
		"link":        {entry("location", "link")},
		"too long":    {entry("location", "w.bin"), entry("length", "9")},
		"past end":    {entry("location", "w.bin"), entry("offset", "9")},
		"negative":    {entry("location", "w.bin"), entry("offset", "-1"), entry("length", "4")},
		"overflow":    {entry("location", "w.bin"), entry("offset", "8"), entry("length", "9223372036854775807")},
		"no number":   {entry("location", "w.bin"), entry("offset", "x")},
	} {
		err := externalModel(t, description...).Inline(dir)
		if err == nil || !strings.Contains(err.Error(), `"w"`) {
			t.Errorf("%s: error %v, want one that names the tensor", name, err)
		}
	}
}

func TestFloatIO(t *testing.T) {
	b := NewBuilder("half")
	x := b.Input("x", Float16, Symbol("N"))
	k := b.Input("k", Int64, Symbol("N"))
	taken := b.Named("x_native", "Relu", []string{x})
	b.Output(b.Named("y", "Add", []string{taken, x}), Double, Symbol("N"))
	b.Output(b.Named("kk", "Add", []string{k, k}), Int64, Symbol("N"))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	g := m.Graph
	branch := &Graph{Nodes: []*Node{{Op: "Neg", Inputs: []string{"x"}, Outputs: []string{"inner"}}}, Outputs: []*ValueInfo{{Name: "x"}}}
	g.Nodes[0].Attributes = []*Attribute{{Name: "body", Type: AttributeGraph, Graph: branch}}
	g.FloatIO()
	if g.Inputs[0].Type.Elem != Float || g.Outputs[0].Type.Elem != Float || g.Inputs[1].Type.Elem != Int64 || g.Outputs[1].Type.Elem != Int64 {
		t.Errorf("inputs %v %v, outputs %v %v", g.Inputs[0].Type, g.Inputs[1].Type, g.Outputs[0].Type, g.Outputs[1].Type)
	}
	first, last := g.Nodes[0], g.Nodes[len(g.Nodes)-1]
	inner := first.Outputs[0]
	if first.Op != "Cast" || first.Inputs[0] != "x" || first.Attributes[0].Int != int64(Float16) || inner == "x_native" {
		t.Errorf("first node %+v", first)
	}
	if last.Op != "Cast" || last.Outputs[0] != "y" || last.Attributes[0].Int != int64(Float) || last.Inputs[0] == "y" {
		t.Errorf("last node %+v", last)
	}
	if got := g.Nodes[1].Inputs[0]; got != inner || branch.Nodes[0].Inputs[0] != inner || branch.Outputs[0].Name != inner {
		t.Errorf("uses of x: %s, %s, %s, want %s", got, branch.Nodes[0].Inputs[0], branch.Outputs[0].Name, inner)
	}
	if err := g.ExposeFloat("x_native"); err != nil {
		t.Fatal(err)
	}
	if out := g.Outputs[2]; out.Name != "x_native" || out.Type.Elem != Float || out.Type.Dims != nil {
		t.Errorf("exposed %+v", out)
	}
}
