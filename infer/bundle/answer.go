package bundle

import (
	"errors"
	"fmt"
	"math"

	"github.com/galaxalign/galaxalign/infer/ort"
)

// probe runs a bundle's graph on golden inputs.
type probe struct {
	session  *ort.Session
	manifest *Manifest
	golden   *Golden
}

// newProbe prepares the graph on the CPU. The caller closes the session.
func newProbe(rt *ort.Runtime, b *Bundle, golden *Golden) (*probe, error) {
	m := &b.Manifest
	cfg := ort.SessionConfig{Outputs: []string{m.Scores.Tensor}}
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
		return nil, err
	}
	return &probe{session: session, manifest: m, golden: golden}, nil
}

// run returns the scores and, where the model has one, the embedding of golden rows [start, start+rows).
func (p *probe) run(start, rows int) ([]ort.Tensor, error) {
	var inputs []ort.Tensor
	add := func(name string, values []float32, axes []int) {
		n := product(axes)
		shape := []int64{int64(rows)}
		for _, a := range axes {
			shape = append(shape, int64(a))
		}
		inputs = append(inputs, ort.Tensor{Name: name, Shape: shape, Float32: values[start*n : (start+rows)*n]})
	}
	if m := p.manifest; m.Image != nil {
		add(m.Image.Tensor, p.golden.Image, m.Image.Shape)
	}
	if m := p.manifest; m.Features != nil {
		add(m.Features.Tensor, p.golden.Features, []int{len(m.Features.Names)})
	}
	outputs, err := p.session.Run(inputs)
	if err != nil {
		return nil, err
	}
	for _, t := range outputs {
		if t.Float32 == nil || len(t.Shape) == 0 || t.Shape[0] != int64(rows) {
			return nil, fmt.Errorf("output %q has shape %v for a batch of %d rows; want float [N, ...]", t.Name, t.Shape, rows)
		}
	}
	return outputs, nil
}

// answer computes the golden answers and checks that they are numbers and that a row's answer does not
// depend on the rows beside it.
func (g *Golden) answer(rt *ort.Runtime, b *Bundle) (err error) {
	m := &b.Manifest
	if err := g.checkInputs(m); err != nil {
		return err
	}
	p, err := newProbe(rt, b, g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.session.Close()) }()
	step := g.Rows
	if m.BatchSize > 0 {
		step = m.BatchSize
	}
	g.Probabilities, g.Embedding = nil, nil
	for start := 0; start < g.Rows; start += step {
		outputs, err := p.run(start, step)
		if err != nil {
			return fmt.Errorf("golden run: %w", err)
		}
		if err := g.keep(m, outputs, step); err != nil {
			return err
		}
	}
	if m.BatchSize > 0 {
		return nil
	}
	return g.checkIndependence(p)
}

// checkInputs checks the lengths of the inputs.
func (g *Golden) checkInputs(m *Manifest) error {
	if g.Rows < 1 || g.Rows > maxGoldenRows {
		return fmt.Errorf("golden inputs: %d rows, want 1 to %d", g.Rows, maxGoldenRows)
	}
	if m.BatchSize > 0 && g.Rows%m.BatchSize != 0 {
		return fmt.Errorf("golden inputs: %d rows for a graph that takes %d at once", g.Rows, m.BatchSize)
	}
	if len(g.Image) != g.Rows*m.ImageLen() || len(g.Features) != g.Rows*m.FeatureLen() {
		return fmt.Errorf("golden inputs: %d image values and %d features, want %d rows of %d and %d",
			len(g.Image), len(g.Features), g.Rows, m.ImageLen(), m.FeatureLen())
	}
	return nil
}

// keep appends the answers of rows of raw outputs.
func (g *Golden) keep(m *Manifest, outputs []ort.Tensor, rows int) error {
	scores := outputs[0].Float32
	if len(scores) != rows*m.ScoreLen() {
		return fmt.Errorf("golden run: output %q has shape %v, want %d scores a row", m.Scores.Tensor, outputs[0].Shape, m.ScoreLen())
	}
	for i := range rows {
		p := make([]float32, len(m.Classes))
		m.Classify(p, scores[i*m.ScoreLen():(i+1)*m.ScoreLen()])
		g.Probabilities = append(g.Probabilities, p...)
	}
	if m.Embedding != nil {
		e, n := outputs[1].Float32, m.EmbeddingLen()
		if len(e) != rows*n {
			return fmt.Errorf("golden run: output %q has shape %v, want %d values a row", m.Embedding.Tensor, outputs[1].Shape, n)
		}
		for i := range rows {
			if v := e[i*n : (i+1)*n]; m.Embedding.Normalise && !Normalise(v) {
				return fmt.Errorf("golden run: the embedding of row %d has no usable norm", i)
			}
		}
		g.Embedding = append(g.Embedding, e...)
	}
	if !Finite(g.Probabilities) || !Finite(g.Embedding) {
		return errors.New("golden run: the model answers with NaN or infinity")
	}
	return nil
}

// rowTolerance is how far the answer of a row may differ when other rows are beside it: one processor
// computes both, and only the order of sums differs.
const rowTolerance = 1e-5

// checkIndependence runs each row by itself and compares it with its answer in the batch.
func (g *Golden) checkIndependence(p *probe) error {
	for i := range g.Rows {
		outputs, err := p.run(i, 1)
		if err != nil {
			return fmt.Errorf("golden run of one row: %w", err)
		}
		alone := &Golden{}
		if err := alone.keep(p.manifest, outputs, 1); err != nil {
			return err
		}
		classes, n := len(p.manifest.Classes), p.manifest.EmbeddingLen()
		if !near(alone.Probabilities, g.Probabilities[i*classes:(i+1)*classes], rowTolerance) ||
			!near(alone.Embedding, g.Embedding[i*n:(i+1)*n], rowTolerance) {
			return fmt.Errorf("golden run: row %d has another answer alone than in a batch of %d: the graph mixes rows "+
				"(exported in training mode?)", i, g.Rows)
		}
	}
	return nil
}

// near reports whether no value is off by more than the tolerance times max(1, |want|).
func near(got, want []float32, tolerance float64) bool {
	for i := range want {
		w := float64(want[i])
		if !(math.Abs(float64(got[i])-w) <= tolerance*max(1, math.Abs(w))) {
			return false
		}
	}
	return true
}
