package onnx

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrMalformed is in the chain of every error of Parse.
var ErrMalformed = errors.New("onnx: malformed model")

// field is one field of a protobuf message.
type field struct {
	number protowire.Number
	typ    protowire.Type
	bytes  []byte // content of a length-delimited field, aliasing the input
	value  uint64 // value of a varint or fixed-size field
	whole  []byte // the field with its tag, aliasing the input
}

// walk calls visit for each field of a message, in order. Fields that visit does not take are returned
// as they came.
func walk(message []byte, visit func(f field) (taken bool, err error)) (unknown []byte, err error) {
	for len(message) > 0 {
		f, n, err := next(message)
		if err != nil {
			return nil, err
		}
		taken, err := visit(f)
		if err != nil {
			return nil, err
		}
		if !taken {
			unknown = append(unknown, f.whole...)
		}
		message = message[n:]
	}
	return unknown, nil
}

// next reads the field at the start of b and returns its length in bytes.
func next(b []byte) (f field, n int, err error) {
	number, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return field{}, 0, malformed(protowire.ParseError(n))
	}
	f.number, f.typ = number, typ
	m := 0
	switch typ {
	case protowire.VarintType:
		f.value, m = protowire.ConsumeVarint(b[n:])
	case protowire.Fixed32Type:
		var v uint32
		v, m = protowire.ConsumeFixed32(b[n:])
		f.value = uint64(v)
	case protowire.Fixed64Type:
		f.value, m = protowire.ConsumeFixed64(b[n:])
	case protowire.BytesType:
		f.bytes, m = protowire.ConsumeBytes(b[n:])
	default:
		m = protowire.ConsumeFieldValue(number, typ, b[n:])
	}
	if m < 0 {
		return field{}, 0, malformed(protowire.ParseError(m))
	}
	f.whole = b[:n+m]
	return f, n + m, nil
}

// malformed puts a cause under ErrMalformed.
func malformed(cause error) error { return fmt.Errorf("%w: %w", ErrMalformed, cause) }

// want refuses a field whose wire type is not the one its number asks for.
func (f field) want(typ protowire.Type) error {
	if f.typ != typ {
		return fmt.Errorf("%w: field %d has wire type %d, want %d", ErrMalformed, f.number, f.typ, typ)
	}
	return nil
}

// text stores a string field.
func (f field) text(to *string) (bool, error) {
	*to = string(f.bytes)
	return true, f.want(protowire.BytesType)
}

// integer stores a varint field.
func (f field) integer(to *int64) (bool, error) {
	*to = int64(f.value)
	return true, f.want(protowire.VarintType)
}

// merge adds the content of a message field to what came before: a message that is given in pieces is
// the one its pieces make when put behind one another.
func (f field) merge(to *[]byte) (bool, error) {
	if *to == nil {
		*to = f.bytes[:len(f.bytes):len(f.bytes)]
	} else {
		*to = append(*to, f.bytes...)
	}
	return true, f.want(protowire.BytesType)
}

// integers appends a varint field, packed or not, to a list.
func integers[T int32 | int64](f field, to *[]T) (bool, error) {
	if f.typ == protowire.VarintType {
		*to = append(*to, T(f.value))
		return true, nil
	}
	for b := f.bytes; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return true, malformed(protowire.ParseError(n))
		}
		*to = append(*to, T(v))
		b = b[n:]
	}
	return true, f.want(protowire.BytesType)
}

// floats appends a float field, packed or not, to a list.
func (f field) floats(to *[]float32) (bool, error) {
	if f.typ == protowire.Fixed32Type {
		*to = append(*to, math.Float32frombits(uint32(f.value)))
		return true, nil
	}
	if len(f.bytes)%4 != 0 {
		return true, fmt.Errorf("%w: field %d: %d bytes of packed floats", ErrMalformed, f.number, len(f.bytes))
	}
	for b := f.bytes; len(b) > 0; b = b[4:] {
		v, _ := protowire.ConsumeFixed32(b)
		*to = append(*to, math.Float32frombits(v))
	}
	return true, f.want(protowire.BytesType)
}
