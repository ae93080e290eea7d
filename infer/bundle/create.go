package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
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
// names, digests, format and golden are filled in), Model, Recipe, and the inputs of Golden: Rows, Image
// and Features. The golden answers are computed by running the graph on rt's CPU. On an error dir is
// not there.
func Create(rt *ort.Runtime, dir string, draft *Bundle) (*Bundle, error) {
	if draft.Golden == nil {
		return nil, errors.New("bundle: create: no golden inputs")
	}
	b := &Bundle{Dir: dir, Manifest: draft.Manifest, Model: draft.Model, Recipe: draft.Recipe}
	golden := *draft.Golden
	if golden.Tolerance == 0 {
		golden.Tolerance = DefaultTolerance
	}
	if err := golden.answer(rt, b); err != nil {
		return nil, fmt.Errorf("bundle: create: %w", err)
	}
	b.Golden = &golden
	if err := b.write(); err != nil {
		return nil, fmt.Errorf("bundle: create: %w", err)
	}
	return Load(dir)
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

// writeFiles fills in the manifest and writes it and the files it names.
func (b *Bundle) writeFiles(dir string) error {
	golden, err := json.MarshalIndent(b.Golden, "", "  ")
	if err != nil {
		return err
	}
	contents := map[string][]byte{modelFile: b.Model, goldenFile: golden}
	m := &b.Manifest
	m.Format, m.Model, m.Golden = FormatVersion, modelFile, goldenFile
	if m.Image != nil {
		image := *m.Image
		image.Recipe = recipeFile
		m.Image = &image
		contents[recipeFile] = b.Recipe
	}
	m.Files = map[string]string{}
	for name, data := range contents {
		m.Files[name] = hash(data)
	}
	manifest, err := json.MarshalIndent(m, "", "  ")
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
