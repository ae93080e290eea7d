package bundle

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// valid is a manifest without faults.
func valid() Manifest {
	sum := strings.Repeat("0a", 32)
	return Manifest{
		Format: FormatVersion, Name: "m", Version: "1", Model: "m.onnx", Golden: "g.json",
		Image:    &ImageInput{Tensor: "x", Layout: NCHW, Shape: []int{3, 4, 5}, Recipe: "r.yaml"},
		Features: &FeatureInput{Tensor: "f", Names: []string{"a", "b"}},
		Scores:   ScoreOutput{Tensor: "s", Shape: []int{3}, Activation: Softmax, Temperature: 2},
		Classes:  []string{"c0", "c1", "c2"}, Embedding: &EmbeddingOutput{Tensor: "e", Shape: []int{8, 1, 1}},
		Files: map[string]string{"m.onnx": sum, "g.json": sum, "r.yaml": sum},
	}
}

func TestValidateAcceptsAndMeasures(t *testing.T) {
	m := valid()
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	if m.ImageLen() != 60 || m.FeatureLen() != 2 || m.ScoreLen() != 3 || m.EmbeddingLen() != 8 || m.Single() {
		t.Errorf("lengths %d %d %d %d", m.ImageLen(), m.FeatureLen(), m.ScoreLen(), m.EmbeddingLen())
	}
	m = Manifest{}
	if m.ImageLen() != 0 || m.FeatureLen() != 0 || m.EmbeddingLen() != 0 {
		t.Error("an absent part has a length")
	}
}

func TestValidateListsEveryFault(t *testing.T) {
	for key, spoil := range map[string]func(*Manifest){
		"format:":              func(m *Manifest) { m.Format = 2 },
		"name:":                func(m *Manifest) { m.Name = " " },
		"version:":             func(m *Manifest) { m.Version = "" },
		"batch_size:":          func(m *Manifest) { m.BatchSize = -1 },
		"image and features:":  func(m *Manifest) { m.Image, m.Features = nil, nil },
		"image.tensor:":        func(m *Manifest) { m.Image.Tensor = "" },
		"image.layout:":        func(m *Manifest) { m.Image.Layout = "CHW" },
		"image.shape: [3 4]":   func(m *Manifest) { m.Image.Shape = []int{3, 4} },
		"image.shape: [0":      func(m *Manifest) { m.Image.Shape = []int{0, 4, 5} },
		"image.shape: [65536":  func(m *Manifest) { m.Image.Shape = []int{65536, 65536, 65536} },
		"image.recipe:":        func(m *Manifest) { m.Image.Recipe = "other.yaml" },
		"features.tensor:":     func(m *Manifest) { m.Features.Tensor = "x" },
		"features.names:":      func(m *Manifest) { m.Features.Names = nil },
		"features.names[1]:":   func(m *Manifest) { m.Features.Names = []string{"a", "a"} },
		"scores.tensor:":       func(m *Manifest) { m.Scores.Tensor = "" },
		"scores.shape:":        func(m *Manifest) { m.Scores.Shape = []int{-3} },
		"scores.activation:":   func(m *Manifest) { m.Scores.Activation = "" },
		"scores.temperature:":  func(m *Manifest) { m.Scores.Temperature = math.NaN() },
		"no logits to divide":  func(m *Manifest) { m.Scores.Activation = None },
		"scores.threshold:":    func(m *Manifest) { m.Scores.Threshold = 0.4 },
		"want 0 to 1":          func(m *Manifest) { m.Scores.Threshold = 1.5 },
		"embedding.tensor:":    func(m *Manifest) { m.Embedding.Tensor = "s" },
		"embedding.shape:":     func(m *Manifest) { m.Embedding.Shape = []int{1, 0} },
		"classes: has 2 names": func(m *Manifest) { m.Classes = m.Classes[:2] },
		"classes[2]:":          func(m *Manifest) { m.Classes = []string{"a", "b", ""} },
		"a single score needs": func(m *Manifest) { m.Scores.Shape = []int{1} },
		"is always 1":          func(m *Manifest) { m.Scores.Shape, m.Classes = nil, []string{"no", "yes"} },
		"model:":               func(m *Manifest) { m.Model = "../m.onnx" },
		"golden:":              func(m *Manifest) { m.Golden = "" },
		"files.../x:":          func(m *Manifest) { m.Files["../x"] = m.Files["m.onnx"] },
		"files.manifest.json:": func(m *Manifest) { m.Files[ManifestFile] = m.Files["m.onnx"] },
		"files.m.onnx:":        func(m *Manifest) { m.Files["m.onnx"] = "abc" },
	} {
		m := valid()
		spoil(&m)
		err := m.Validate()
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: error %v", key, err)
		}
		m.Version = ""
		if err := m.Validate(); err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "version: is missing") {
			t.Errorf("%s: not both faults in %v", key, err)
		}
	}
}

