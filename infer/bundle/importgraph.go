package bundle

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/galaxalign/galaxalign/infer/onnx"
	"github.com/galaxalign/galaxalign/infer/ort"
)

// identify names the model.
func (im *importer) identify() error {
	m := &im.draft.Manifest
	m.Name, m.Version = im.opts.Name, im.opts.Version
	if m.Name == "" {
		m.Name = strings.TrimSuffix(filepath.Base(im.opts.Model), ".onnx")
	}
	if m.Version == "" {
		m.Version = "1"
	}
	m.Provenance, m.Metrics = im.opts.Provenance, im.opts.Metrics
	return nil
}

// findInputs assigns the graph's inputs: the one with four axes is the image, the one with two the
// features.
func (im *importer) findInputs() error {
	m := &im.draft.Manifest
	im.model.Graph.FloatIO()
	image, features, err := im.assignInputs()
	if err != nil {
		return err
	}
	if image != nil {
		m.Image = &ImageInput{Tensor: image.Name}
		im.takeBatch(image)
	}
	if features == nil {
		return nil
	}
	im.takeBatch(features)
	names := im.opts.Features
	if d := features.Type.Dims[1]; names == nil {
		if !d.Fixed {
			return fmt.Errorf("input %q has any number of columns: name the features", features.Name)
		}
		names = numbered("feature", int(d.Size))
	} else if d.Fixed && int(d.Size) != len(names) {
		return fmt.Errorf("input %q has %d columns, and %d features are named", features.Name, d.Size, len(names))
	}
	m.Features = &FeatureInput{Tensor: features.Name, Names: names}
	return nil
}

// assignInputs goes by the names given, then by the number of axes.
func (im *importer) assignInputs() (image, features *onnx.ValueInfo, err error) {
	inputs := im.model.Graph.RealInputs()
	if len(inputs) == 0 {
		return nil, nil, errors.New("the graph has no input")
	}
	for _, want := range []string{im.opts.Image, im.opts.FeatureInput} {
		if want != "" && !slices.ContainsFunc(inputs, func(v *onnx.ValueInfo) bool { return v.Name == want }) {
			return nil, nil, fmt.Errorf("there is no input %q; the graph has %s", want, names(inputs))
		}
	}
	for _, v := range inputs {
		if v.Type == nil || v.Type.Elem != onnx.Float {
			return nil, nil, fmt.Errorf("input %q is %s; only tensors of floating-point numbers can be filled", v.Name, typeText(v.Type))
		}
		switch axes := len(v.Type.Dims); {
		case axes == 4 && (v.Name == im.opts.Image || im.opts.Image == ""):
			err = assign(&image, v)
		case axes == 2 && (v.Name == im.opts.FeatureInput || im.opts.FeatureInput == ""):
			err = assign(&features, v)
		default:
			err = fmt.Errorf("input %q %s is neither the image (four axes) nor the scalar features (two)", v.Name, typeText(v.Type))
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return image, features, nil
}

// assign takes an input for a role that one input can have.
func assign(to **onnx.ValueInfo, v *onnx.ValueInfo) error {
	if *to != nil {
		return fmt.Errorf("inputs %q and %q could both be the same one: name the ones to use", (*to).Name, v.Name)
	}
	*to = v
	return nil
}

// takeBatch notes the batch size when an input fixes it.
func (im *importer) takeBatch(v *onnx.ValueInfo) {
	if d := v.Type.Dims[0]; d.Fixed {
		im.batch = int(d.Size)
	}
}

// numbered makes names such as class_0, class_1.
func numbered(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s_%d", prefix, i)
	}
	return list
}

// findOutputs names the score output and exposes the embedding.
func (im *importer) findOutputs() error {
	graph, m := im.model.Graph, &im.draft.Manifest
	if len(graph.Outputs) == 0 {
		return errors.New("the graph has no output")
	}
	m.Scores = ScoreOutput{
		Tensor: im.opts.Scores, Activation: im.opts.Activation,
		Temperature: im.opts.Temperature, Threshold: im.opts.Threshold,
	}
	if m.Scores.Tensor == "" {
		m.Scores.Tensor = graph.Outputs[0].Name
	}
	if err := graph.ExposeFloat(m.Scores.Tensor); err != nil {
		return fmt.Errorf("scores: %w", err)
	}
	if im.opts.Embedding != "" {
		if err := graph.ExposeFloat(im.opts.Embedding); err != nil {
			return fmt.Errorf("embedding: %w", err)
		}
		m.Embedding = &EmbeddingOutput{Tensor: im.opts.Embedding, Normalise: im.opts.Normalise}
	}
	im.draft.Model = im.model.Marshal()
	return nil
}

// freeBatch makes a fixed batch axis free where the graph runs that way, and keeps it otherwise.
func (im *importer) freeBatch() error {
	im.draft.Golden = im.candidates(candidateRows)
	if im.batch == 0 {
		return nil
	}
	original := im.draft.Model
	freed, err := onnx.Parse(original)
	if err != nil {
		return err
	}
	freed.Graph.FreeBatch("N")
	im.draft.Model = freed.Marshal()
	if _, err := im.probe(candidateRows); err == nil {
		return nil
	}
	im.draft.Model = original
	im.draft.Manifest.BatchSize = im.batch
	im.draft.Golden = im.candidates(im.batch)
	return nil
}

// probe runs the draft's graph once and returns its outputs.
func (im *importer) probe(rows int) (outputs []ort.Tensor, err error) {
	p, err := newProbe(im.opts.Runtime, im.draft, im.draft.Golden)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.session.Close()) }()
	return p.run(0, rows)
}

// describeOutputs takes the shapes of the outputs from a run and names the classes.
func (im *importer) describeOutputs() error {
	m := &im.draft.Manifest
	outputs, err := im.probe(im.draft.Golden.Rows)
	if err != nil {
		return err
	}
	m.Scores.Shape = ints(outputs[0].Shape[1:])
	if m.Embedding != nil {
		m.Embedding.Shape = ints(outputs[1].Shape[1:])
	}
	scores := m.ScoreLen()
	m.Classes = im.opts.Classes
	if m.Classes == nil {
		m.Classes = numbered("class", scores)
		if scores == 1 {
			m.Classes = []string{"negative", "positive"}
		}
	}
	if m.Scores.Activation == "" {
		m.Scores.Activation = im.guessActivation(scores)
	}
	if len(m.Classes) == scores || m.Single() { // anything else is a fault that Create reports
		im.chooseGolden(outputs[0].Float32)
	}
	return nil
}

// ints converts axes.
func ints(axes []int64) []int {
	list := make([]int, len(axes))
	for i, a := range axes {
		list[i] = int(a)
	}
	return list
}

// guessActivation looks at the operator that makes the scores.
func (im *importer) guessActivation(scores int) Activation {
	for _, n := range im.model.Graph.Nodes {
		if slices.Contains(n.Outputs, im.draft.Manifest.Scores.Tensor) && (n.Op == "Softmax" || n.Op == "Sigmoid") {
			return None
		}
	}
	if scores == 1 {
		return Sigmoid
	}
	return Softmax
}
