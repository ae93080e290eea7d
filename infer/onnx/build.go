package onnx

import (
	"errors"
	"fmt"
)

// The versions a Builder writes: opset 17 is the first with LayerNormalization and was current in 2022,
// so every runtime of today reads it.
const (
	BuilderOpset     = 17
	BuilderIRVersion = 8
)

// Builder builds a graph node by node. Methods return the names of the values they make, so that calls
// nest; mistakes are collected and reported by Model.
type Builder struct {
	graph   Graph
	defined map[string]bool
	counts  map[string]int
	errs    []error
}

// NewBuilder starts a graph.
func NewBuilder(name string) *Builder {
	return &Builder{graph: Graph{Name: name}, defined: map[string]bool{}, counts: map[string]int{}}
}

// define claims a name.
func (b *Builder) define(name string) {
	switch {
	case name == "":
		b.errs = append(b.errs, errors.New("a value has no name"))
	case b.defined[name]:
		b.errs = append(b.errs, fmt.Errorf("value %q is defined twice", name))
	}
	b.defined[name] = true
}

// Fresh returns a name that is not in use, such as "Conv_3".
func (b *Builder) Fresh(prefix string) string {
	for {
		b.counts[prefix]++
		if name := fmt.Sprintf("%s_%d", prefix, b.counts[prefix]); !b.defined[name] {
			return name
		}
	}
}

// Input declares an input.
func (b *Builder) Input(name string, elem DataType, dims ...Dim) string {
	b.define(name)
	b.graph.Inputs = append(b.graph.Inputs, &ValueInfo{Name: name, Type: tensorType(elem, dims)})
	return name
}

// tensorType makes a type whose shape is stated also when it has no axes.
func tensorType(elem DataType, dims []Dim) *TensorType {
	return &TensorType{Elem: elem, Dims: append([]Dim{}, dims...)}
}

// Constant adds a constant under its own name.
func (b *Builder) Constant(t *Tensor) string {
	b.define(t.Name)
	b.graph.Initializers = append(b.graph.Initializers, t)
	return t.Name
}

// Op adds an operator with one output and returns the output's name. Inputs must be defined; an empty
// name leaves an optional input out.
func (b *Builder) Op(op string, inputs []string, attributes ...*Attribute) string {
	return b.Ops(op, inputs, 1, attributes...)[0]
}

// Ops adds an operator with several outputs.
func (b *Builder) Ops(op string, inputs []string, outputs int, attributes ...*Attribute) []string {
	n := &Node{Op: op, Name: b.Fresh("node_" + op), Inputs: inputs, Attributes: attributes}
	b.defined[n.Name] = true
	for range outputs {
		name := b.Fresh(op)
		b.define(name)
		n.Outputs = append(n.Outputs, name)
	}
	b.addNode(n)
	return n.Outputs
}

// Named adds an operator with one output of the given name.
func (b *Builder) Named(output, op string, inputs []string, attributes ...*Attribute) string {
	n := &Node{Op: op, Name: b.Fresh("node_" + op), Inputs: inputs, Outputs: []string{output}, Attributes: attributes}
	b.defined[n.Name] = true
	b.define(output)
	b.addNode(n)
	return output
}

// addNode checks a node's inputs and appends it.
func (b *Builder) addNode(n *Node) {
	own := map[string]bool{}
	for _, out := range n.Outputs {
		own[out] = true
	}
	for _, in := range n.Inputs {
		if in != "" && (!b.defined[in] || own[in]) {
			b.errs = append(b.errs, fmt.Errorf("%s uses %q, which is not defined before it", n.Name, in))
		}
	}
	b.graph.Nodes = append(b.graph.Nodes, n)
}

// Output makes a value an output of the graph.
func (b *Builder) Output(name string, elem DataType, dims ...Dim) {
	if !b.defined[name] {
		b.errs = append(b.errs, fmt.Errorf("output %q is not defined", name))
	}
	b.graph.Outputs = append(b.graph.Outputs, &ValueInfo{Name: name, Type: tensorType(elem, dims)})
}

// Model returns the model, or every mistake that was made. The builder must not be used afterwards.
func (b *Builder) Model() (*Model, error) {
	if len(b.graph.Outputs) == 0 {
		b.errs = append(b.errs, errors.New("the graph has no output"))
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, fmt.Errorf("onnx: build %q: %w", b.graph.Name, err)
	}
	return &Model{
		IRVersion: BuilderIRVersion, Producer: "galaxalign",
		Opsets: []Opset{{Version: BuilderOpset}}, Graph: &b.graph,
	}, nil
}

// IntAttribute makes an attribute that is an integer.
func IntAttribute(name string, v int64) *Attribute {
	return &Attribute{Name: name, Type: AttributeInt, Int: v}
}

// IntsAttribute makes an attribute that is a list of integers.
func IntsAttribute(name string, v ...int64) *Attribute {
	return &Attribute{Name: name, Type: AttributeInts, Ints: v}
}

// FloatAttribute makes an attribute that is a number.
func FloatAttribute(name string, v float32) *Attribute {
	return &Attribute{Name: name, Type: AttributeFloat, Float: v}
}

// StringAttribute makes an attribute that is a text.
func StringAttribute(name, v string) *Attribute {
	return &Attribute{Name: name, Type: AttributeString, String: []byte(v)}
}

// TensorAttribute makes an attribute that is an array.
func TensorAttribute(name string, v *Tensor) *Attribute {
	return &Attribute{Name: name, Type: AttributeTensor, Tensor: v}
}
