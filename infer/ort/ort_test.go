package ort

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/galaxalign/galaxalign/infer/onnx"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openRuntime finds or fetches the library; where that fails the test fails, for nothing of inference
// could be checked.
func openRuntime(tb testing.TB) *Runtime {
	tb.Helper()
	lib, err := Locate(tb.Context(), Options{Progress: os.Stderr})
	if err != nil {
		tb.Fatal(err)
	}
	rt, err := Open(lib)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := rt.Close(); err != nil {
			tb.Error(err)
		}
	})
	return rt
}

// addGraph computes sum = a + b over [N,2] and count = the shape of a.
func addGraph(t testing.TB) []byte {
	t.Helper()
	b := onnx.NewBuilder("add")
	x := b.Input("a", onnx.Float, onnx.Symbol("N"), onnx.Axis(2))
	y := b.Input("b", onnx.Float, onnx.Symbol("N"), onnx.Axis(2))
	b.Output(b.Named("sum", "Add", []string{x, y}), onnx.Float, onnx.Symbol("N"), onnx.Axis(2))
	b.Output(b.Named("count", "Shape", []string{x}), onnx.Int64, onnx.Axis(2))
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return m.Marshal()
}

// openAdd opens a session of the add graph.
func openAdd(t testing.TB, rt *Runtime) *Session {
	t.Helper()
	s, err := rt.NewSession(addGraph(t), SessionConfig{Inputs: []string{"a", "b"}, Outputs: []string{"sum", "count"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestOpenCountsUsers(t *testing.T) {
	first := openRuntime(t)
	second, err := Open(first.Library())
	if err != nil {
		t.Fatal(err)
	}
	if v := first.Library().Version; !supported(v) || first.Library() != second.Library() {
		t.Errorf("libraries %v and %v", first.Library(), second.Library())
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second close: %v, want ErrClosed", err)
	}
	if _, err := second.NewSession(addGraph(t), SessionConfig{Inputs: []string{"a", "b"}, Outputs: []string{"sum"}}); !errors.Is(err, ErrClosed) {
		t.Errorf("session of a closed runtime: %v, want ErrClosed", err)
	}
	openAdd(t, first) // the library is still loaded
}

func TestOpenAgainAfterUnloading(t *testing.T) {
	for range 2 {
		t.Run("round", func(t *testing.T) { openAdd(t, openRuntime(t)) })
	}
}

func TestOpenRefusesASecondLibrary(t *testing.T) {
	rt := openRuntime(t)
	copied := filepath.Join(t.TempDir(), "libonnxruntime.so")
	from, err := os.Open(rt.Library().Path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(copied)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Library{Path: copied}); err == nil || !strings.Contains(err.Error(), "loaded already") {
		t.Errorf("error %v, want that another library is loaded already", err)
	}
}

func TestOpenRefusesWhatIsNotTheLibrary(t *testing.T) {
	lib, err := Locate(t.Context(), Options{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "lib.so")
	if err := os.WriteFile(text, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := lib
	other.Version = "1.29.0"
	for name, bad := range map[string]Library{"absent": {Path: text + "2"}, "text": {Path: text}, "version": other} {
		rt, err := Open(bad)
		if err == nil {
			t.Errorf("%s: opened", name)
			rt.Close()
		} else if name != "absent" && !strings.Contains(err.Error(), EnvVar) {
			t.Errorf("%s: error without a way out: %v", name, err)
		}
	}
}

func TestSupported(t *testing.T) {
	for version, want := range map[string]bool{
		"1.24.0": true, "1.30.0": true, "1.24": true, "1.23.2": false, "2.0.0": false, "": false, "1": false, "1.x": false,
	} {
		if supported(version) != want {
			t.Errorf("%q: %v", version, !want)
		}
	}
}

func TestRun(t *testing.T) {
	s := openAdd(t, openRuntime(t))
	out, err := s.Run([]Tensor{
		{Shape: []int64{2, 2}, Float32: []float32{1, 2, 3, 4}},
		{Shape: []int64{2, 2}, Float32: []float32{10, 20, 30, 40}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 2 || out[0].Name != "sum" || !slices.Equal(out[0].Float32, []float32{11, 22, 33, 44}) ||
		!slices.Equal(out[1].Int64, []int64{2, 2}) || !slices.Equal(out[0].Shape, []int64{2, 2}) {
		t.Errorf("outputs %+v", out)
	}
	if _, err := s.Run([]Tensor{{Shape: []int64{1, 2}, Float32: []float32{1, 2}}}); err == nil {
		t.Error("a missing input was accepted")
	}
	if _, err := s.Run([]Tensor{
		{Shape: []int64{1, 3}, Float32: []float32{1, 2, 3}}, {Shape: []int64{1, 2}, Float32: []float32{1, 2}},
	}); err == nil {
		t.Error("a wrong shape was accepted")
	}
}

func TestTensorCheck(t *testing.T) {
	for name, bad := range map[string]Tensor{
		"longer than shape": {Shape: []int64{2}, Float32: make([]float32, 3)},
		"shorter":           {Shape: []int64{2}, Float32: make([]float32, 1)},
		"empty shape":       {Float32: make([]float32, 1)},
		"no values":         {Shape: []int64{1}},
		"both":              {Shape: []int64{1}, Float32: make([]float32, 1), Int64: make([]int64, 1)},
		"zero axis":         {Shape: []int64{0}, Float32: []float32{}},
		"negative":          {Shape: []int64{-1, -2}, Int64: make([]int64, 2)},
		"overflow":          {Shape: []int64{1 << 32, 1 << 32}, Int64: make([]int64, 0)},
	} {
		if bad.check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := (Tensor{Shape: []int64{1}, Int64: []int64{3}}).check(); err != nil {
		t.Errorf("a scalar: %v", err)
	}
}

func TestBindRunsOnTheCallersMemory(t *testing.T) {
	s := openAdd(t, openRuntime(t))
	a, b, sum, count := make([]float32, 6), make([]float32, 6), make([]float32, 6), make([]int64, 2)
	bound, err := s.Bind(
		[]Tensor{{Name: "a", Shape: []int64{3, 2}, Float32: a}, {Name: "b", Shape: []int64{3, 2}, Float32: b}},
		[]Tensor{{Name: "sum", Shape: []int64{3, 2}, Float32: sum}, {Name: "count", Shape: []int64{2}, Int64: count}})
	if err != nil {
		t.Fatal(err)
	}
	var round float32
	run := func() {
		round++
		for i := range a {
			a[i], b[i] = round, float32(i)
		}
		if err := bound.Run(); err != nil {
			t.Error(err)
		}
		for i := range sum {
			if sum[i] != round+float32(i) {
				t.Fatalf("round %v: sum %v", round, sum)
			}
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
	if !slices.Equal(count, []int64{3, 2}) {
		t.Errorf("count %v", count)
	}
	if err := s.Close(); err == nil {
		t.Fatal("the session closed under a binding")
	}
	if err := bound.Close(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(bound.Run(), bound.Close()); !errors.Is(err, ErrClosed) {
		t.Errorf("use after close: %v, want ErrClosed", err)
	}
}

func TestBindRefusesAndTheSessionStaysUsable(t *testing.T) {
	s := openAdd(t, openRuntime(t))
	row := func(name string, n int64) Tensor {
		return Tensor{Name: name, Shape: []int64{1, n}, Float32: make([]float32, n)}
	}
	count := Tensor{Name: "count", Shape: []int64{2}, Int64: make([]int64, 2)}
	for name, c := range map[string]struct{ inputs, outputs []Tensor }{
		"unknown input":  {[]Tensor{row("a", 2), row("x", 2)}, []Tensor{row("sum", 2), count}},
		"unknown output": {[]Tensor{row("a", 2), row("b", 2)}, []Tensor{row("total", 2), count}},
		"output shape":   {[]Tensor{row("a", 2), row("b", 2)}, []Tensor{row("sum", 3), count}},
		"bad tensor":     {[]Tensor{row("a", 2), {Name: "b", Shape: []int64{1, 2}, Float32: make([]float32, 3)}}, []Tensor{row("sum", 2), count}},
	} {
		bound, err := s.Bind(c.inputs, c.outputs)
		if err == nil {
			err = bound.Run()
			if closeErr := bound.Close(); closeErr != nil {
				t.Error(closeErr)
			}
		}
		if err == nil {
			t.Errorf("%s: ran", name)
		}
	}
	if _, err := s.Run([]Tensor{row("a", 2), row("b", 2)}); err != nil {
		t.Errorf("after the refusals: %v", err)
	}
}

func TestSessionRefuses(t *testing.T) {
	rt := openRuntime(t)
	good := SessionConfig{Inputs: []string{"a", "b"}, Outputs: []string{"sum"}}
	for name, c := range map[string]struct {
		model []byte
		cfg   SessionConfig
	}{
		"no model":     {nil, good},
		"no graph":     {[]byte("text"), good},
		"no outputs":   {addGraph(t), SessionConfig{Inputs: []string{"a"}}},
		"device":       {addGraph(t), SessionConfig{Inputs: good.Inputs, Outputs: good.Outputs, Device: "cuda:x"}},
		"other device": {addGraph(t), SessionConfig{Inputs: good.Inputs, Outputs: good.Outputs, Device: "npu"}},
	} {
		if s, err := rt.NewSession(c.model, c.cfg); err == nil {
			t.Errorf("%s: accepted", name)
			s.Close()
		}
	}
}

func TestCUDAIsNeverReplacedByTheCPU(t *testing.T) {
	rt := openRuntime(t)
	s, err := rt.NewSession(addGraph(t), SessionConfig{Inputs: []string{"a", "b"}, Outputs: []string{"sum"}, Device: "cuda:0"})
	if err == nil {
		if s.Device() != "cuda:0" {
			t.Errorf("a session on %s was given for cuda:0", s.Device())
		}
		s.Close()
		return
	}
	if !strings.Contains(err.Error(), "cuda:0") || !strings.Contains(err.Error(), EnvVar) {
		t.Errorf("error without the device or a way out: %v", err)
	}
}

func TestRuntimeDoesNotCloseUnderASession(t *testing.T) {
	rt := openRuntime(t)
	second, err := Open(rt.Library())
	if err != nil {
		t.Fatal(err)
	}
	s, err := second.NewSession(addGraph(t), SessionConfig{Inputs: []string{"a", "b"}, Outputs: []string{"sum"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err == nil {
		t.Error("the runtime closed under a session")
	}
	if err := errors.Join(s.Close(), second.Close()); err != nil {
		t.Error(err)
	}
	if err := s.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second close: %v, want ErrClosed", err)
	}
	if _, err := s.Run(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("run after close: %v, want ErrClosed", err)
	}
	if _, err := s.Bind(nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("bind after close: %v, want ErrClosed", err)
	}
}
