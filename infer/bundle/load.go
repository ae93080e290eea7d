package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/galaxalign/galaxalign/infer/onnx"
	"github.com/galaxalign/galaxalign/schemas"
)

// The limits of what Load reads, in bytes. An ONNX file is a protobuf message, which ends at 2 GiB.
const (
	maxManifest = 16 << 20
	maxFile     = 2 << 30
)

// Load reads a bundle and checks all of it. The error lists every fault that was found.
func Load(dir string) (*Bundle, error) {
	b, err := load(dir)
	if err != nil {
		return nil, fmt.Errorf("bundle %s: %w", dir, err)
	}
	return b, nil
}

// load reads the manifest and every file it lists, and then, where the manifest is right by itself,
// compares with one another what could be read.
func load(dir string) (*Bundle, error) {
	b := &Bundle{Dir: dir}
	if err := b.readManifest(); err != nil {
		return nil, err
	}
	errs := []error{b.Manifest.Validate(), b.readFiles()}
	if errs[0] == nil {
		errs = append(errs, b.checkGraph(), b.checkRecipe(), b.checkGolden())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	b.describe()
	return b, nil
}

// readManifest reads manifest.json.
func (b *Bundle) readManifest() error {
	data, err := readFile(filepath.Join(b.Dir, ManifestFile), maxManifest)
	if err != nil {
		return err
	}
	return b.Manifest.parse(data)
}

// parse reads a manifest and refuses keys it does not know.
func (m *Manifest) parse(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return fmt.Errorf("%s: line %d: %w", ManifestFile, lineOf(data, dec.InputOffset()), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: line %d: more text after the closing brace", ManifestFile, lineOf(data, dec.InputOffset()))
	}
	return nil
}

// lineOf returns the line of a byte position, counted from 1.
func lineOf(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int64(len(data)), offset)], []byte("\n"))
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes is over the limit of %d", path, info.Size(), limit)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// readFiles reads every file the manifest lists and compares its digest.
func (b *Bundle) readFiles() error {
	m := &b.Manifest
	b.Extra = map[string][]byte{}
	var errs []error
	for _, name := range sortedKeys(m.Files) {
		if !filepath.IsLocal(name) {
			continue // a fault of the manifest
		}
		data, err := readFile(filepath.Join(b.Dir, name), maxFile)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: files.%s: %w", ManifestFile, name, err))
			continue
		}
		if sum := hash(data); sum != m.Files[name] {
			errs = append(errs, fmt.Errorf("%s: has sha256 %s, %s says %s: the file was changed or damaged; "+
				"restore it, or import the model again", name, sum, ManifestFile, m.Files[name]))
		}
		b.keep(name, data)
	}
	return errors.Join(errs...)
}

// keep puts the content of a file where it belongs.
func (b *Bundle) keep(name string, data []byte) {
	switch m := &b.Manifest; {
	case name == m.Model:
		b.Model = data
	case name == m.Golden:
		b.golden = data
	case m.Image != nil && name == m.Image.Recipe:
		b.Recipe = data
	default:
		b.Extra[name] = data
	}
}

// sortedKeys returns the keys in order, so that errors come in the same order every time.
func sortedKeys(files map[string]string) []string {
	keys := make([]string, 0, len(files))
	for name := range files {
		keys = append(keys, name)
	}
	slices.Sort(keys)
	return keys
}

// describe fills in what a record says of the model.
func (b *Bundle) describe() {
	m := &b.Manifest
	b.info = schemas.ModelInfo{
		Name: m.Name, Version: m.Version, Hash: hash(b.Model), RecipeHash: b.recipeHash,
		Classes: m.Classes, Embedding: m.EmbeddingLen(),
	}
}

// hash returns the SHA-256 of data in lower-case hexadecimal digits.
func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// checkGraph compares the tensors the manifest names with those of the graph.
func (b *Bundle) checkGraph() error {
	m := &b.Manifest
	if b.Model == nil {
		return nil // it could not be read
	}
	model, err := onnx.Parse(b.Model)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Model, err)
	}
	if model.Graph.HasExternalData() {
		return fmt.Errorf("%s: keeps its weights in another file; save the model as one file", m.Model)
	}
	c := graphCheck{manifest: m, graph: model.Graph}
	if m.Image != nil {
		c.input("image", m.Image.Tensor, m.Image.Shape)
	}
	if m.Features != nil {
		c.input("features", m.Features.Tensor, []int{len(m.Features.Names)})
	}
	c.otherInputs()
	c.output("scores", m.Scores.Tensor, m.Scores.Shape)
	if m.Embedding != nil {
		c.output("embedding", m.Embedding.Tensor, m.Embedding.Shape)
	}
	return errors.Join(c.errs...)
}
