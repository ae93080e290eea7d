package infer_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/onnx"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/infer/ort/orttest"
	"github.com/galaxalign/galaxalign/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// toyRecipe makes rows of 1 x 2 x 2 pixels.
const toyRecipe = `name: toy
version: 1
bands: [g]
size: {width: 2, height: 2}
fit: {crop: center, pad: center}
stretch: {kind: none}
layout: NCHW
`

// toyGraph sums the image and the two features: score_k = k * (mean of pixels) + sum of features for
// class k = 0, 1, 2, and the embedding is the flattened image. batch is the first axis of the inputs.
func toyGraph(t testing.TB, batch onnx.Dim) []byte {
	t.Helper()
	b := onnx.NewBuilder("toy")
	image := b.Input("pixels", onnx.Float, batch, onnx.Axis(1), onnx.Axis(2), onnx.Axis(2))
	features := b.Input("extra", onnx.Float, batch, onnx.Axis(2))
	flat := b.Named("flat", "Flatten", []string{image}, onnx.IntAttribute("axis", 1))
	mean := b.Op("ReduceMean", []string{flat}, onnx.IntsAttribute("axes", 1), onnx.IntAttribute("keepdims", 1))
	weights := b.Constant(onnx.FloatTensor("weights", []int64{1, 3}, []float32{0, 1, 2}))
	ones := b.Constant(onnx.FloatTensor("ones", []int64{2, 1}, []float32{1, 1}))
	sum := b.Op("MatMul", []string{features, ones})
	scores := b.Named("scores", "Add", []string{b.Op("MatMul", []string{mean, weights}), sum})
	b.Output(scores, onnx.Float, batch, onnx.Axis(3))
	model, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return model.Marshal()
}

