package onnx

import "fmt"

// castTo makes the node that converts a value to another element type.
func castTo(from, to string, elem DataType) *Node {
	return &Node{Name: "cast_" + to, Op: "Cast", Inputs: []string{from}, Outputs: []string{to},
		Attributes: []*Attribute{IntAttribute("to", int64(elem))}}
}

// FloatIO makes every input and output that holds half, bfloat16 or double numbers a float one, with a
// conversion to and from the graph's own type inside. Other types stay as they are.
func (g *Graph) FloatIO() {
	for _, v := range g.RealInputs() {
		if v.otherFloat() {
			inner := g.unused(v.Name + "_native")
			g.rename(v.Name, inner)
			g.Nodes = append([]*Node{castTo(v.Name, inner, v.Type.Elem)}, g.Nodes...)
			v.Type.Elem = Float
		}
	}
	for _, v := range g.Outputs {
		if v.otherFloat() {
			g.floatOutput(v)
		}
	}
}

// ExposeFloat is Expose for a value of any numeric type: the output is float, and its name stays.
func (g *Graph) ExposeFloat(name string) error {
	if err := g.Expose(name); err != nil {
		return err
	}
	for _, v := range g.Outputs {
		if v.Name == name && (v.Type == nil || v.otherFloat()) {
			g.floatOutput(v)
		}
	}
	return nil
}

// floatOutput converts an output to float at the end of the graph.
func (g *Graph) floatOutput(v *ValueInfo) {
	inner := g.unused(v.Name + "_native")
	g.rename(v.Name, inner)
	g.Nodes = append(g.Nodes, castTo(inner, v.Name, Float))
	if v.Type == nil {
		v.Type = &TensorType{}
	}
	v.Type.Elem = Float
}

// otherFloat reports whether a value holds floating-point numbers that are not float.
func (v *ValueInfo) otherFloat() bool {
	return v.Type != nil && (v.Type.Elem == Float16 || v.Type.Elem == BFloat16 || v.Type.Elem == Double)
}

// unused returns name, or name with a number, that no value has.
func (g *Graph) unused(name string) string {
	taken := map[string]bool{}
	for _, v := range g.ValueNames() {
		taken[v] = true
	}
	for i, candidate := 2, name; ; i++ {
		if !taken[candidate] {
			return candidate
		}
		candidate = fmt.Sprintf("%s_%d", name, i)
	}
}

// rename replaces a name wherever nodes make or use it, also in graphs inside of nodes, which see the
// values around them.
func (g *Graph) rename(from, to string) {
	replace := func(names []string) {
		for i := range names {
			if names[i] == from {
				names[i] = to
			}
		}
	}
	for _, n := range g.Nodes {
		replace(n.Inputs)
		replace(n.Outputs)
		for _, a := range n.Attributes {
			if a.Graph != nil {
				a.Graph.rename(from, to)
				for _, out := range a.Graph.Outputs {
					if out.Name == from {
						out.Name = to
					}
				}
			}
		}
	}
}
