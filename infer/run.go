package infer

import (
	"errors"
	"fmt"

	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/schemas"
)

// Run computes the answers of the first rows rows of b. A row that has no answer (a missing feature, a
// result that is not finite) gets a fault, see Buffers.Fault; the error is about the batch as a whole
// and transient. Several Buffers may run at once.
func (m *Model) Run(b *Buffers, rows int) error {
	if b.model != m {
		return errors.New("infer: run: the buffers belong to another model")
	}
	if b.closed {
		return errors.New("infer: run: the buffers are closed")
	}
	if rows < 1 || rows > b.Rows() {
		return fmt.Errorf("infer: run: %d rows, the buffers hold 1 to %d", rows, b.Rows())
	}
	b.checkFeatures(rows)
	padded := m.plan.padded(rows)
	clear(b.image[rows*m.ImageLen() : padded*m.ImageLen()])
	features := m.bundle.Manifest.FeatureLen()
	clear(b.features[rows*features : padded*features])
	if err := m.plan.windows(rows, b.runWindow); err != nil {
		return err
	}
	for i := range rows {
		b.finish(i)
	}
	return nil
}

// runWindow runs the graph on one window.
func (b *Buffers) runWindow(w window) error {
	bound, err := b.binding(w)
	if err != nil {
		return err
	}
	if err := bound.Run(); err != nil {
		return fmt.Errorf("infer: batch of %d rows: %w", w.rows, err)
	}
	return nil
}

// checkFeatures resets the faults and marks rows with a missing feature.
func (b *Buffers) checkFeatures(rows int) {
	for i := range rows {
		b.faults[i] = nil
		for k, v := range b.FeatureRow(i) {
			if v-v != 0 {
				b.faults[i] = missingFeature(b.model.Features()[k], v)
				break
			}
		}
	}
}

// missingFeature is the fault of a row whose feature is absent or no number.
func missingFeature(name string, v float32) *schemas.Fault {
	return schemas.NewFault(schemas.StageInfer, schemas.ReasonMissingFeature,
		"the model needs feature %q, and it is null, absent or not finite (%v); serve this source with a model without it", name, v)
}

// finish turns the raw scores of row i into probabilities and a label, and normalises its embedding.
func (b *Buffers) finish(i int) {
	mf := &b.model.bundle.Manifest
	b.labels[i] = 0
	if b.faults[i] != nil {
		return
	}
	scores := row(b.scores, i, mf.ScoreLen())
	embedding := b.Embedding(i)
	if !bundle.Finite(scores) || !bundle.Finite(embedding) {
		b.faults[i] = nonFinite(mf.Name)
		return
	}
	p := b.Probabilities(i)
	b.labels[i] = mf.Classify(p, scores)
	if !bundle.Finite(p) {
		b.faults[i] = nonFinite(mf.Name)
		return
	}
	if mf.Embedding != nil && mf.Embedding.Normalise && !bundle.Normalise(embedding) {
		b.faults[i] = schemas.NewFault(schemas.StageInfer, schemas.ReasonNonFinite,
			"the embedding of model %s has no usable norm and cannot be normalised", mf.Name)
	}
}

// nonFinite is the fault of a row whose answer is not a number.
func nonFinite(model string) *schemas.Fault {
	return schemas.NewFault(schemas.StageInfer, schemas.ReasonNonFinite,
		"model %s answered with NaN or infinity; look at the pixel range of this cutout and at the recipe", model)
}
