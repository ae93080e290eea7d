package main

import (
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// names lists the files of a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(entries))
	for i, e := range entries {
		out[i] = e.Name()
	}
	return out
}

// TestSimulate draws skies into files, a topic and a picture.
func TestSimulate(t *testing.T) {
	dir := t.TempDir()
	one, two, other := filepath.Join(dir, "1"), filepath.Join(dir, "2"), filepath.Join(dir, "3")
	contains(t, must(t, "simulate", "--out", one, "--count", "3", "--size", "32", "--seed", "4"), "3 files in "+one)
	must(t, "simulate", "--out", two, "--count", "3", "--size", "32", "--seed", "4")
	must(t, "simulate", "--out", other, "--count", "2", "--format", "ztf", "--seed", "4")
	if a, b := names(t, one), names(t, two); len(a) != 3 || !slices.Equal(a, b) {
		t.Errorf("the same seed named %v and then %v", a, b)
	}
	for _, name := range names(t, other) {
		if !strings.HasSuffix(name, ".avro") {
			t.Errorf("%s is no packet", name)
		}
	}

	broker := embeddedBroker(t, nil)
	out := must(t, "simulate", "--brokers", broker, "--topic", "sky", "--partitions", "3", "--format", "ztf", "--rate", "500", "--poisson", "--count", "40")
	contains(t, out, "40 packets published to sky in ")
	keys := map[string]bool{}
	for _, m := range readTopic(t, broker, "sky") {
		keys[string(m.Key)] = true
	}
	if len(keys) != 40 {
		t.Errorf("%d objects in the topic, want 40", len(keys))
	}

	sheet := filepath.Join(dir, "sheet.png")
	must(t, "simulate", "--sheet", sheet, "--size", "32")
	f, err := os.Open(sheet)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(f)
	if err := errorsOf(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if size := img.Bounds().Size(); size.X < 8*32 || size.Y < 10*32 {
		t.Errorf("a contact sheet of %v for 8 galaxies of 10 classes", size)
	}
}