func TestClassify(t *testing.T) {
	single := []string{"no", "yes"}
	for name, c := range map[string]struct {
		out     ScoreOutput
		classes []string
		scores  []float32
		want    []float32
		label   int
	}{
		"softmax":             {ScoreOutput{Shape: []int{3}, Activation: Softmax}, []string{"a", "b", "c"}, []float32{0, float32(math.Log(3)), 0}, []float32{0.2, 0.6, 0.2}, 1},
		"softmax temperature": {ScoreOutput{Shape: []int{2}, Activation: Softmax, Temperature: 2}, single, []float32{0, float32(2 * math.Log(3))}, []float32{0.25, 0.75}, 1},
		"softmax large":       {ScoreOutput{Shape: []int{2}, Activation: Softmax}, single, []float32{3e38, -3e38}, []float32{1, 0}, 0},
		"first of equals":     {ScoreOutput{Shape: []int{2}, Activation: None}, single, []float32{0.5, 0.5}, []float32{0.5, 0.5}, 0},
		"sigmoid of many":     {ScoreOutput{Shape: []int{2}, Activation: Sigmoid}, single, []float32{0, float32(math.Log(4))}, []float32{0.5, 0.8}, 1},
		"single probability":  {ScoreOutput{Shape: []int{1}, Activation: None}, single, []float32{0.3}, []float32{0.7, 0.3}, 0},
		"single threshold":    {ScoreOutput{Activation: None, Threshold: 0.25}, single, []float32{0.25}, []float32{0.75, 0.25}, 1},
		"single logit":        {ScoreOutput{Activation: Sigmoid, Temperature: 2}, single, []float32{float32(2 * math.Log(4))}, []float32{0.2, 0.8}, 1},
	} {
		m := Manifest{Scores: c.out, Classes: c.classes}
		p := make([]float32, len(c.classes))
		label := m.Classify(p, c.scores)
		if label != c.label || !near(p, c.want, 1e-6) {
			t.Errorf("%s: %v label %d, want %v label %d", name, p, label, c.want, c.label)
		}
	}
}

func TestClassifyGivesADistribution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOfN(rapid.Float32(), 2, 8).Draw(t, "scores")
		m := Manifest{Scores: ScoreOutput{Shape: []int{len(scores)}, Activation: Softmax,
			Temperature: rapid.Float64Range(0.1, 10).Draw(t, "temperature")}, Classes: make([]string, len(scores))}
		p := make([]float32, len(scores))
		label := m.Classify(p, scores)
		var sum float64
		for i, v := range p {
			if !(v >= 0 && v <= 1) || v > p[label] || scores[i] > scores[label] && p[i] != p[label] {
				t.Fatalf("scores %v give %v with label %d", scores, p, label)
			}
			sum += float64(v)
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Fatalf("probabilities %v add up to %v", p, sum)
		}
	})
}

func TestNormalise(t *testing.T) {
	v := []float32{3e30, -4e30}
	if !Normalise(v) || !near(v, []float32{0.6, -0.8}, 1e-7) {
		t.Errorf("normalised to %v", v)
	}
	for _, v := range [][]float32{{0, 0}, {float32(math.NaN()), 1}, {float32(math.Inf(1)), 1}, {}} {
		before := slices.Clone(v)
		if Normalise(v) || len(v) > 0 && v[1] != before[1] {
			t.Errorf("%v was normalised to %v", before, v)
		}
	}
}

func TestFloatsKeepTheirBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var values Floats
		for _, bits := range rapid.SliceOf(rapid.Uint32()).Draw(t, "bits") {
			values = append(values, math.Float32frombits(bits))
		}
		text, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		var again Floats
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(values, again, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) {
			t.Fatalf("%v came back as %v", values, again)
		}
	})
	var f Floats
	for _, bad := range []string{`"AAA"`, `"AAAAAAA="`, `[1]`, `"?"`} {
		if json.Unmarshal([]byte(bad), &f) == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

// FuzzManifest checks that any text is read or refused, and that an accepted manifest has sizes that
// can be allocated.
func FuzzManifest(f *testing.F) {
	m := valid()
	text, err := json.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"format":1,"files":{"":""}}`))
	f.Add([]byte(`{"image":{"shape":[9223372036854775807,2,3]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m Manifest
		if m.parse(data) != nil || m.Validate() != nil {
			return
		}
		for _, n := range []int{m.ImageLen(), m.FeatureLen(), m.ScoreLen(), m.EmbeddingLen()} {
			if n < 0 || n > maxValues {
				t.Errorf("a length of %d in %s", n, data)
			}
		}
		if len(m.Classes) < 2 && m.ScoreLen() != 1 && len(m.Classes) != m.ScoreLen() {
			t.Errorf("%d classes for %d scores", len(m.Classes), m.ScoreLen())
		}
	})
}
