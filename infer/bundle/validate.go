package bundle

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// maxValues bounds the product of the axes of one row: 2^28 float32 are 1 GiB.
const maxValues = 1 << 28

// digest is what a value of Files looks like.
var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// checker collects faults under the keys of the manifest.
type checker struct{ errs []error }

// fault records a fault.
func (c *checker) fault(key, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s: %s: %s", ManifestFile, key, fmt.Sprintf(format, args...)))
}

// need records a fault when a text is empty.
func (c *checker) need(key, value string) {
	if strings.TrimSpace(value) == "" {
		c.fault(key, "is missing")
	}
}

// axes checks the axes of a row.
func (c *checker) axes(key string, axes []int) {
	n := 1
	for _, a := range axes {
		if a < 1 || a > maxValues/n {
			c.fault(key, "%v: every axis must be positive and their product at most %d", axes, maxValues)
			return
		}
		n *= a
	}
}

// Validate lists every fault that the manifest has by itself, without looking at the files.
func (m *Manifest) Validate() error {
	c := &checker{}
	if m.Format != FormatVersion {
		c.fault("format", "is %d, this program reads %d", m.Format, FormatVersion)
	}
	c.need("name", m.Name)
	c.need("version", m.Version)
	if m.BatchSize < 0 {
		c.fault("batch_size", "is %d; 0 means any number of rows", m.BatchSize)
	}
	m.checkInputs(c)
	m.checkOutputs(c)
	m.checkClasses(c)
	m.checkFiles(c)
	return errors.Join(c.errs...)
}

// checkInputs checks the image and feature inputs.
func (m *Manifest) checkInputs(c *checker) {
	if m.Image == nil && m.Features == nil {
		c.fault("image and features", "both are missing; a model needs at least one")
	}
	if m.Image != nil {
		c.need("image.tensor", m.Image.Tensor)
		if m.Image.Layout != NCHW && m.Image.Layout != NHWC {
			c.fault("image.layout", "is %q, want %s or %s", m.Image.Layout, NCHW, NHWC)
		}
		if len(m.Image.Shape) != 3 {
			c.fault("image.shape", "%v: want three axes in the order of the layout, without the batch axis", m.Image.Shape)
		}
		c.axes("image.shape", m.Image.Shape)
	}
	if m.Features != nil {
		c.need("features.tensor", m.Features.Tensor)
		if len(m.Features.Names) == 0 {
			c.fault("features.names", "is empty; name the features in the order of the tensor's columns")
		}
		c.unique("features.names", m.Features.Names)
		if m.Image != nil && m.Image.Tensor == m.Features.Tensor {
			c.fault("features.tensor", "is %q as well as image.tensor", m.Features.Tensor)
		}
	}
}

// unique refuses empty and repeated names.
func (c *checker) unique(key string, names []string) {
	seen := map[string]bool{}
	for i, name := range names {
		if name == "" || seen[name] {
			c.fault(fmt.Sprintf("%s[%d]", key, i), "%q is empty or there twice", name)
		}
		seen[name] = true
	}
}

// checkOutputs checks the score and embedding outputs.
func (m *Manifest) checkOutputs(c *checker) {
	s := &m.Scores
	c.need("scores.tensor", s.Tensor)
	c.axes("scores.shape", s.Shape)
	switch s.Activation {
	case Softmax, Sigmoid, None:
	default:
		c.fault("scores.activation", "is %q, want %s, %s or %s", s.Activation, Softmax, Sigmoid, None)
	}
	if !(s.Temperature >= 0) {
		c.fault("scores.temperature", "is %v, want a positive number", s.Temperature)
	}
	if s.Activation == None && s.Temperature != 0 && s.Temperature != 1 {
		c.fault("scores.temperature", "is %v, but with activation none there are no logits to divide", s.Temperature)
	}
	if !(s.Threshold >= 0 && s.Threshold <= 1) {
		c.fault("scores.threshold", "is %v, want 0 to 1", s.Threshold)
	}
	if e := m.Embedding; e != nil {
		c.need("embedding.tensor", e.Tensor)
		c.axes("embedding.shape", e.Shape)
		if e.Tensor == s.Tensor {
			c.fault("embedding.tensor", "is %q as well as scores.tensor", e.Tensor)
		}
	}
}

// checkClasses compares the classes with the number of scores.
func (m *Manifest) checkClasses(c *checker) {
	scores := m.ScoreLen()
	switch {
	case scores == 1 && len(m.Classes) != 2:
		c.fault("classes", "has %d names; a single score needs two, negative and positive", len(m.Classes))
	case scores == 1 && m.Scores.Activation == Softmax:
		c.fault("scores.activation", "softmax of a single score is always 1; want %s or %s", Sigmoid, None)
	case scores != 1 && len(m.Classes) != scores:
		c.fault("classes", "has %d names for %d scores", len(m.Classes), scores)
	case scores != 1 && m.Scores.Threshold != 0:
		c.fault("scores.threshold", "is only for a single score; the label is the class of highest probability")
	}
	c.unique("classes", m.Classes)
}

// checkFiles checks that every file that is used is listed with a digest and lies in the folder.
func (m *Manifest) checkFiles(c *checker) {
	use := func(key, name string) {
		c.need(key, name)
		if _, ok := m.Files[name]; name != "" && !ok {
			c.fault(key, "%q is not among files; add it with its sha256", name)
		}
	}
	use("model", m.Model)
	use("golden", m.Golden)
	if m.Image != nil {
		use("image.recipe", m.Image.Recipe)
	}
	for _, name := range sortedKeys(m.Files) {
		if !filepath.IsLocal(name) || name == ManifestFile {
			c.fault("files."+name, "must be a file of the bundle's folder other than %s", ManifestFile)
		}
		if !digest.MatchString(m.Files[name]) {
			c.fault("files."+name, "%q is no sha256 of 64 lower-case hexadecimal digits", m.Files[name])
		}
	}
}
