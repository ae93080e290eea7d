package ort

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	binding "github.com/yalue/onnxruntime_go"
)

// SessionConfig says how a graph is prepared.
type SessionConfig struct {
	// Inputs and Outputs name the tensors of the graph that Run takes and returns, in that order.
	Inputs, Outputs []string
	// Device is "cpu" (also when empty) or "cuda:N" with N the index of the card.
	Device string
	// Threads is the number of threads one run may use inside an operator; 0 means 1. Parallelism comes
	// from several runs at once: with two threads and spinning, one run was slower than with one.
	Threads int
}

// Session is a graph ready to run. It is safe for concurrent use.
type Session struct {
	runtime *Runtime
	session *binding.DynamicAdvancedSession
	device  string
	outputs []string

	mu       sync.RWMutex
	closed   bool
	bindings atomic.Int64 // open ones
}

// NewSession prepares a graph given as ONNX bytes. The caller closes the Session before the Runtime.
func (r *Runtime) NewSession(model []byte, cfg SessionConfig) (*Session, error) {
	if len(cfg.Inputs) == 0 || len(cfg.Outputs) == 0 {
		return nil, errors.New("ort: a session needs at least one input and one output")
	}
	if err := r.addSession(); err != nil {
		return nil, err
	}
	s, err := newSession(model, cfg)
	if err != nil {
		r.dropSession()
		return nil, err
	}
	s.runtime = r
	return s, nil
}

// newSession builds the options and the session.
func newSession(model []byte, cfg SessionConfig) (s *Session, err error) {
	options, err := binding.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("ort: session options: %w", err)
	}
	defer func() { err = errors.Join(err, options.Destroy()) }()
	device, err := configure(options, cfg)
	if err != nil {
		return nil, err
	}
	inner, err := binding.NewDynamicAdvancedSessionWithONNXData(model, cfg.Inputs, cfg.Outputs, options)
	if err != nil {
		return nil, fmt.Errorf("ort: prepare the graph on %s: %w", device, err)
	}
	return &Session{session: inner, device: device, outputs: slices.Clone(cfg.Outputs)}, nil
}

// configure sets threads, spinning and the device, and returns the device's canonical name.
func configure(options *binding.SessionOptions, cfg SessionConfig) (string, error) {
	err := errors.Join(
		options.SetIntraOpNumThreads(max(1, cfg.Threads)),
		options.SetInterOpNumThreads(1),
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		options.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
	)
	if err != nil {
		return "", fmt.Errorf("ort: session options: %w", err)
	}
	index, isCUDA, err := parseDevice(cfg.Device)
	if err != nil {
		return "", err
	}
	if !isCUDA {
		return "cpu", nil
	}
	device := "cuda:" + strconv.Itoa(index)
	if err := useCUDA(options, index); err != nil {
		return "", fmt.Errorf("ort: device %s was asked for and cannot be used: %w (a library built for CUDA "+
			"of the same version is needed, named by %s; or set the device to cpu)", device, err, EnvVar)
	}
	return device, nil
}

// parseDevice splits "cpu", "cuda" or "cuda:N".
func parseDevice(device string) (index int, isCUDA bool, err error) {
	name, number, numbered := strings.Cut(device, ":")
	switch {
	case device == "" || device == "cpu":
		return 0, false, nil
	case name == "cuda" && !numbered:
		return 0, true, nil
	case name == "cuda":
		if index, err = strconv.Atoi(number); err == nil && index >= 0 {
			return index, true, nil
		}
	}
	return 0, false, fmt.Errorf("ort: device %q: want cpu or cuda:N", device)
}

// useCUDA adds the CUDA provider for one card. The arena grows only by what is asked for, because
// doubling it wastes memory when batch sizes vary.
func useCUDA(options *binding.SessionOptions, index int) (err error) {
	cuda, err := binding.NewCUDAProviderOptions()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cuda.Destroy()) }()
	settings := map[string]string{
		"device_id":             strconv.Itoa(index),
		"arena_extend_strategy": "kSameAsRequested",
	}
	if err := cuda.Update(settings); err != nil {
		return err
	}
	return options.AppendExecutionProviderCUDA(cuda)
}

// Device returns the device the graph runs on, "cpu" or "cuda:N".
func (s *Session) Device() string { return s.device }

// Close frees the graph. Bindings must be closed before: with one open it is an error.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if n := s.bindings.Load(); n > 0 {
		return fmt.Errorf("ort: %d bindings are still open", n)
	}
	s.closed = true
	defer s.runtime.dropSession()
	return s.session.Destroy()
}

// Run runs the graph once on tensors in the order of SessionConfig.Inputs and returns outputs in the
// order of SessionConfig.Outputs, each in fresh memory with the shape the graph gave it. It is for
// single runs; a hot path uses Bind.
func (s *Session) Run(inputs []Tensor) (outputs []Tensor, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	in, err := newValues(inputs)
	defer func() { err = errors.Join(err, destroyValues(in)) }()
	if err != nil {
		return nil, err
	}
	out := make([]binding.Value, len(s.outputs))
	defer func() { err = errors.Join(err, destroyValues(out)) }()
	if err := s.session.Run(in, out); err != nil {
		return nil, fmt.Errorf("ort: run: %w", err)
	}
	for i, value := range out {
		t, err := copyTensor(s.outputs[i], value)
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, t)
	}
	return outputs, nil
}
