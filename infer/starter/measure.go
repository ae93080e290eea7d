package starter

import (
	"fmt"

	"github.com/galaxalign/galaxalign/infer/ort"
)

// Meter measures pictures with the graph of FeatureModel.
type Meter struct{ session *ort.Session }

// NewMeter prepares the measurements. The caller closes it before the runtime.
func NewMeter(rt *ort.Runtime) (*Meter, error) {
	model, err := FeatureModel()
	if err != nil {
		return nil, fmt.Errorf("starter: features: %w", err)
	}
	session, err := rt.NewSession(model, ort.SessionConfig{Inputs: []string{InputName}, Outputs: []string{FeaturesName}})
	if err != nil {
		return nil, fmt.Errorf("starter: features: %w", err)
	}
	return &Meter{session}, nil
}

// Measure returns the features of one picture of 3*Size*Size values, planes red, green, blue in [0,1].
func (m *Meter) Measure(picture []float32) ([]float32, error) {
	out, err := m.session.Run([]ort.Tensor{{Name: InputName, Shape: []int64{1, 3, Size, Size}, Float32: picture}})
	if err != nil {
		return nil, fmt.Errorf("starter: measuring: %w", err)
	}
	return out[0].Float32, nil
}

// Close releases the graph.
func (m *Meter) Close() error { return m.session.Close() }
