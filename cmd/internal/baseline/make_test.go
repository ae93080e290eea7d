package baseline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/ort/orttest"
)

// tiny is a configuration that takes a second or two.
func tiny(dir string) Config { return Config{Dir: dir, Train: 40, Test: 10, Seed: 5} }

// TestMake makes the same bundle twice, with real pictures beside, and one of another seed.
func TestMake(t *testing.T) {
	rt := orttest.Open(t)
	pictures := pictureFolder(t, "file,galaxy10\na.png,2\nb.png,8\nc.png,4\n", "a.png", "b.png", "c.png")
	dirs := [3]string{}
	var report *Report
	for i := range dirs {
		dirs[i] = filepath.Join(t.TempDir(), "starter")
		cfg := tiny(dirs[i])
		cfg.Real, cfg.Split = []string{pictures}, []string{pictures}
		if i == 2 {
			cfg.Seed = 6
		}
		var drawn atomic.Int64
		cfg.Progress = func(done, total int) {
			drawn.Add(1)
			if total != 60 || done < 1 || done > total {
				t.Errorf("progress %d of %d", done, total)
			}
		}
		var err error
		if report, err = Make(t.Context(), rt, cfg); err != nil {
			t.Fatal(err)
		}
		if drawn.Load() != 60 {
			t.Errorf("progress was called %d times, want 60", drawn.Load())
		}
	}
	for _, name := range []string{"manifest.json", "model.onnx", "golden.json", "recipe.yaml"} {
		a, b, other := read(t, dirs[0], name), read(t, dirs[1], name), read(t, dirs[2], name)
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs between two runs of one seed", name)
		}
		if name == "model.onnx" && bytes.Equal(a, other) {
			t.Error("another seed gave the same model")
		}
	}
	checkBundle(t, dirs[2], report)
}

// checkBundle opens a bundle, which runs its self-check, and compares the metrics it states.
func checkBundle(t *testing.T, dir string, report *Report) {
	t.Helper()
	b, err := bundle.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := infer.Open(orttest.Open(t), b, infer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var stated, want bytes.Buffer
	if err := errors.Join(json.Compact(&stated, b.Manifest.Metrics), json.NewEncoder(&want).Encode(report)); err != nil {
		t.Fatal(err)
	}
	if stated.String() != strings.TrimSpace(want.String()) {
		t.Errorf("manifest states\n%s\nMake returned\n%s", &stated, &want)
	}
	if n := len(report.Real); n != 3 || report.Real[0].Pictures+report.Real[1].Pictures != 3 || report.Real[2].Pictures != 3 {
		t.Errorf("scores of real pictures: %+v", report.Real)
	}
	if report.Simulated.Pictures != 10 || report.Varied.Pictures != 10 {
		t.Errorf("held out: %d and %d galaxies, want 10 each", report.Simulated.Pictures, report.Varied.Pictures)
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestMakeRefusesBeforeDrawing gives configurations and folders that cannot work.
func TestMakeRefusesBeforeDrawing(t *testing.T) {
	rt := orttest.Open(t)
	taken := t.TempDir()
	for name, c := range map[string]struct {
		change func(*Config)
		want   []string
	}{
		"folder exists": {func(c *Config) { c.Dir = taken }, []string{taken, "exists already", "choose another folder or remove it"}},
		"no folder":     {func(c *Config) { c.Dir = "" }, []string{"no folder named"}},
		"few to fit to": {func(c *Config) { c.Train = 9 }, []string{"train: is 9", "10 or more"}},
		"none held out": {func(c *Config) { c.Test = 0 }, []string{"test: is 0", "1 or more"}},
		"all at once":   {func(c *Config) { c.Train, c.Test = -1, -1 }, []string{"train: is -1", "test: is -1"}},
		"no labels":     {func(c *Config) { c.Real = []string{taken} }, []string{filepath.Join(taken, "labels.csv"), "needs a file labels.csv"}},
		"no such split": {func(c *Config) { c.Split = []string{"nowhere"} }, []string{filepath.Join("nowhere", "labels.csv")}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tiny(filepath.Join(t.TempDir(), "starter"))
			cfg.Progress = func(int, int) { t.Error("a galaxy was drawn") }
			c.change(&cfg)
			_, err := Make(t.Context(), rt, cfg)
			wantError(t, err, c.want)
			if entries, _ := os.ReadDir(filepath.Dir(cfg.Dir)); c.want[0] != taken && cfg.Dir != "" && len(entries) != 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

func wantError(t *testing.T, err error, parts []string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

// TestMakeStops cancels after the first galaxy.
func TestMakeStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := tiny(filepath.Join(t.TempDir(), "starter"))
	cfg.Train = 1 << 20
	cfg.Progress = func(int, int) { cancel() }
	if _, err := Make(ctx, orttest.Open(t), cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if _, err := os.Stat(cfg.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a bundle is there: %v", err)
	}
}
