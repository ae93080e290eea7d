package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/infer/ort/orttest"
)

func TestLoadRefusesChangedFiles(t *testing.T) {
	rt := orttest.Open(t)
	for name, c := range map[string]struct {
		file   string
		change func(data []byte) []byte
		want   string
	}{
		"model":       {"model.onnx", func(d []byte) []byte { d[len(d)-1] ^= 1; return d }, "was changed or damaged"},
		"recipe":      {"recipe.yaml", func(d []byte) []byte { return append(d, '\n') }, "recipe.yaml: has sha256"},
		"golden":      {"golden.json", func(d []byte) []byte { return d[1:] }, "golden.json: has sha256"},
		"unknown key": {ManifestFile, replace(`"name"`, `"nome": 1, "name"`), `"nome"`},
		"line":        {ManifestFile, replace(`"layout": "NCHW"`, `"layout": 7`), "line "},
		"more text":   {ManifestFile, func(d []byte) []byte { return append(d, "{}"...) }, "after the closing brace"},
		"shape":       {ManifestFile, replace("4\n", "5\n"), "is NCHW [2 3 5], but recipe.yaml makes NCHW [2 3 4]"},
		"layout":      {ManifestFile, replace("NCHW", "NHWC"), "makes NCHW"},
		"tensor":      {ManifestFile, replace(`"tensor": "image"`, `"tensor": "img"`), `the graph also needs input "image"`},
		"output":      {ManifestFile, replace(`"tensor": "logits"`, `"tensor": "y"`), `"y" is no output of the graph; it has "logits"`},
		"batch size":  {ManifestFile, replace(`"golden"`, `"batch_size": -2, "golden"`), "batch_size"},
		"two faults":  {ManifestFile, replace(`"version": "1"`, `"version": ""`, `"softmax"`, `"soft"`), "version: is missing\nmanifest.json: scores.activation"},
	} {
		t.Run(name, func(t *testing.T) {
			b := mustImportGrid(t, rt)
			path := filepath.Join(b.Dir, c.file)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.change(data), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(b.Dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// replace makes a change of pairs of texts, each of which must be there.
func replace(pairs ...string) func([]byte) []byte {
	return func(data []byte) []byte {
		text := string(data)
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(text, pairs[i]) {
				return []byte("the manifest does not hold " + pairs[i])
			}
			text = strings.Replace(text, pairs[i], pairs[i+1], 1)
		}
		return []byte(text)
	}
}

func TestLoadListsFaultsOfManifestAndFilesTogether(t *testing.T) {
	rt := orttest.Open(t)
	for name, c := range map[string]struct {
		manifest func([]byte) []byte
		want     []string
	}{
		"manifest wrong": {replace(`"name": "model"`, `"name": ""`), []string{"name: is missing", "model.onnx: has sha256", "files.golden.json"}},
		"manifest right": {replace(`"tensor": "image"`, `"tensor": "img"`, "NCHW", "NHWC"),
			[]string{`"img" is no input`, "model.onnx: has sha256", "files.golden.json", "makes NCHW"}},
	} {
		b := mustImportGrid(t, rt)
		for file, change := range map[string]func([]byte) []byte{
			ManifestFile: c.manifest, "model.onnx": func(d []byte) []byte { return append(d, 0xa2, 0x06, 0) },
		} {
			data, err := os.ReadFile(filepath.Join(b.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(b.Dir, file), change(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Remove(filepath.Join(b.Dir, "golden.json")); err != nil {
			t.Fatal(err)
		}
		_, err := Load(b.Dir)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %v", name, want, err)
			}
		}
	}
}

func TestLoadRefusesMissingFiles(t *testing.T) {
	rt := orttest.Open(t)
	b := mustImportGrid(t, rt)
	for _, name := range []string{"model.onnx", "golden.json"} {
		if err := os.Remove(filepath.Join(b.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Load(b.Dir)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "model.onnx") || !strings.Contains(err.Error(), "golden.json") {
		t.Errorf("error %v, want one that names both files", err)
	}
	if _, err := Load(filepath.Join(b.Dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want ErrNotExist", err)
	}
}
