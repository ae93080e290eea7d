package bundle

import (
	"fmt"
	"strings"

	"github.com/galaxalign/galaxalign/infer/onnx"
)

// graphCheck compares a manifest with its graph and collects the differences.
type graphCheck struct {
	manifest *Manifest
	graph    *onnx.Graph
	errs     []error
}

// fault records a difference under a key of the manifest.
func (c *graphCheck) fault(key, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s: %s: %s", ManifestFile, key, fmt.Sprintf(format, args...)))
}

// input checks that a tensor is an input of the graph with these axes after the batch axis.
func (c *graphCheck) input(key, name string, axes []int) {
	c.tensor(key, name, axes, c.graph.RealInputs(), "input")
}

// output checks that a tensor is an output of the graph with these axes after the batch axis.
func (c *graphCheck) output(key, name string, axes []int) {
	c.tensor(key, name, axes, c.graph.Outputs, "output")
}

// tensor checks one tensor of a list of inputs or outputs.
func (c *graphCheck) tensor(key, name string, axes []int, list []*onnx.ValueInfo, kind string) {
	for _, v := range list {
		if v.Name != name {
			continue
		}
		if v.Type == nil {
			return // an exposed inner value: the golden run has shown its type
		}
		if v.Type.Elem != onnx.Float && v.Type.Elem != onnx.Undefined {
			c.fault(key+".tensor", "%q holds %v; only float tensors are served: export the model in float32", name, v.Type.Elem)
		}
		if v.Type.Dims != nil && !fits(v.Type.Dims, axes, c.manifest.BatchSize) {
			c.fault(key, "the graph's %s %q has shape %s, which is not [N] followed by %v (batch_size %d)",
				kind, name, shapeText(v.Type.Dims), axes, c.manifest.BatchSize)
		}
		return
	}
	c.fault(key+".tensor", "%q is no %s of the graph; it has %s", name, kind, names(list))
}

// otherInputs refuses inputs that nothing would fill.
func (c *graphCheck) otherInputs() {
	for _, v := range c.graph.RealInputs() {
		m := c.manifest
		if m.Image != nil && m.Image.Tensor == v.Name || m.Features != nil && m.Features.Tensor == v.Name {
			continue
		}
		c.fault("image and features", "the graph also needs input %q (%s), and the manifest gives it nothing",
			v.Name, typeText(v.Type))
	}
}

// fits reports whether dims can be the batch axis followed by axes.
func fits(dims []onnx.Dim, axes []int, batch int) bool {
	if len(dims) != len(axes)+1 {
		return false
	}
	if dims[0].Fixed && int(dims[0].Size) != batch {
		return false
	}
	for i, d := range dims[1:] {
		if d.Fixed && d.Size != int64(axes[i]) {
			return false
		}
	}
	return true
}

// names lists the names of values for a message.
func names(list []*onnx.ValueInfo) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = fmt.Sprintf("%q %s", v.Name, typeText(v.Type))
	}
	return strings.Join(texts, ", ")
}

// typeText renders a type for a message.
func typeText(t *onnx.TensorType) string {
	if t == nil {
		return "of no stated type"
	}
	return fmt.Sprintf("%v %s", t.Elem, shapeText(t.Dims))
}

// shapeText renders a shape such as [N,63,63,3].
func shapeText(dims []onnx.Dim) string {
	texts := make([]string, len(dims))
	for i, d := range dims {
		switch {
		case d.Fixed:
			texts[i] = fmt.Sprint(d.Size)
		case d.Name != "":
			texts[i] = d.Name
		default:
			texts[i] = "?"
		}
	}
	return "[" + strings.Join(texts, ",") + "]"
}
