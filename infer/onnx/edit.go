package onnx

import (
	"fmt"
	"slices"
	"strings"
)

// RealInputs lists the inputs that a caller must give: those that no initializer has a value for.
func (g *Graph) RealInputs() []*ValueInfo {
	constant := map[string]bool{}
	for _, t := range g.Initializers {
		constant[t.Name] = true
	}
	var inputs []*ValueInfo
	for _, in := range g.Inputs {
		if !constant[in.Name] {
			inputs = append(inputs, in)
		}
	}
	return inputs
}

// ValueNames lists every value of the graph in the order in which they come to be: inputs, initializers,
// node outputs.
func (g *Graph) ValueNames() []string {
	var names []string
	seen := map[string]bool{"": true}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, in := range g.Inputs {
		add(in.Name)
	}
	for _, t := range g.Initializers {
		add(t.Name)
	}
	for _, n := range g.Nodes {
		for _, out := range n.Outputs {
			add(out)
		}
	}
	return names
}

// Value returns what is stated of the type of a value, or nil.
func (g *Graph) Value(name string) *ValueInfo {
	for _, list := range [][]*ValueInfo{g.Inputs, g.Outputs, g.Values} {
		for _, v := range list {
			if v.Name == name {
				return v
			}
		}
	}
	return nil
}

// Expose makes an inner value an output of the graph, the last one; a value that is one already is left
// as it is. Its type is what the graph states of it: the runtime derives what is missing.
func (g *Graph) Expose(name string) error {
	if slices.ContainsFunc(g.Outputs, func(v *ValueInfo) bool { return v.Name == name }) {
		return nil
	}
	made := func(n *Node) bool { return slices.Contains(n.Outputs, name) }
	if name == "" || !slices.ContainsFunc(g.Nodes, made) {
		return fmt.Errorf("onnx: no node makes a value %q; the graph makes %s", name, g.nodeOutputs())
	}
	out := &ValueInfo{Name: name}
	for i, v := range g.Values {
		if v.Name == name {
			out = v
			g.Values = slices.Delete(g.Values, i, i+1)
			break
		}
	}
	g.Outputs = append(g.Outputs, out)
	return nil
}

// nodeOutputs lists the last values that nodes make, for a message.
func (g *Graph) nodeOutputs() string {
	const most = 20
	var names []string
	for i := len(g.Nodes) - 1; i >= 0 && len(names) < most; i-- {
		names = append(names, g.Nodes[i].Outputs...)
	}
	if len(g.Nodes) > most {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}

// HasExternalData reports whether a tensor's values lie in another file.
func (g *Graph) HasExternalData() bool {
	if slices.ContainsFunc(g.Initializers, func(t *Tensor) bool { return t.External }) {
		return true
	}
	for _, n := range g.Nodes {
		for _, a := range n.Attributes {
			if a.Tensor != nil && a.Tensor.External || a.Graph != nil && a.Graph.HasExternalData() {
				return true
			}
		}
	}
	return false
}

// FreeBatch gives the first axis of every input and output the name, so that the graph takes any number
// of rows, and drops what is stated of inner values. A graph with the number of rows built into a
// constant does not run that way: try it.
func (g *Graph) FreeBatch(name string) {
	for _, list := range [][]*ValueInfo{g.RealInputs(), g.Outputs} {
		for _, v := range list {
			if v.Type != nil && len(v.Type.Dims) > 0 {
				v.Type.Dims[0] = Symbol(name)
			}
		}
	}
	g.Values = nil
}
