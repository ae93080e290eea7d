package infer

import (
	"errors"
	"fmt"
	"math"
)

// SelfCheck runs the bundle's golden input and compares the answers with those it holds. Open calls it;
// it may be called again at any time.
func (m *Model) SelfCheck() (err error) {
	golden := m.bundle.Golden
	if golden == nil {
		return errors.New("self-check: the bundle holds no golden answers; import the model again")
	}
	b := m.NewBuffers()
	defer func() { err = errors.Join(err, b.Close()) }()
	for start := 0; start < golden.Rows; start += b.Rows() {
		rows := min(b.Rows(), golden.Rows-start)
		if err := m.checkRows(b, start, rows); err != nil {
			return fmt.Errorf("self-check: %w", err)
		}
	}
	return nil
}

// checkRows runs golden rows [start, start+rows).
func (m *Model) checkRows(b *Buffers, start, rows int) error {
	golden, mf := m.bundle.Golden, &m.bundle.Manifest
	copy(b.image, golden.Image[start*mf.ImageLen():(start+rows)*mf.ImageLen()])
	copy(b.features, golden.Features[start*mf.FeatureLen():(start+rows)*mf.FeatureLen()])
	if err := m.Run(b, rows); err != nil {
		return err
	}
	for i := range rows {
		if fault := b.Fault(i); fault != nil {
			return fmt.Errorf("golden row %d: %w", start+i, fault)
		}
		p := row([]float32(golden.Probabilities), start+i, len(mf.Classes))
		if err := compare("probability", b.Probabilities(i), p, golden.Tolerance); err != nil {
			return fmt.Errorf("golden row %d on %s: %w", start+i, m.Device(), err)
		}
		e := row([]float32(golden.Embedding), start+i, mf.EmbeddingLen())
		if err := compare("embedding", b.Embedding(i), e, golden.Tolerance); err != nil {
			return fmt.Errorf("golden row %d on %s: %w", start+i, m.Device(), err)
		}
	}
	return nil
}

// compare reports the first value that is off by more than the tolerance.
func compare(what string, got, want []float32, tolerance float64) error {
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if !(d <= tolerance*max(1, math.Abs(float64(want[i])))) {
			return fmt.Errorf("%s %d is %g, the bundle says %g (tolerance %g): this library or device computes "+
				"another answer than the one the bundle was made with", what, i, got[i], want[i], tolerance)
		}
	}
	return nil
}
