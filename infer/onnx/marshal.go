package onnx

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// writer appends protobuf fields to a buffer. Fields with their default value are left out, but for the
// entries of lists and the value of an attribute. As in the specification's proto2 form, lists of tensor
// values are packed and other lists of numbers are not.
type writer struct{ buf []byte }

// Marshal writes the model as an ONNX file.
func (m *Model) Marshal() []byte {
	w := &writer{}
	w.integer(1, m.IRVersion)
	w.text(2, m.Producer)
	if m.Graph != nil {
		w.message(7, func() { w.graph(m.Graph) })
	}
	for _, o := range m.Opsets {
		w.message(8, func() {
			w.text(1, o.Domain)
			w.integer(2, o.Version)
			w.raw(o.unknown)
		})
	}
	w.raw(m.unknown)
	return w.buf
}

// raw appends fields as they are.
func (w *writer) raw(b []byte) { w.buf = append(w.buf, b...) }

// integer appends a varint field.
func (w *writer) integer(number protowire.Number, v int64) {
	if v != 0 {
		w.varint(number, v)
	}
}

// varint appends a varint field, also when it is 0.
func (w *writer) varint(number protowire.Number, v int64) {
	w.buf = protowire.AppendTag(w.buf, number, protowire.VarintType)
	w.buf = protowire.AppendVarint(w.buf, uint64(v))
}

// varints appends a list that is not packed.
func (w *writer) varints(number protowire.Number, values []int64) {
	for _, v := range values {
		w.varint(number, v)
	}
}

// float appends a float field, also when it is 0.
func (w *writer) float(number protowire.Number, v float32) {
	w.buf = protowire.AppendTag(w.buf, number, protowire.Fixed32Type)
	w.buf = protowire.AppendFixed32(w.buf, math.Float32bits(v))
}

// bytes appends a length-delimited field, also an empty one.
func (w *writer) bytes(number protowire.Number, b []byte) {
	w.buf = protowire.AppendTag(w.buf, number, protowire.BytesType)
	w.buf = protowire.AppendBytes(w.buf, b)
}

// text appends a string field.
func (w *writer) text(number protowire.Number, s string) {
	if s != "" {
		w.entry(number, s)
	}
}

// entry appends a string of a list, also an empty one.
func (w *writer) entry(number protowire.Number, s string) {
	w.buf = protowire.AppendTag(w.buf, number, protowire.BytesType)
	w.buf = protowire.AppendString(w.buf, s)
}

// message appends a message field. Its content is written in place behind room for the longest length
// and then moved up, so that weights are not copied into a buffer a level.
func (w *writer) message(number protowire.Number, content func()) {
	w.buf = protowire.AppendTag(w.buf, number, protowire.BytesType)
	const room = 10
	start := len(w.buf)
	w.buf = append(w.buf, make([]byte, room)...)
	content()
	size := len(w.buf) - start - room
	head := len(protowire.AppendVarint(w.buf[:start], uint64(size)))
	copy(w.buf[head:], w.buf[start+room:])
	w.buf = w.buf[:head+size]
}

// packedFloats appends a packed list.
func (w *writer) packedFloats(number protowire.Number, values []float32) {
	if len(values) == 0 {
		return
	}
	w.buf = protowire.AppendTag(w.buf, number, protowire.BytesType)
	w.buf = protowire.AppendVarint(w.buf, uint64(4*len(values)))
	for _, v := range values {
		w.buf = protowire.AppendFixed32(w.buf, math.Float32bits(v))
	}
}

// packedIntegers appends a packed list.
func packedIntegers[T int32 | int64](w *writer, number protowire.Number, values []T) {
	if len(values) == 0 {
		return
	}
	w.message(number, func() {
		for _, v := range values {
			w.buf = protowire.AppendVarint(w.buf, uint64(v))
		}
	})
}

// graph appends the fields of a GraphProto.
func (w *writer) graph(g *Graph) {
	for _, n := range g.Nodes {
		w.message(1, func() { w.node(n) })
	}
	w.text(2, g.Name)
	for _, t := range g.Initializers {
		w.message(5, func() { w.tensor(t) })
	}
	for i, list := range [][]*ValueInfo{g.Inputs, g.Outputs, g.Values} {
		for _, v := range list {
			w.message(protowire.Number(11+i), func() { w.valueInfo(v) })
		}
	}
	w.raw(g.unknown)
}

// node appends the fields of a NodeProto.
func (w *writer) node(n *Node) {
	for _, name := range n.Inputs {
		w.entry(1, name)
	}
	for _, name := range n.Outputs {
		w.entry(2, name)
	}
	w.text(3, n.Name)
	w.text(4, n.Op)
	for _, a := range n.Attributes {
		w.message(5, func() { w.attribute(a) })
	}
	w.text(7, n.Domain)
	w.raw(n.unknown)
}

// attribute appends the fields of an AttributeProto.
func (w *writer) attribute(a *Attribute) {
	w.text(1, a.Name)
	if a.Type == AttributeFloat || math.Float32bits(a.Float) != 0 {
		w.float(2, a.Float)
	}
	if a.Type == AttributeInt || a.Int != 0 {
		w.varint(3, a.Int)
	}
	if a.Type == AttributeString || len(a.String) > 0 {
		w.bytes(4, a.String)
	}
	if a.Tensor != nil {
		w.message(5, func() { w.tensor(a.Tensor) })
	}
	if a.Graph != nil {
		w.message(6, func() { w.graph(a.Graph) })
	}
	for _, v := range a.Floats {
		w.float(7, v)
	}
	w.varints(8, a.Ints)
	for _, s := range a.Strings {
		w.bytes(9, s)
	}
	w.integer(20, int64(a.Type))
	w.raw(a.unknown)
}

// tensor appends the fields of a TensorProto.
func (w *writer) tensor(t *Tensor) {
	w.varints(1, t.Dims)
	w.integer(2, int64(t.Type))
	w.packedFloats(4, t.Floats)
	packedIntegers(w, 5, t.Int32s)
	packedIntegers(w, 7, t.Int64s)
	w.text(8, t.Name)
	if len(t.Raw) > 0 {
		w.bytes(9, t.Raw)
	}
	w.raw(t.unknown)
}

// valueInfo appends the fields of a ValueInfoProto.
func (w *writer) valueInfo(v *ValueInfo) {
	w.text(1, v.Name)
	if v.Type != nil {
		w.message(2, func() {
			w.message(1, func() { w.tensorType(v.Type) })
		})
	}
	w.raw(v.unknown)
}

// tensorType appends the fields of a TypeProto.Tensor.
func (w *writer) tensorType(t *TensorType) {
	w.integer(1, int64(t.Elem))
	if t.Dims != nil {
		w.message(2, func() {
			for _, d := range t.Dims {
				w.message(1, func() { w.dim(d) })
			}
			w.raw(t.shapeUnknown)
		})
	}
	w.raw(t.unknown)
}

// dim appends the fields of a TensorShapeProto.Dimension. Its value is one of two, so it is written even
// when it is the default.
func (w *writer) dim(d Dim) {
	if d.Fixed {
		w.varint(1, d.Size)
	} else {
		w.text(2, d.Name)
	}
	w.raw(d.unknown)
}
