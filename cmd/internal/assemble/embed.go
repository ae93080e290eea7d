package assemble

import (
	"math"
	"slices"

	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/schemas"
)

// embed runs one cutout through a model, in the first row of b, and returns its embedding.
func embed(m Model, b *infer.Buffers, c *schemas.Cutout) ([]float32, error) {
	if _, err := m.Transform.Apply(b.ImageRow(0), c, m.Transform.NewScratch()); err != nil {
		return nil, err
	}
	features := b.FeatureRow(0)
	for i := copy(features, c.Features); i < len(features); i++ {
		features[i] = float32(math.NaN()) // unknown, as in a run: a FITS file carries no features
	}
	if err := m.Run(b, 1); err != nil {
		return nil, err
	}
	if fault := b.Fault(0); fault != nil {
		return nil, fault
	}
	return slices.Clone(b.Embedding(0)), nil
}
