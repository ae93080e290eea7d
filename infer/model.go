package infer

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
)

// DefaultMaxBatch is the default of Options.MaxBatch. On a CPU batching buys at most a quarter, so
// batches stay small: 16 rows of a 63x63x3 model are 0.8 MB of input.
const DefaultMaxBatch = 16

// Options say how a model is run. The zero value runs it on the CPU.
type Options struct {
	// Device is "cpu" (default) or "cuda:N". A device that cannot be used is an error.
	Device string
	// Threads is the number of threads inside one operator; default 1. Run several Buffers at once
	// instead.
	Threads int
	// MaxBatch is the number of rows of a Buffers; default DefaultMaxBatch. Memory of one Buffers:
	// MaxBatch x 4 bytes x (image values + features + 2 x classes + embedding).
	MaxBatch int
	// Buckets are the numbers of rows the graph is run with, ascending; a batch is padded with zeros to
	// the next one, and MaxBatch is added when missing. Empty means exactly the rows there are on a CPU;
	// on a GPU, where every distinct size costs memory for ever, it means 1, 2, 4, 8, ... MaxBatch.
	Buckets []int
}

// Validate lists every fault of the options.
func (o Options) Validate() error {
	var errs []error
	if o.Threads < 0 {
		errs = append(errs, fmt.Errorf("threads: %d is negative", o.Threads))
	}
	if o.MaxBatch < 0 {
		errs = append(errs, fmt.Errorf("max batch: %d is negative", o.MaxBatch))
	}
	if !slices.IsSorted(o.Buckets) || (len(o.Buckets) > 0 && o.Buckets[0] < 1) {
		errs = append(errs, fmt.Errorf("buckets: %v must be positive and ascending", o.Buckets))
	}
	if n := len(o.Buckets); n > 0 && o.Buckets[n-1] > o.maxBatch() {
		errs = append(errs, fmt.Errorf("buckets: %d is over max batch %d", o.Buckets[n-1], o.maxBatch()))
	}
	return errors.Join(errs...)
}

// maxBatch applies the default.
func (o Options) maxBatch() int {
	if o.MaxBatch == 0 {
		return DefaultMaxBatch
	}
	return o.MaxBatch
}

// Model is a bundle ready to run. It is safe for concurrent use with one Buffers each.
type Model struct {
	bundle  *bundle.Bundle
	session *ort.Session
	plan    plan
	buffers atomic.Int64 // open Buffers
}

// Open prepares a bundle, runs it once to warm up and checks its golden answers. The caller closes the
// Model before the Runtime.
func Open(rt *ort.Runtime, b *bundle.Bundle, opts Options) (*Model, error) {
	if err := opts.Validate(); err != nil {
		return nil, fmt.Errorf("infer: options: %w", err)
	}
	m := &b.Manifest
	cfg := ort.SessionConfig{Device: opts.Device, Threads: opts.Threads, Outputs: []string{m.Scores.Tensor}}
	if m.Image != nil {
		cfg.Inputs = append(cfg.Inputs, m.Image.Tensor)
	}
	if m.Features != nil {
		cfg.Inputs = append(cfg.Inputs, m.Features.Tensor)
	}
	if m.Embedding != nil {
		cfg.Outputs = append(cfg.Outputs, m.Embedding.Tensor)
	}
	session, err := rt.NewSession(b.Model, cfg)
	if err != nil {
		return nil, fmt.Errorf("infer: model %s %s: %w", m.Name, m.Version, err)
	}
	model := &Model{bundle: b, session: session, plan: newPlan(opts, session.Device(), m.BatchSize)}
	if err := model.SelfCheck(); err != nil {
		return nil, errors.Join(fmt.Errorf("infer: model %s %s: %w", m.Name, m.Version, err), session.Close())
	}
	return model, nil
}

// Info returns what a record says of this model; shared, not to be changed.
func (m *Model) Info() *schemas.ModelInfo { return m.bundle.Info() }

// Features returns the names of the scalar features in the order of a feature row; nil without any.
// Shared, not to be changed.
func (m *Model) Features() []string {
	if m.bundle.Manifest.Features == nil {
		return nil
	}
	return m.bundle.Manifest.Features.Names
}

// ImageLen is the number of values of an image row, 0 without an image input.
func (m *Model) ImageLen() int { return m.bundle.Manifest.ImageLen() }

// Transform returns the compiled recipe that makes an image row of a cutout, nil without an image input.
func (m *Model) Transform() *preprocess.Transform { return m.bundle.Transform() }

// MaxBatch is the number of rows of a Buffers.
func (m *Model) MaxBatch() int { return m.plan.rows }

// Device is the device the model runs on, "cpu" or "cuda:N".
func (m *Model) Device() string { return m.session.Device() }

// Close frees the model. Every Buffers must be closed before.
func (m *Model) Close() error {
	if n := m.buffers.Load(); n > 0 {
		return fmt.Errorf("infer: %d buffers of model %s are still open", n, m.bundle.Manifest.Name)
	}
	return m.session.Close()
}
