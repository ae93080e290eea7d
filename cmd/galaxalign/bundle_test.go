package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/infer/onnx"
)

// tinyModel writes a classifier of triplets of 63 by 63 pixels: it averages each stamp over blocks of 21
// pixels (27 values, "features") and multiplies them with fixed weights into a single score.
func tinyModel(t *testing.T, dir string) string {
	t.Helper()
	b := onnx.NewBuilder("tiny")
	n := onnx.Symbol("N")
	x := b.Input("triplet", onnx.Float, n, onnx.Axis(63), onnx.Axis(63), onnx.Axis(3))
	planes := b.Op("Transpose", []string{x}, onnx.IntsAttribute("perm", 0, 3, 1, 2))
	means := b.Op("AveragePool", []string{planes}, onnx.IntsAttribute("kernel_shape", 21, 21), onnx.IntsAttribute("strides", 21, 21))
	features := b.Named("features", "Flatten", []string{means})
	weights := make([]float32, 27)
	for i := range weights {
		weights[i] = float32(i%5-2) * 20
	}
	logit := b.Op("MatMul", []string{features, b.Constant(onnx.FloatTensor("w", []int64{27, 1}, weights))})
	b.Output(b.Named("score", "Sigmoid", []string{logit}), onnx.Float, n, onnx.Axis(1))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return save(t, dir, "tiny.onnx", m.Marshal())
}

// TestBundle imports a classifier, shows it, and notices when a file of the bundle is no longer the same.
func TestBundle(t *testing.T) {
	dir := t.TempDir()
	model, folder := tinyModel(t, dir), filepath.Join(dir, "tiny")
	out := must(t, "bundle", "import", model, folder, "--recipe", "braai", "--classes", "bogus,real", "--embedding", "features", "--version", "7")
	shown := must(t, "bundle", "show", folder)
	if out != shown {
		t.Errorf("import printed\n%s\nshow printed\n%s", out, shown)
	}
	contains(t, shown, "tiny 7   "+folder, "classes    bogus, real", "image      triplet NHWC [63 63 3]", "scores     score, activation none",
		"embedding  features, 27 values", "model hash ")

	if _, err := command(t, "bundle", "import", model, folder, "--recipe", "braai"); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("importing over a bundle: %v", err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"classes":   {[]string{"--recipe", "braai", "--classes", "a,b,c"}, "classes"},
		"recipe":    {[]string{}, "recipe"},
		"shape":     {[]string{"--recipe", "legacy_grz"}, "63"},
		"embedding": {[]string{"--recipe", "braai", "--embedding", "feature"}, "feature"},
	} {
		_, err := command(t, append([]string{"bundle", "import", model, filepath.Join(dir, "other")}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v does not name %q", name, err, c.want)
		}
		if _, err := os.Stat(filepath.Join(dir, "other")); err == nil {
			t.Errorf("%s: a refused import left a folder behind", name)
		}
	}

	onnxFile := filepath.Join(folder, "model.onnx")
	data, err := os.ReadFile(onnxFile)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	save(t, folder, "model.onnx", data)
	if _, err := command(t, "bundle", "show", folder); err == nil || !strings.Contains(err.Error(), "model.onnx") {
		t.Errorf("a damaged bundle: %v", err)
	}
}
