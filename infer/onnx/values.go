package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Len is the number of values the dimensions hold, 1 for a scalar, or an error when they are negative or
// their product overflows.
func (t *Tensor) Len() (int, error) {
	n := int64(1)
	for _, d := range t.Dims {
		if d < 0 || d > 0 && n > math.MaxInt32*8/d {
			return 0, fmt.Errorf("onnx: tensor %q: dimensions %v", t.Name, t.Dims)
		}
		n *= d
	}
	return int(n), nil
}

// Float32Values returns the values of a float tensor. They may alias the file.
func (t *Tensor) Float32Values() ([]float32, error) {
	n, err := t.check(Float, 4, len(t.Floats))
	if err != nil || len(t.Raw) == 0 {
		return t.Floats, err
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Raw[4*i:]))
	}
	return values, nil
}

// Int64Values returns the values of an int64 tensor.
func (t *Tensor) Int64Values() ([]int64, error) {
	n, err := t.check(Int64, 8, len(t.Int64s))
	if err != nil || len(t.Raw) == 0 {
		return t.Int64s, err
	}
	values := make([]int64, n)
	for i := range values {
		values[i] = int64(binary.LittleEndian.Uint64(t.Raw[8*i:]))
	}
	return values, nil
}

// check compares the type and the number of values with what is stored.
func (t *Tensor) check(want DataType, width, listed int) (int, error) {
	if t.Type != want {
		return 0, fmt.Errorf("onnx: tensor %q holds %v, not %v", t.Name, t.Type, want)
	}
	if t.External {
		return 0, fmt.Errorf("onnx: tensor %q has its values in another file", t.Name)
	}
	n, err := t.Len()
	if err != nil {
		return 0, err
	}
	if len(t.Raw) != n*width && listed != n {
		return 0, fmt.Errorf("onnx: tensor %q: %d bytes and %d listed values for %d", t.Name, len(t.Raw), listed, n)
	}
	if len(t.Raw) != 0 && len(t.Raw) != n*width {
		return 0, fmt.Errorf("onnx: tensor %q: %d bytes for %d values", t.Name, len(t.Raw), n)
	}
	return n, nil
}

// FloatTensor makes a float tensor; its dimensions hold len(values) values.
func FloatTensor(name string, dims []int64, values []float32) *Tensor {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return &Tensor{Name: name, Type: Float, Dims: dims, Raw: raw}
}

// Int64Tensor makes an int64 tensor; its dimensions hold len(values) values.
func Int64Tensor(name string, dims []int64, values []int64) *Tensor {
	raw := make([]byte, 0, 8*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return &Tensor{Name: name, Type: Int64, Dims: dims, Raw: raw}
}
