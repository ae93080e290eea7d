package ort

import (
	"errors"
	"fmt"

	binding "github.com/yalue/onnxruntime_go"
)

// Tensor is a named array over memory of the caller: exactly one of Float32 and Int64 is set, and its
// length is exactly the product of Shape, row-major. A scalar has shape [1].
type Tensor struct {
	Name    string // used by Bind; Run goes by order
	Shape   []int64
	Float32 []float32
	Int64   []int64
}

// check refuses what the binding would accept in silence: a slice longer than its shape (its head would
// be used, pairing values with the wrong rows), an empty shape, a missing slice.
func (t Tensor) check() error {
	if (t.Float32 == nil) == (t.Int64 == nil) {
		return fmt.Errorf("ort: tensor %q: set exactly one of Float32 and Int64", t.Name)
	}
	if len(t.Shape) == 0 {
		return fmt.Errorf("ort: tensor %q: empty shape; a scalar has shape [1]", t.Name)
	}
	product := int64(1)
	for _, n := range t.Shape {
		if n <= 0 || product > (1<<40)/n {
			return fmt.Errorf("ort: tensor %q: shape %v", t.Name, t.Shape)
		}
		product *= n
	}
	if have := int64(len(t.Float32) + len(t.Int64)); have != product {
		return fmt.Errorf("ort: tensor %q: %d values for shape %v, which holds %d", t.Name, have, t.Shape, product)
	}
	return nil
}

// newValue wraps the caller's memory without copying it.
func (t Tensor) newValue() (binding.Value, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	var value binding.Value
	var err error
	if t.Float32 != nil {
		value, err = binding.NewTensor(binding.NewShape(t.Shape...), t.Float32)
	} else {
		value, err = binding.NewTensor(binding.NewShape(t.Shape...), t.Int64)
	}
	if err != nil {
		return nil, fmt.Errorf("ort: tensor %q: %w", t.Name, err)
	}
	return value, nil
}

// newValues wraps all tensors; on error it returns those made so far for the caller to destroy.
func newValues(tensors []Tensor) ([]binding.Value, error) {
	values := make([]binding.Value, 0, len(tensors))
	for _, t := range tensors {
		value, err := t.newValue()
		if err != nil {
			return values, err
		}
		values = append(values, value)
	}
	return values, nil
}

// destroyValues frees the values that are not nil.
func destroyValues(values []binding.Value) error {
	var errs []error
	for _, value := range values {
		if value != nil {
			errs = append(errs, value.Destroy())
		}
	}
	return errors.Join(errs...)
}

// copyTensor copies an output that the library allocated.
func copyTensor(name string, value binding.Value) (Tensor, error) {
	t := Tensor{Name: name, Shape: value.GetShape()}
	switch v := value.(type) {
	case *binding.Tensor[float32]:
		t.Float32 = append([]float32{}, v.GetData()...)
	case *binding.Tensor[int64]:
		t.Int64 = append([]int64{}, v.GetData()...)
	default:
		return Tensor{}, fmt.Errorf("ort: output %q is a %T; only float32 and int64 tensors are read", name, value)
	}
	return t, nil
}