// write writes a file of the test's own folder.
func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// importToy makes a bundle of the toy graph.
func importToy(t testing.TB, rt *ort.Runtime, batch onnx.Dim) *bundle.Bundle {
	t.Helper()
	b, err := bundle.Import(t.Context(), bundle.ImportOptions{
		Runtime: rt, Model: write(t, "toy.onnx", toyGraph(t, batch)), Dir: filepath.Join(t.TempDir(), "toy"),
		Recipe: write(t, "recipe.yaml", []byte(toyRecipe)), Features: []string{"drb", "fwhm"},
		Classes: []string{"spiral", "elliptical", "merger"}, Embedding: "flat", Normalise: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// openModel opens a model and its buffers for the length of the test.
func openModel(t testing.TB, rt *ort.Runtime, b *bundle.Bundle, opts infer.Options) (*infer.Model, *infer.Buffers) {
	t.Helper()
	m, err := infer.Open(rt, b, opts)
	if err != nil {
		t.Fatal(err)
	}
	buffers := m.NewBuffers()
	t.Cleanup(func() {
		if err := errors.Join(buffers.Close(), m.Close()); err != nil {
			t.Error(err)
		}
	})
	return m, buffers
}

// fillToy fills a row with pixels (1, 2, 3, 4)*scale and features (0.5, 0.25).
func fillToy(b *infer.Buffers, i int, scale float32) {
	for k := range b.ImageRow(i) {
		b.ImageRow(i)[k] = scale * float32(k+1)
	}
	copy(b.FeatureRow(i), []float32{0.5, 0.25})
}

// wantToy checks row i against the formula of the toy graph.
func wantToy(t *testing.T, b *infer.Buffers, i int, scale float64) {
	t.Helper()
	if fault := b.Fault(i); fault != nil {
		t.Errorf("row %d: %v", i, fault)
		return
	}
	mean := 2.5 * scale
	sum := 1 + math.Exp(mean) + math.Exp(2*mean)
	label := 0
	for k, p := range b.Probabilities(i) {
		want := math.Exp(float64(k)*mean) / sum
		if math.Abs(float64(p)-want) > 1e-6 {
			t.Errorf("row %d class %d: probability %v, want %v", i, k, p, want)
		}
		if p > b.Probabilities(i)[label] {
			label = k
		}
	}
	if b.Label(i) != label || b.Probability(i) != b.Probabilities(i)[label] {
		t.Errorf("row %d: label %d with %v, want %d", i, b.Label(i), b.Probability(i), label)
	}
	for k, e := range b.Embedding(i) {
		if want := math.Copysign(float64(k+1)/math.Sqrt(30), scale); math.Abs(float64(e)-want) > 1e-6 {
			t.Errorf("row %d embedding %d: %v, want %v", i, k, e, want)
		}
	}
}

func TestModelAnswersEveryBatchSize(t *testing.T) {
	rt := orttest.Open(t)
	free := importToy(t, rt, onnx.Symbol("N"))
	for _, opts := range []infer.Options{
		{MaxBatch: 7},
		{MaxBatch: 7, Buckets: []int{2, 4}},
		{MaxBatch: 7, Threads: 2},
	} {
		t.Run(fmt.Sprintf("%+v", opts), func(t *testing.T) {
			m, b := openModel(t, rt, free, opts)
			for _, rows := range []int{1, 7, 3, 2, 7, 5} {
				for i := range rows {
					fillToy(b, i, 0.1*float32(i-3)+0.05)
				}
				if err := m.Run(b, rows); err != nil {
					t.Fatal(err)
				}
				for i := range rows {
					wantToy(t, b, i, float64(0.1*float32(i-3)+0.05))
				}
			}
		})
	}
}

func TestModelInfo(t *testing.T) {
	rt := orttest.Open(t)
	m, b := openModel(t, rt, importToy(t, rt, onnx.Symbol("N")), infer.Options{})
	info := m.Info()
	if info.Name != "toy" || info.Version != "1" || info.Embedding != 4 || len(info.Classes) != 3 ||
		len(info.Hash) != 64 || len(info.RecipeHash) != 64 {
		t.Errorf("info %+v", info)
	}
	if got := strings.Join(m.Features(), " "); got != "drb fwhm" {
		t.Errorf("features %q", got)
	}
	if m.ImageLen() != 4 || m.Transform().Len() != 4 || m.Device() != "cpu" || m.MaxBatch() != infer.DefaultMaxBatch ||
		b.Rows() != infer.DefaultMaxBatch || len(b.ImageRow(15)) != 4 || len(b.FeatureRow(15)) != 2 {
		t.Errorf("sizes: image %d, transform %d, device %s, batch %d, rows %d",
			m.ImageLen(), m.Transform().Len(), m.Device(), m.MaxBatch(), b.Rows())
	}
}

func TestRowFaultsStayWithTheirRow(t *testing.T) {
	rt := orttest.Open(t)
	m, b := openModel(t, rt, importToy(t, rt, onnx.Symbol("N")), infer.Options{})
	for round := range 2 { // the second round shows that faults do not outlive their batch
		for i := range 5 {
			fillToy(b, i, 0.2)
		}
		if round == 0 {
			b.FeatureRow(1)[1] = float32(math.NaN())
			b.ImageRow(3)[0] = float32(math.Inf(1))
			clear(b.ImageRow(4))
		}
		if err := m.Run(b, 5); err != nil {
			t.Fatal(err)
		}
		wantToy(t, b, 0, float64(float32(0.2)))
		wantToy(t, b, 2, float64(float32(0.2)))
		if round == 1 {
			wantToy(t, b, 1, float64(float32(0.2)))
			wantToy(t, b, 3, float64(float32(0.2)))
			continue
		}
		for row, want := range map[int]schemas.Reason{
			1: schemas.ReasonMissingFeature, 3: schemas.ReasonNonFinite, 4: schemas.ReasonNonFinite,
		} {
			fault := b.Fault(row)
			if fault == nil || fault.Reason != want || fault.Stage != schemas.StageInfer {
				t.Errorf("row %d: fault %v, want %s", row, fault, want)
			}
		}
		if !strings.Contains(b.Fault(1).Detail, `"fwhm"`) {
			t.Errorf("the fault does not name the feature: %v", b.Fault(1))
		}
	}
}

func TestRunRefusesWrongUse(t *testing.T) {
	rt := orttest.Open(t)
	toy := importToy(t, rt, onnx.Symbol("N"))
	m, b := openModel(t, rt, toy, infer.Options{MaxBatch: 4})
	_, other := openModel(t, rt, toy, infer.Options{MaxBatch: 4})
	for _, rows := range []int{-1, 0, 5} {
		if err := m.Run(b, rows); err == nil {
			t.Errorf("%d rows were accepted", rows)
		}
	}
	if err := m.Run(other, 1); err == nil {
		t.Error("buffers of another model were accepted")
	}
	if err := m.Close(); err == nil {
		t.Error("the model closed under its buffers")
	}
	third := m.NewBuffers()
	if err := third.Close(); err != nil {
		t.Error(err)
	}
	if err := third.Close(); !errors.Is(err, ort.ErrClosed) {
		t.Errorf("second close: %v, want ErrClosed", err)
	}
	if err := m.Run(third, 1); err == nil {
		t.Error("closed buffers were run")
	}
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	rt := orttest.Open(t)
	toy := importToy(t, rt, onnx.Symbol("N"))
	for name, opts := range map[string]infer.Options{
		"buckets": {Buckets: []int{8, 4}, Threads: -1},
		"cuda":    {Device: "cuda:0"},
		"tpu":     {Device: "tpu"},
	} {
		m, err := infer.Open(rt, toy, opts)
		if err == nil {
			t.Errorf("%s: accepted", name)
			m.Close()
			continue
		}
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error does not name the cause: %v", name, err)
		}
	}
}

func TestSelfCheckFindsAnotherAnswer(t *testing.T) {
	rt := orttest.Open(t)
	toy := importToy(t, rt, onnx.Symbol("N"))
	toy.Golden.Probabilities[4] += 0.01
	_, err := infer.Open(rt, toy, infer.Options{})
	if err == nil || !strings.Contains(err.Error(), "golden row 1") {
		t.Errorf("error %v, want one that names golden row 1", err)
	}
}

// fixedGraph takes two rows at once and cannot be freed: its reshape has the size built in.
func fixedGraph(t testing.TB) []byte {
	t.Helper()
	b := onnx.NewBuilder("fixed")
	x := b.Input("x", onnx.Float, onnx.Axis(2), onnx.Axis(3))
	shape := b.Constant(onnx.Int64Tensor("shape", []int64{2}, []int64{2, 3}))
	b.Output(b.Named("y", "Reshape", []string{x, shape}), onnx.Float, onnx.Axis(2), onnx.Axis(3))
	model, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return model.Marshal()
}

func TestFixedBatchSize(t *testing.T) {
	rt := orttest.Open(t)
	imported, err := bundle.Import(t.Context(), bundle.ImportOptions{
		Runtime: rt, Model: write(t, "fixed.onnx", fixedGraph(t)), Dir: filepath.Join(t.TempDir(), "fixed"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if imported.Manifest.BatchSize != 2 {
		t.Fatalf("batch size %d, want 2", imported.Manifest.BatchSize)
	}
	m, b := openModel(t, rt, imported, infer.Options{MaxBatch: 5})
	if m.MaxBatch() != 6 {
		t.Errorf("max batch %d, want 5 rounded up to 6", m.MaxBatch())
	}
	for _, rows := range []int{5, 1, 6, 2} {
		for i := range rows {
			copy(b.FeatureRow(i), []float32{0, float32(i), 1})
		}
		if err := m.Run(b, rows); err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			sum := 1 + math.Exp(float64(i)) + math.E
			if got, want := float64(b.Probabilities(i)[1]), math.Exp(float64(i))/sum; math.Abs(got-want) > 1e-6 {
				t.Errorf("%d rows, row %d: %v, want %v", rows, i, got, want)
			}
		}
	}
}

func TestFixedBatchSizeIsFreedWhereItCanBe(t *testing.T) {
	rt := orttest.Open(t)
	b := importToy(t, rt, onnx.Axis(1))
	if b.Manifest.BatchSize != 0 {
		t.Errorf("batch size %d stayed fixed", b.Manifest.BatchSize)
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	rt := orttest.Open(t)
	m, b := openModel(t, rt, importToy(t, rt, onnx.Symbol("N")), infer.Options{})
	rows := 0
	run := func() {
		rows = rows%b.Rows() + 1
		for i := range rows {
			fillToy(b, i, 0.1)
		}
		if err := m.Run(b, rows); err != nil {
			t.Error(err)
		}
	}
	for range b.Rows() {
		run()
	}
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

func TestConcurrentRuns(t *testing.T) {
	rt := orttest.Open(t)
	m, _ := openModel(t, rt, importToy(t, rt, onnx.Symbol("N")), infer.Options{MaxBatch: 4})
	for worker := range 4 {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			b := m.NewBuffers()
			defer b.Close()
			for round := range 200 {
				scale := 0.01 * float32(worker*200+round+1)
				for i := range 4 {
					fillToy(b, i, scale)
				}
				if err := m.Run(b, 4); err != nil {
					t.Fatal(err)
				}
				wantToy(t, b, round%4, float64(scale))
			}
		})
	}
}
