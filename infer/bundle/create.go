package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/galaxalign/galaxalign/infer/ort"
)

// The file names that Create gives.
const (
	modelFile  = "model.onnx"
	recipeFile = "recipe.yaml"
	goldenFile = "golden.json"
)

// DefaultTolerance is the golden tolerance when none is given. It allows for the reduced precision of
// matrix units on GPUs and is far below the difference that a wrong file or input order makes.
const DefaultTolerance = 1e-3

// Create writes a bundle to dir, which must not exist, and loads it. From draft it takes Manifest (file
// names, digests, format and golden are filled in), Model, Recipe, Extra, and the inputs of Golden: Rows,
// Image and Features. The golden answers are computed by running the graph on rt's CPU. On an error dir is
// not there.
func Create(rt *ort.Runtime, dir string, draft *Bundle) (*Bundle, error) {
	if draft.Golden == nil {
		return nil, errors.New("bundle: create: no golden inputs")
	}
	golden := *draft.Golden
	if golden.Tolerance == 0 {
		golden.Tolerance = DefaultTolerance
	}
	b := &Bundle{Dir: dir, Manifest: draft.Manifest, Model: draft.Model, Recipe: draft.Recipe, Golden: &golden, Extra: draft.Extra}
	if err := b.complete(rt); err != nil {
		return nil, fmt.Errorf("bundle: create: %w", err)
	}
	if err := b.write(); err != nil {
		return nil, fmt.Errorf("bundle: create: %w", err)
	}
	return Load(dir)
}

// complete names the files, checks what there is as Load will, and computes the golden answers.
func (b *Bundle) complete(rt *ort.Runtime) error {
	m := &b.Manifest
	m.Format, m.Model, m.Golden = FormatVersion, modelFile, goldenFile
	m.Files = map[string]string{modelFile: hash(b.Model), goldenFile: hash(nil)}
	if m.Image != nil {
		image := *m.Image
		image.Recipe = recipeFile
		m.Image = &image
		m.Files[recipeFile] = hash(b.Recipe)
	}
	for name, data := range b.Extra {
		if _, taken := m.Files[name]; taken || name != filepath.Base(name) {
			return fmt.Errorf("extra file %q: needs a plain name other than %s, %s and %s", name, modelFile, recipeFile, goldenFile)
		}
		m.Files[name] = hash(data)
	}
	if err := m.Validate(); err != nil {
		return err
	}
	if err := errors.Join(b.checkGraph(), b.checkRecipe()); err != nil {
		return err
	}
	return b.Golden.answer(rt, b)
}

// write writes all files into a folder beside dir, loads it as a check, and renames it.
func (b *Bundle) write() (err error) {
	parent := filepath.Dir(filepath.Clean(b.Dir))
	if _, err := os.Lstat(b.Dir); err == nil {
		return fmt.Errorf("%s exists already; choose another folder or remove it", b.Dir)
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	staging, err := os.MkdirTemp(parent, ".bundle-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()
	if err := b.writeFiles(staging); err != nil {
		return err
	}
	if _, err := Load(staging); err != nil {
		return err
	}
	if err := os.Chmod(staging, 0o755); err != nil {
		return err
	}
	return os.Rename(staging, b.Dir)
}

// writeFiles writes the files and the manifest, with the digest of the golden answers.
func (b *Bundle) writeFiles(dir string) error {
	golden, err := json.MarshalIndent(b.Golden, "", "  ")
	if err != nil {
		return err
	}
	contents := map[string][]byte{modelFile: b.Model, goldenFile: golden}
	if b.Manifest.Image != nil {
		contents[recipeFile] = b.Recipe
	}
	maps.Copy(contents, b.Extra)
	b.Manifest.Files[goldenFile] = hash(golden)
	manifest, err := json.MarshalIndent(b.Manifest, "", "  ")
	if err != nil {
		return err
	}
	contents[ManifestFile] = append(manifest, '\n')
	for name, data := range contents {
		if err := writeDurably(filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	return nil
}

// writeDurably writes a file and has it reach the disk.
func writeDurably(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}
