package ort

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	binding "github.com/yalue/onnxruntime_go"
)

// Binding ties the inputs and outputs of a session to fixed memory, so that a run allocates nothing.
// One Binding serves one run at a time; several Bindings of one session may run at once.
type Binding struct {
	session *Session
	inner   *binding.IoBinding
	values  []binding.Value

	// The library keeps the addresses of the caller's slices between runs, so they stay pinned from
	// Bind to Close.
	pinner runtime.Pinner

	mu     sync.Mutex
	closed bool
}

// Bind ties tensors to the session by name. Every input and output named in SessionConfig must be there
// once. The tensors' memory belongs to the binding until Close: fill inputs and read outputs only while
// no Run is under way. The caller closes the Binding before the Session.
func (s *Session) Bind(inputs, outputs []Tensor) (*Binding, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	inner, err := s.session.CreateIoBinding()
	if err != nil {
		return nil, fmt.Errorf("ort: bind: %w", err)
	}
	s.bindings.Add(1)
	b := &Binding{session: s, inner: inner}
	if err := errors.Join(b.bindAll(inputs, inner.BindInput), b.bindAll(outputs, inner.BindOutput)); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// bindAll wraps each tensor, pins its memory and binds it.
func (b *Binding) bindAll(tensors []Tensor, bind func(string, binding.Value) error) error {
	for _, t := range tensors {
		value, err := t.newValue()
		if err != nil {
			return err
		}
		b.values = append(b.values, value)
		b.pinner.Pin(t.first())
		if err := bind(t.Name, value); err != nil {
			return fmt.Errorf("ort: bind %q: %w", t.Name, err)
		}
	}
	return nil
}

// first returns the address of the first value of a checked tensor.
func (t Tensor) first() unsafe.Pointer {
	if t.Float32 != nil {
		return unsafe.Pointer(unsafe.SliceData(t.Float32))
	}
	return unsafe.Pointer(unsafe.SliceData(t.Int64))
}

// Run runs the graph on the bound memory. It allocates nothing.
func (b *Binding) Run() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	if err := b.session.session.RunWithBinding(b.inner); err != nil {
		return fmt.Errorf("ort: run: %w", err)
	}
	return nil
}

// Close frees the binding and lets go of the caller's memory.
func (b *Binding) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	b.closed = true
	err := errors.Join(b.inner.Destroy(), destroyValues(b.values))
	b.pinner.Unpin()
	b.session.bindings.Add(-1)
	return err
}
