package baseline

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/ort/orttest"
	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// openShipped unpacks the bundle inside the program and opens it, which runs its self-check.
func openShipped(t *testing.T) (*bundle.Bundle, *infer.Model) {
	t.Helper()
	dir := t.TempDir()
	if err := starter.Unpack(dir); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := infer.Open(orttest.Open(t), b, infer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, m
}

// shippedProvenance is what the bundle says of how it was made.
type shippedProvenance struct {
	Train, Test int
	Seed        uint64
}

// TestShippedBundleStatesItsMetrics reads the manifest of the bundle inside the program.
func TestShippedBundleStatesItsMetrics(t *testing.T) {
	b, _ := openShipped(t)
	if got, want := strings.Join(b.Manifest.Classes, "|"), strings.Join(simulate.ClassNames(), "|"); got != want {
		t.Errorf("classes %s, want %s", got, want)
	}
	if !bytes.Equal(b.Recipe, starter.Recipe) {
		t.Error("the bundle's recipe is not the package's")
	}
	report := shippedReport(t, b)
	scores := append([]Score{report.Simulated, report.Varied}, report.Real...)
	if len(scores) < 5 {
		t.Errorf("%d scores, want two of the simulated survey, two halves and a folder of real pictures", len(scores))
	}
	for _, s := range scores {
		t.Run(s.Name, func(t *testing.T) { checkScore(t, s) })
	}
}

func shippedReport(t *testing.T, b *bundle.Bundle) Report {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(b.Manifest.Metrics))
	decoder.DisallowUnknownFields()
	var report Report
	if err := decoder.Decode(&report); err != nil {
		t.Fatal(err)
	}
	return report
}

// checkScore checks that a score has all its fields and that its parts agree.
func checkScore(t *testing.T, s Score) {
	if s.Name == "" || s.Pictures < 10 {
		t.Errorf("name %q, %d pictures", s.Name, s.Pictures)
	}
	if s.Accuracy <= 0 || s.Accuracy > 1 || s.MacroF1 <= 0 || s.MacroF1 > 1 {
		t.Errorf("accuracy %v, macro-F1 %v, want 0 to 1", s.Accuracy, s.MacroF1)
	}
	low, high := 1.0, 0.0
	for name, v := range s.Classes {
		low, high = min(low, v), max(high, v)
		if v < 0 || v > 1 {
			t.Errorf("accuracy of %s is %v, want 0 to 1", name, v)
		}
	}
	if s.Accuracy < low || s.Accuracy > high {
		t.Errorf("accuracy %v is not between those of the classes, %v to %v", s.Accuracy, low, high)
	}
}

// TestShippedBundleDoesAsItStates runs the bundle on galaxies of another seed than its own, by the path
// that serves: packet, decoder, recipe, model.
func TestShippedBundleDoesAsItStates(t *testing.T) {
	b, m := openShipped(t)
	var made shippedProvenance
	if err := json.Unmarshal(b.Manifest.Provenance, &made); err != nil {
		t.Fatal(err)
	}
	s, err := newSampler(orttest.Open(t), made.Seed+1000)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.meter.Close(); err != nil {
			t.Error(err)
		}
	})
	const galaxies = 200
	served := func(r *reader, i uint64) ([]float32, int, error) {
		_, class, err := r.packet(i)
		return slices.Clone(r.tensor), class, err
	}
	set, err := s.draw(t.Context(), served, 0, galaxies, func() {})
	if err != nil {
		t.Fatal(err)
	}
	buffers := m.NewBuffers()
	defer buffers.Close()
	got := score("fresh", &server{t, m, buffers}, set)
	stated := shippedReport(t, b).Simulated
	if d := got.Accuracy - stated.Accuracy; d < -0.03 || d > 0.03 {
		t.Errorf("accuracy %.3f on %d fresh galaxies, the bundle states %.3f; by class %v", got.Accuracy, galaxies, stated.Accuracy, got.Classes)
	}
}

// server answers for tensors by the model of a bundle.
type server struct {
	t       *testing.T
	model   *infer.Model
	buffers *infer.Buffers
}

func (s *server) Predict(tensor []float32) int {
	copy(s.buffers.ImageRow(0), tensor)
	if err := s.model.Run(s.buffers, 1); err != nil {
		s.t.Fatal(err)
	}
	if fault := s.buffers.Fault(0); fault != nil {
		s.t.Fatal(fault)
	}
	return s.buffers.Label(0)
}
