package onnx

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxDepth bounds graphs inside attributes of graphs; real models nest two or three.
const maxDepth = 16

// Parse reads an ONNX file. The model keeps parts of data (weights are not copied): data must not be
// changed while the model is used. The error wraps ErrMalformed.
func Parse(data []byte) (*Model, error) {
	m := &Model{}
	var graph []byte
	unknown, err := walk(data, func(f field) (bool, error) {
		switch f.number {
		case 1:
			return f.integer(&m.IRVersion)
		case 2:
			return f.text(&m.Producer)
		case 7:
			return f.merge(&graph)
		case 8:
			return m.addOpset(f)
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	m.unknown = unknown
	if graph == nil {
		return nil, fmt.Errorf("%w: no graph (is this an ONNX file?)", ErrMalformed)
	}
	if m.Graph, err = parseGraph(graph, 0); err != nil {
		return nil, err
	}
	return m, nil
}

// addOpset reads an OperatorSetIdProto.
func (m *Model) addOpset(f field) (bool, error) {
	var o Opset
	unknown, err := walk(f.bytes, func(f field) (bool, error) {
		switch f.number {
		case 1:
			return f.text(&o.Domain)
		case 2:
			return f.integer(&o.Version)
		}
		return false, nil
	})
	if err != nil {
		return true, err
	}
	o.unknown = unknown
	m.Opsets = append(m.Opsets, o)
	return true, f.want(protowire.BytesType)
}

// parseGraph reads a GraphProto.
func parseGraph(data []byte, depth int) (*Graph, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: graphs nested deeper than %d", ErrMalformed, maxDepth)
	}
	g := &Graph{}
	unknown, err := walk(data, func(f field) (bool, error) {
		switch f.number {
		case 1:
			return add(f, &g.Nodes, func(b []byte) (*Node, error) { return parseNode(b, depth) })
		case 2:
			return f.text(&g.Name)
		case 5:
			return add(f, &g.Initializers, parseTensor)
		case 11:
			return add(f, &g.Inputs, parseValueInfo)
		case 12:
			return add(f, &g.Outputs, parseValueInfo)
		case 13:
			return add(f, &g.Values, parseValueInfo)
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	g.unknown = unknown
	return g, nil
}

// add parses a message field and appends it to a list.
func add[T any](f field, to *[]*T, parse func([]byte) (*T, error)) (bool, error) {
	if err := f.want(protowire.BytesType); err != nil {
		return true, err
	}
	v, err := parse(f.bytes)
	if err != nil {
		return true, err
	}
	*to = append(*to, v)
	return true, nil
}

// parseNode reads a NodeProto.
func parseNode(data []byte, depth int) (*Node, error) {
	n := &Node{}
	unknown, err := walk(data, func(f field) (bool, error) {
		switch f.number {
		case 1:
			return addText(f, &n.Inputs)
		case 2:
			return addText(f, &n.Outputs)
		case 3:
			return f.text(&n.Name)
		case 4:
			return f.text(&n.Op)
		case 5:
			return add(f, &n.Attributes, func(b []byte) (*Attribute, error) { return parseAttribute(b, depth) })
		case 7:
			return f.text(&n.Domain)
		}
		return false, nil
	})
	n.unknown = unknown
	return n, err
}

// addText appends a string field to a list.
func addText(f field, to *[]string) (bool, error) {
	*to = append(*to, string(f.bytes))
	return true, f.want(protowire.BytesType)
}

// parseAttribute reads an AttributeProto.
func parseAttribute(data []byte, depth int) (*Attribute, error) {
	a := &Attribute{}
	var tensor, graph []byte
	unknown, err := walk(data, func(f field) (bool, error) {
		switch f.number {
		case 1:
			return f.text(&a.Name)
		case 2:
			a.Float = math.Float32frombits(uint32(f.value))
			return true, f.want(protowire.Fixed32Type)
		case 3:
			return f.integer(&a.Int)
		case 4:
			a.String = f.bytes
			return true, f.want(protowire.BytesType)
		case 5:
			return f.merge(&tensor)
		case 6:
			return f.merge(&graph)
		case 7:
			return f.floats(&a.Floats)
		case 8:
			return integers(f, &a.Ints)
		case 9:
			a.Strings = append(a.Strings, f.bytes)
			return true, f.want(protowire.BytesType)
		case 20:
			a.Type = AttributeType(f.value)
			return true, f.want(protowire.VarintType)
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	a.unknown = unknown
	if tensor != nil {
		if a.Tensor, err = parseTensor(tensor); err != nil {
			return nil, err
		}
	}
	if graph != nil {
		a.Graph, err = parseGraph(graph, depth+1)
	}
	return a, err
}

// parseTensor reads a TensorProto.
func parseTensor(data []byte) (*Tensor, error) {
	t := &Tensor{}
	unknown, err := walk(data, func(f field) (bool, error) {
		switch f.number {
		case 1:
			return integers(f, &t.Dims)
		case 2:
			t.Type = DataType(f.value)
			return true, f.want(protowire.VarintType)
		case 4:
			return f.floats(&t.Floats)
		case 5:
			return integers(f, &t.Int32s)
		case 7:
			return integers(f, &t.Int64s)
		case 8:
			return f.text(&t.Name)
		case 9:
			t.Raw = f.bytes
			return true, f.want(protowire.BytesType)
		case 14:
			t.External = f.value == 1
			return false, f.want(protowire.VarintType)
		}
		return false, nil
	})
	t.unknown = unknown
	return t, err
}

// parseValueInfo reads a ValueInfoProto. A type that is no tensor stays among the unknown fields.
func parseValueInfo(data []byte) (*ValueInfo, error) {
	v := &ValueInfo{}
	var typ []byte
	unknown, err := walk(data, func(f field) (bool, error) {
		switch f.number {
		case 1:
			return f.text(&v.Name)
		case 2:
			return f.merge(&typ)
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	v.unknown = unknown
	if typ == nil {
		return v, nil
	}
	if v.Type, err = parseType(typ); err != nil {
		return nil, err
	}
	if v.Type == nil {
		v.unknown = protowire.AppendTag(v.unknown, 2, protowire.BytesType)
		v.unknown = protowire.AppendBytes(v.unknown, typ)
	}
	return v, nil
}

// parseType reads a TypeProto; nil means that it is no tensor, or one with more than a tensor type.
func parseType(data []byte) (*TensorType, error) {
	var tensor []byte
	rest, err := walk(data, func(f field) (bool, error) {
		if f.number == 1 {
			return f.merge(&tensor)
		}
		return false, nil
	})
	if err != nil || tensor == nil || rest != nil {
		return nil, err
	}
	t := &TensorType{}
	var shape []byte
	t.unknown, err = walk(tensor, func(f field) (bool, error) {
		switch f.number {
		case 1:
			t.Elem = DataType(f.value)
			return true, f.want(protowire.VarintType)
		case 2:
			return f.merge(&shape)
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	if shape != nil {
		t.Dims = []Dim{}
		t.shapeUnknown, err = walk(shape, t.addDim)
	}
	return t, err
}

// addDim reads a dimension of a TensorShapeProto.
func (t *TensorType) addDim(f field) (bool, error) {
	if f.number != 1 {
		return false, nil
	}
	var d Dim
	unknown, err := walk(f.bytes, func(f field) (bool, error) {
		switch f.number {
		case 1:
			d.Fixed, d.Name = true, ""
			return f.integer(&d.Size)
		case 2:
			d.Fixed, d.Size = false, 0
			return f.text(&d.Name)
		}
		return false, nil
	})
	if err != nil {
		return true, err
	}
	d.unknown = unknown
	t.Dims = append(t.Dims, d)
	return true, f.want(protowire.BytesType)
}
