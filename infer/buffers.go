package infer

import (
	"errors"
	"fmt"

	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/schemas"
)

// Buffers is the memory of one batch: the tensors the graph reads and those it writes. Fill rows with
// ImageRow and FeatureRow, call Model.Run, read the answers. It is used by one goroutine at a time and
// reused for ever; every row slice stays valid until Close and holds its values until the next Run.
type Buffers struct {
	model *Model

	image, features   []float32 // [rows, ...] inputs
	scores, embedding []float32 // [rows, ...] raw outputs; embedding is normalised in place

	probabilities []float32 // [rows, classes]
	labels        []int
	faults        []*schemas.Fault

	bindings map[window]*ort.Binding
	closed   bool
}

// NewBuffers allocates the memory of a batch of MaxBatch rows. The caller closes it.
func (m *Model) NewBuffers() *Buffers {
	mf := &m.bundle.Manifest
	rows := m.plan.rows
	m.buffers.Add(1)
	return &Buffers{
		model:         m,
		image:         make([]float32, rows*mf.ImageLen()),
		features:      make([]float32, rows*mf.FeatureLen()),
		scores:        make([]float32, rows*mf.ScoreLen()),
		embedding:     make([]float32, rows*mf.EmbeddingLen()),
		probabilities: make([]float32, rows*len(mf.Classes)),
		labels:        make([]int, rows),
		faults:        make([]*schemas.Fault, rows),
		bindings:      map[window]*ort.Binding{},
	}
}

// row returns row i of an array of rows of n values, with no room to append into the next row.
func row(array []float32, i, n int) []float32 { return array[i*n : (i+1)*n : (i+1)*n] }

// Rows is the number of rows there is room for.
func (b *Buffers) Rows() int { return len(b.labels) }

// ImageRow returns the input image of row i, ImageLen values in the tensor's layout.
func (b *Buffers) ImageRow(i int) []float32 { return row(b.image, i, b.model.ImageLen()) }

// FeatureRow returns the scalar features of row i in the order of Model.Features; NaN means missing.
func (b *Buffers) FeatureRow(i int) []float32 {
	return row(b.features, i, b.model.bundle.Manifest.FeatureLen())
}

// Probabilities returns the class probabilities of row i, in the order of Info().Classes.
func (b *Buffers) Probabilities(i int) []float32 {
	return row(b.probabilities, i, len(b.model.bundle.Manifest.Classes))
}

// Label returns the index of row i's class.
func (b *Buffers) Label(i int) int { return b.labels[i] }

// Probability returns the probability of row i's class.
func (b *Buffers) Probability(i int) float32 { return b.Probabilities(i)[b.labels[i]] }

// Embedding returns the embedding of row i; empty when the model has none.
func (b *Buffers) Embedding(i int) []float32 {
	return row(b.embedding, i, b.model.bundle.Manifest.EmbeddingLen())
}

// Fault returns why row i has no answer, or nil. The answers of a row with a fault are not valid.
func (b *Buffers) Fault(i int) *schemas.Fault { return b.faults[i] }

// binding returns the binding of a window, made at its first use.
func (b *Buffers) binding(w window) (*ort.Binding, error) {
	if bound, ok := b.bindings[w]; ok {
		return bound, nil
	}
	mf := &b.model.bundle.Manifest
	var inputs []ort.Tensor
	if mf.Image != nil {
		inputs = append(inputs, tensor(mf.Image.Tensor, b.image, w, mf.Image.Shape))
	}
	if mf.Features != nil {
		inputs = append(inputs, tensor(mf.Features.Tensor, b.features, w, []int{mf.FeatureLen()}))
	}
	outputs := []ort.Tensor{tensor(mf.Scores.Tensor, b.scores, w, mf.Scores.Shape)}
	if mf.Embedding != nil {
		outputs = append(outputs, tensor(mf.Embedding.Tensor, b.embedding, w, mf.Embedding.Shape))
	}
	bound, err := b.model.session.Bind(inputs, outputs)
	if err != nil {
		return nil, fmt.Errorf("infer: batch of %d rows: %w", w.rows, err)
	}
	b.bindings[w] = bound
	return bound, nil
}

// tensor describes the window of an array of rows as a tensor.
func tensor(name string, array []float32, w window, axes []int) ort.Tensor {
	shape := []int64{int64(w.rows)}
	n := 1
	for _, a := range axes {
		shape = append(shape, int64(a))
		n *= a
	}
	return ort.Tensor{Name: name, Shape: shape, Float32: array[w.start*n : (w.start+w.rows)*n]}
}

// Close frees the library's hold on the memory. A second call is ort.ErrClosed.
func (b *Buffers) Close() error {
	if b.closed {
		return ort.ErrClosed
	}
	b.closed = true
	var errs []error
	for w, bound := range b.bindings {
		errs = append(errs, bound.Close())
		delete(b.bindings, w)
	}
	b.model.buffers.Add(-1)
	return errors.Join(errs...)
}
