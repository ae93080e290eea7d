package onnx

import "fmt"

// Model is a ModelProto: a graph and the operator sets it uses.
type Model struct {
	IRVersion int64
	Opsets    []Opset
	Producer  string // name of the tool that wrote it
	Graph     *Graph

	unknown []byte // other fields, as they came
}

// Opset is an OperatorSetIdProto. The empty domain is ONNX's own.
type Opset struct {
	Domain  string
	Version int64
	unknown []byte
}

// Graph is a GraphProto. Values are known by name: a name is defined once, by an input, an initializer
// or the output of a node, and nodes come after those whose values they use.
type Graph struct {
	Name         string
	Nodes        []*Node
	Initializers []*Tensor    // constants, such as weights
	Inputs       []*ValueInfo // with old files (IR version 3) the initializers are among them
	Outputs      []*ValueInfo
	Values       []*ValueInfo // types of inner values, as far as they are stated
	unknown      []byte
}

// Node is a NodeProto: one operator.
type Node struct {
	Name       string
	Op         string // operator type, such as "Conv"
	Domain     string // operator set, empty for ONNX's own
	Inputs     []string
	Outputs    []string // an empty name stands for an optional value that is left out
	Attributes []*Attribute
	unknown    []byte
}

// AttributeType says which field of an Attribute holds its value.
type AttributeType int32

// The attribute types with a field here; others are kept and written back.
const (
	AttributeFloat   AttributeType = 1
	AttributeInt     AttributeType = 2
	AttributeString  AttributeType = 3
	AttributeTensor  AttributeType = 4
	AttributeGraph   AttributeType = 5
	AttributeFloats  AttributeType = 6
	AttributeInts    AttributeType = 7
	AttributeStrings AttributeType = 8
)

// Attribute is an AttributeProto: a named constant of a node.
type Attribute struct {
	Name    string
	Type    AttributeType
	Float   float32
	Int     int64
	String  []byte
	Tensor  *Tensor
	Graph   *Graph // body of a loop or branch
	Floats  []float32
	Ints    []int64
	Strings [][]byte
	unknown []byte
}

// DataType is the element type of a tensor.
type DataType int32

// The element types used here, numbered as in the specification.
const (
	Undefined DataType = 0
	Float     DataType = 1
	Uint8     DataType = 2
	Int8      DataType = 3
	Int32     DataType = 6
	Int64     DataType = 7
	String    DataType = 8
	Bool      DataType = 9
	Float16   DataType = 10
	Double    DataType = 11
	BFloat16  DataType = 16
)

// String names the type as the specification does, in lower case.
func (t DataType) String() string {
	names := map[DataType]string{
		Undefined: "undefined", Float: "float", Uint8: "uint8", Int8: "int8", Int32: "int32", Int64: "int64",
		String: "string", Bool: "bool", Float16: "float16", Double: "double", BFloat16: "bfloat16",
	}
	if name, ok := names[t]; ok {
		return name
	}
	return fmt.Sprintf("type %d", int32(t))
}

// Tensor is a TensorProto: a constant array, row-major. Its values are in Raw, little-endian, or in the
// list of its type; Float32Values and Int64Values read either.
type Tensor struct {
	Name     string
	Type     DataType
	Dims     []int64 // empty for a scalar
	Raw      []byte
	Floats   []float32
	Int32s   []int32
	Int64s   []int64
	External bool   // the values lie in another file
	unknown  []byte // other fields, among them the lists of rarer types
}

// ValueInfo is a ValueInfoProto: the name and type of a value.
type ValueInfo struct {
	Name    string
	Type    *TensorType // nil when it is not stated or is no tensor
	unknown []byte      // other fields, among them a type that is no tensor
}

// TensorType is the element type and shape of a value.
type TensorType struct {
	Elem DataType
	// Dims are the axes; nil when the shape is not stated, empty for a scalar.
	Dims []Dim

	unknown, shapeUnknown []byte
}

// Dim is an axis: a number, or a name for a length that is known only when the graph runs. Neither
// means an unknown length without a name.
type Dim struct {
	Size    int64 // the length, where Fixed says that it is stated
	Fixed   bool
	Name    string
	unknown []byte
}

// Axis returns a fixed axis.
func Axis(n int64) Dim { return Dim{Size: n, Fixed: true} }

// Symbol returns a named axis of unknown length.
func Symbol(name string) Dim { return Dim{Name: name} }
