package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
)

// maxGoldenRows bounds the self-check, which every start runs.
const maxGoldenRows = 1024

// Golden is the self-check: inputs and the answers the model gave to them when the bundle was made.
// Arrays are row-major and hold Rows rows.
type Golden struct {
	Rows int `json:"rows"`
	// Tolerance is the largest difference allowed in any value v, times max(1, |v|): other processors
	// and devices sum in another order.
	Tolerance     float64 `json:"tolerance"`
	Image         Floats  `json:"image,omitempty"`
	Features      Floats  `json:"features,omitempty"`
	Probabilities Floats  `json:"probabilities"`
	Embedding     Floats  `json:"embedding,omitempty"`
}

// checkGolden reads the golden file and compares it with the manifest.
func (b *Bundle) checkGolden() error {
	if b.golden == nil {
		return nil // it could not be read
	}
	b.Golden = &Golden{}
	if err := json.Unmarshal(b.golden, b.Golden); err != nil {
		return fmt.Errorf("%s: %w", b.Manifest.Golden, err)
	}
	b.golden = nil
	return b.Golden.check(&b.Manifest)
}

// check compares the lengths of the arrays with the manifest.
func (g *Golden) check(m *Manifest) error {
	var errs []error
	length := func(key string, have, row int) {
		if have != g.Rows*row {
			errs = append(errs, fmt.Errorf("%s: %s: holds %d values, want %d rows of %d", m.Golden, key, have, g.Rows, row))
		}
	}
	if g.Rows < 1 || g.Rows > maxGoldenRows {
		return fmt.Errorf("%s: rows: is %d, want 1 to %d", m.Golden, g.Rows, maxGoldenRows)
	}
	if !(g.Tolerance > 0 && g.Tolerance < 1) {
		errs = append(errs, fmt.Errorf("%s: tolerance: is %v, want more than 0 and less than 1", m.Golden, g.Tolerance))
	}
	length("image", len(g.Image), m.ImageLen())
	length("features", len(g.Features), m.FeatureLen())
	length("probabilities", len(g.Probabilities), len(m.Classes))
	length("embedding", len(g.Embedding), m.EmbeddingLen())
	return errors.Join(errs...)
}
