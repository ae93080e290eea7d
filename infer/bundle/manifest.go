package bundle

import "encoding/json"

// FormatVersion is the version of the manifest's format that this package reads and writes.
const FormatVersion = 1

// ManifestFile is the manifest's name in the folder.
const ManifestFile = "manifest.json"

// Layout is the order of the image tensor's axes, the batch axis N first.
type Layout string

// The layouts of an image tensor.
const (
	NCHW Layout = "NCHW" // channel, row, column
	NHWC Layout = "NHWC" // row, column, channel
)

// Activation is what has to be applied to the graph's scores to get probabilities.
type Activation string

// The activations.
const (
	Softmax Activation = "softmax" // exp(s/T) / sum exp(s/T) over the classes
	Sigmoid Activation = "sigmoid" // 1 / (1 + exp(-s/T)) for each score by itself
	None    Activation = "none"    // the graph's output already holds probabilities
)

// Manifest is manifest.json: all that serving needs to know of a model.
type Manifest struct {
	Format  int    `json:"format"`  // FormatVersion
	Name    string `json:"name"`    // name of the model
	Version string `json:"version"` // version of the model
	Model   string `json:"model"`   // ONNX file

	Image    *ImageInput   `json:"image,omitempty"`    // at least one of image and features
	Features *FeatureInput `json:"features,omitempty"` // scalar inputs

	Scores    ScoreOutput      `json:"scores"`
	Embedding *EmbeddingOutput `json:"embedding,omitempty"`

	// Classes names the classes in the order of the probabilities. With a single score s there are two,
	// negative and positive, and the probabilities are [1-s, s].
	Classes []string `json:"classes"`
	Golden  string   `json:"golden"` // self-check file

	// BatchSize is the batch axis of a graph that takes only that many rows at once; 0 means any number.
	BatchSize int `json:"batch_size,omitempty"`

	Provenance json.RawMessage `json:"provenance,omitempty"` // how it was trained, free form
	Metrics    json.RawMessage `json:"metrics,omitempty"`    // how well it does, free form

	// Files holds the SHA-256 of every file of the bundle but the manifest, 64 lower-case hexadecimal
	// digits, by name.
	Files map[string]string `json:"files"`
}

// ImageInput describes the image tensor.
type ImageInput struct {
	Tensor string `json:"tensor"` // name in the graph
	Layout Layout `json:"layout"`
	Shape  []int  `json:"shape"`  // axes after the batch axis, three of them, in the order of Layout
	Recipe string `json:"recipe"` // file that says how pixels become this tensor
}

// FeatureInput describes the tensor of scalar features, [N, len(Names)].
type FeatureInput struct {
	Tensor string   `json:"tensor"`
	Names  []string `json:"names"` // in the order of the tensor's columns
}

// ScoreOutput describes the tensor that becomes the class probabilities.
type ScoreOutput struct {
	Tensor     string     `json:"tensor"`
	Shape      []int      `json:"shape"` // axes after the batch axis; empty for a tensor of shape [N]
	Activation Activation `json:"activation"`
	// Temperature divides the scores before the activation (Guo et al. 2017, "On Calibration of Modern
	// Neural Networks"); 0 and 1 leave them as they are. With activation none it needs logits that are
	// not there, so it must be 0 or 1.
	Temperature float64 `json:"temperature,omitempty"`
	// Threshold is the probability of the positive class from which on it is the label, for a single
	// score only; 0 means 0.5.
	Threshold float64 `json:"threshold,omitempty"`
}

// EmbeddingOutput describes the tensor that becomes the record's embedding.
type EmbeddingOutput struct {
	Tensor    string `json:"tensor"`
	Shape     []int  `json:"shape"`     // axes after the batch axis; their product is the length
	Normalise bool   `json:"normalise"` // divide each row by its Euclidean norm
}

// product multiplies axes; the empty list gives 1.
func product(axes []int) int {
	n := 1
	for _, a := range axes {
		n *= a
	}
	return n
}

// ImageLen is the number of values of one image row, 0 without an image input.
func (m *Manifest) ImageLen() int {
	if m.Image == nil {
		return 0
	}
	return product(m.Image.Shape)
}

// FeatureLen is the number of scalar features, 0 without a feature input.
func (m *Manifest) FeatureLen() int {
	if m.Features == nil {
		return 0
	}
	return len(m.Features.Names)
}

// EmbeddingLen is the length of the embedding, 0 when the model has none.
func (m *Manifest) EmbeddingLen() int {
	if m.Embedding == nil {
		return 0
	}
	return product(m.Embedding.Shape)
}

// Single reports whether one score stands for two classes.
func (m *Manifest) Single() bool { return product(m.Scores.Shape) == 1 && len(m.Classes) == 2 }

// ScoreLen is the number of scores of a row.
func (m *Manifest) ScoreLen() int { return product(m.Scores.Shape) }
