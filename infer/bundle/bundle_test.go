package bundle

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/galaxalign/galaxalign/infer/onnx"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/infer/ort/orttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gridRecipe makes rows of 2 bands x 3 rows x 4 columns.
const gridRecipe = `name: grid
version: 1
bands: [g, r]
size: {width: 4, height: 3}
fit: {crop: center, pad: center}
stretch: {kind: none}
layout: NCHW
`

// save writes a file into a folder of the test's own.
func save(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// graph builds a model and writes it to a file.
func graph(t testing.TB, build func(b *onnx.Builder)) string {
	t.Helper()
	b := onnx.NewBuilder("test")
	build(b)
	m, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	return save(t, "model.onnx", m.Marshal())
}

// imageGraph takes an image of the given axes and answers with three scores through the operator last.
func imageGraph(t testing.TB, last string, axes ...onnx.Dim) string {
	return graph(t, func(b *onnx.Builder) {
		x := b.Input("image", onnx.Float, axes...)
		flat := b.Named("flat", "Flatten", []string{x})
		w := b.Constant(onnx.FloatTensor("w", []int64{24, 3}, make([]float32, 72)))
		scores := b.Named("logits", "MatMul", []string{flat, w})
		if last != "" {
			scores = b.Named("probabilities", last, []string{scores})
		}
		b.Output(scores, onnx.Float, axes[0], onnx.Axis(3))
	})
}

// n is a free batch axis.
var n = onnx.Symbol("N")

// importGrid imports a model with the grid recipe; edit changes the options.
func importGrid(t testing.TB, rt *ort.Runtime, model string, edit func(*ImportOptions)) (*Bundle, error) {
	t.Helper()
	opts := ImportOptions{
		Runtime: rt, Model: model, Dir: filepath.Join(t.TempDir(), "bundle"), Recipe: save(t, "recipe.yaml", []byte(gridRecipe)),
	}
	if edit != nil {
		edit(&opts)
	}
	return Import(t.Context(), opts)
}

// mustImportGrid is importGrid of a graph that is right.
func mustImportGrid(t testing.TB, rt *ort.Runtime) *Bundle {
	t.Helper()
	b, err := importGrid(t, rt, imageGraph(t, "", n, onnx.Axis(2), onnx.Axis(3), onnx.Axis(4)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestImportDerivesTheManifest(t *testing.T) {
	rt := orttest.Open(t)
	b, err := importGrid(t, rt, imageGraph(t, "", n, onnx.Axis(2), onnx.Axis(3), onnx.Axis(4)), func(o *ImportOptions) {
		o.Embedding, o.Provenance, o.Temperature = "flat", json.RawMessage(`{"epochs": 3}`), 1.5
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &b.Manifest
	if m.Name != "model" || m.Version != "1" || m.Format != FormatVersion || m.BatchSize != 0 || string(m.Provenance) == "" {
		t.Errorf("manifest %+v", m)
	}
	if m.Image.Tensor != "image" || m.Image.Layout != NCHW || !slices.Equal(m.Image.Shape, []int{2, 3, 4}) || m.Features != nil {
		t.Errorf("image %+v", m.Image)
	}
	if m.Scores.Tensor != "logits" || m.Scores.Activation != Softmax || !slices.Equal(m.Scores.Shape, []int{3}) ||
		!slices.Equal(m.Classes, []string{"class_0", "class_1", "class_2"}) {
		t.Errorf("scores %+v, classes %v", m.Scores, m.Classes)
	}
	if m.EmbeddingLen() != 24 || !slices.Equal(b.Golden.Embedding, b.Golden.Image) {
		t.Error("the flattened image is not the embedding")
	}
	info := b.Info()
	if info.Hash != m.Files[m.Model] || info.Embedding != 24 || b.Transform().Len() != 24 {
		t.Errorf("info %+v", info)
	}
}

func TestImportGuessesTheActivation(t *testing.T) {
	rt := orttest.Open(t)
	axes := []onnx.Dim{n, onnx.Axis(2), onnx.Axis(3), onnx.Axis(4)}
	for last, want := range map[string]Activation{"": Softmax, "Softmax": None, "Sigmoid": None, "Tanh": Softmax} {
		b, err := importGrid(t, rt, imageGraph(t, last, axes...), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Manifest.Scores.Activation; got != want {
			t.Errorf("after %q: %s, want %s", last, got, want)
		}
	}
}

func TestImportSingleScoreOfRankOne(t *testing.T) {
	rt := orttest.Open(t)
	model := graph(t, func(b *onnx.Builder) {
		x := b.Input("f", onnx.Float, n, onnx.Axis(2))
		b.Output(b.Named("s", "ReduceSum", []string{x, b.Constant(onnx.Int64Tensor("axes", []int64{1}, []int64{1}))},
			onnx.IntAttribute("keepdims", 0)), onnx.Float, n)
	})
	b, err := importGrid(t, rt, model, func(o *ImportOptions) { o.Recipe = "" })
	if err != nil {
		t.Fatal(err)
	}
	m := &b.Manifest
	if len(m.Scores.Shape) != 0 || !m.Single() || m.Scores.Activation != Sigmoid ||
		!slices.Equal(m.Classes, []string{"negative", "positive"}) || !slices.Equal(m.Features.Names, []string{"feature_0", "feature_1"}) {
		t.Errorf("manifest %+v", m)
	}
	for i := range b.Golden.Rows {
		s := sigmoid(float64(b.Golden.Features[2*i] + b.Golden.Features[2*i+1]))
		if got := b.Golden.Probabilities[2*i+1]; math.Abs(float64(got)-s) > 1e-6 {
			t.Errorf("row %d: %v, want %v", i, got, s)
		}
	}
}

// externalTensor is a model with nothing but a 2 x 2 tensor of half floats that lie in the file w.bin.
// Behind another model it adds the tensor to that one's graph, as protobuf messages merge.
func externalTensor(name string) []byte {
	field := func(number protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), content)
	}
	varint := func(number protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), v)
	}
	location := field(13, append(field(1, []byte("location")), field(2, []byte("w.bin"))...))
	tensor := slices.Concat(varint(1, 2), varint(1, 2), varint(2, uint64(onnx.Float16)), field(8, []byte(name)), location, varint(14, 1))
	return field(7, field(5, tensor))
}

func TestImportTakesHalfFloatsAndExternalWeights(t *testing.T) {
	rt := orttest.Open(t)
	b := onnx.NewBuilder("half")
	x := b.Input("f", onnx.Float16, n, onnx.Axis(2))
	w := b.Constant(&onnx.Tensor{Name: "w", Type: onnx.Float16, Dims: []int64{2, 2}})
	inner := b.Named("inner", "MatMul", []string{x, w})
	b.Output(b.Named("s", "Neg", []string{inner}), onnx.Float16, n, onnx.Axis(2))
	model, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	model.Graph.Initializers = nil
	path := save(t, "model.onnx", append(model.Marshal(), externalTensor("w")...))
	values := []byte{0, 0x3c, 0, 0x40, 0, 0x42, 0, 0x44} // 1, 2, 3, 4 as half floats
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "w.bin"), values, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := importGrid(t, rt, path, func(o *ImportOptions) { o.Recipe, o.Embedding = "", "inner" })
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Golden.Rows {
		f := got.Golden.Features[2*i:]
		want := []float32{f[0] + 3*f[1], 2*f[0] + 4*f[1]}
		if e := got.Golden.Embedding[2*i : 2*i+2]; !near(e, want, 2e-3) {
			t.Errorf("row %d: embedding %v, want %v to the precision of half floats", i, e, want)
		}
	}
	if err := os.Remove(filepath.Join(filepath.Dir(path), "w.bin")); err != nil {
		t.Fatal(err)
	}
	if _, err := importGrid(t, rt, path, func(o *ImportOptions) { o.Recipe = "" }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the weights: error %v, want ErrNotExist", err)
	}
}

// refusal is an import that must fail with a text.
type refusal struct {
	model string
	edit  func(*ImportOptions)
	want  string
}

// refusals lists what Import must not accept.
func refusals(t *testing.T) map[string]refusal {
	good := imageGraph(t, "", n, onnx.Axis(2), onnx.Axis(3), onnx.Axis(4))
	image := func(b *onnx.Builder, elem onnx.DataType, name string) string {
		return b.Input(name, elem, n, onnx.Axis(2), onnx.Axis(3), onnx.Axis(4))
	}
	return map[string]refusal{
		"no recipe":      {good, func(o *ImportOptions) { o.Recipe = "" }, "braai"},
		"unknown recipe": {good, func(o *ImportOptions) { o.Recipe = "legacy" }, "no built-in recipe"},
		"other recipe":   {good, func(o *ImportOptions) { o.Recipe = "braai" }, "[63 63 3]"},
		"layout hint": {imageGraph(t, "", n, onnx.Axis(3), onnx.Axis(4), onnx.Axis(2)), nil,
			"looks like NHWC"},
		"embedding":  {good, func(o *ImportOptions) { o.Embedding = "inner" }, "flat"},
		"scores":     {good, func(o *ImportOptions) { o.Scores = "score" }, "logits"},
		"classes":    {good, func(o *ImportOptions) { o.Classes = []string{"a", "b"} }, "2 names for 3 scores"},
		"activation": {good, func(o *ImportOptions) { o.Activation = "argmax" }, `"argmax"`},
		"image name": {good, func(o *ImportOptions) { o.Image = "img" }, `"img"`},
		"dir exists": {good, func(o *ImportOptions) { o.Dir = t.TempDir() }, "exists already"},
		"no runtime": {good, func(o *ImportOptions) { o.Runtime = nil }, "no runtime"},
		"absent":     {good + "x", nil, "no such file"},
		"not ONNX":   {save(t, "x.onnx", []byte("<html>")), nil, "malformed"},
		"integers": {graph(t, func(b *onnx.Builder) {
			b.Output(b.Op("Neg", []string{image(b, onnx.Int32, "x")}), onnx.Int32, n, onnx.Axis(2), onnx.Axis(3), onnx.Axis(4))
		}), nil, "floating-point"},
		"two images": {graph(t, func(b *onnx.Builder) {
			b.Output(b.Op("Add", []string{image(b, onnx.Float, "x"), image(b, onnx.Float, "y")}), onnx.Float, n, onnx.Axis(2), onnx.Axis(3), onnx.Axis(4))
		}), nil, "name the ones to use"},
		"mixes rows": {graph(t, func(b *onnx.Builder) {
			flat := b.Op("Flatten", []string{image(b, onnx.Float, "x")})
			mean := b.Op("ReduceMean", []string{flat}, onnx.IntsAttribute("axes", 0), onnx.IntAttribute("keepdims", 1))
			b.Output(b.Op("Sub", []string{flat, mean}), onnx.Float, n, onnx.Axis(24))
		}), nil, "mixes rows"},
		"not finite": {graph(t, func(b *onnx.Builder) {
			flat := b.Op("Flatten", []string{image(b, onnx.Float, "x")})
			minus := b.Constant(onnx.FloatTensor("minus", []int64{1}, []float32{-5}))
			b.Output(b.Op("Log", []string{b.Op("Add", []string{flat, minus})}), onnx.Float, n, onnx.Axis(24))
		}), nil, "NaN"},
	}
}

func TestImportRefuses(t *testing.T) {
	rt := orttest.Open(t)
	for name, c := range refusals(t) {
		t.Run(name, func(t *testing.T) {
			var dir string
			_, err := importGrid(t, rt, c.model, func(o *ImportOptions) {
				if c.edit != nil {
					c.edit(o)
				}
				dir = o.Dir
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if name == "dir exists" {
				return
			}
			if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) != 0 {
				t.Errorf("%v was left behind (%v)", entries, err)
			}
		})
	}
}

// TestGoldenAnswersAreNotPinned imports a classifier that is sure of all but the weakest inputs: a
// self-check with answers of 0 and 1 would not notice a small fault.
func TestGoldenAnswersAreNotPinned(t *testing.T) {
	rt := orttest.Open(t)
	model := graph(t, func(b *onnx.Builder) {
		x := b.Input("image", onnx.Float, n, onnx.Axis(2), onnx.Axis(3), onnx.Axis(4))
		sum := b.Op("ReduceSum", []string{x, b.Constant(onnx.Int64Tensor("axes", []int64{3}, []int64{1, 2, 3}))}, onnx.IntAttribute("keepdims", 0))
		hundred := b.Constant(onnx.FloatTensor("hundred", []int64{1}, []float32{100}))
		b.Output(b.Op("Sigmoid", []string{b.Op("Mul", []string{sum, hundred})}), onnx.Float, n)
	})
	b, err := importGrid(t, rt, model, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range b.Golden.Probabilities {
		if p > pinned {
			t.Errorf("golden probability %d is %v", i, p)
		}
	}
}

func TestCreateFromADraft(t *testing.T) {
	rt := orttest.Open(t)
	b := mustImportGrid(t, rt)
	draft := &Bundle{Manifest: b.Manifest, Model: b.Model, Recipe: b.Recipe,
		Golden: &Golden{Rows: 2, Image: b.Golden.Image[:48], Tolerance: 0.01}}
	draft.Manifest.Name = "other"
	dir := filepath.Join(t.TempDir(), "new", "other")
	created, err := Create(rt, dir, draft)
	if err != nil {
		t.Fatal(err)
	}
	if created.Info().Name != "other" || created.Golden.Rows != 2 || created.Golden.Tolerance != 0.01 ||
		!slices.Equal(created.Golden.Probabilities, b.Golden.Probabilities[:6]) {
		t.Errorf("golden %+v", created.Golden)
	}
	if draft.Manifest.Name != "other" || draft.Golden.Probabilities != nil || draft.Dir != "" {
		t.Error("the draft was changed")
	}
	draft.Extra = map[string][]byte{"prototypes.npy": []byte("rows")}
	withExtra, err := Create(rt, dir+"extra", draft)
	if err != nil {
		t.Fatal(err)
	}
	if string(withExtra.Extra["prototypes.npy"]) != "rows" || len(withExtra.Extra) != 1 || len(created.Extra) != 0 {
		t.Errorf("extra files %v", withExtra.Extra)
	}
	for _, name := range []string{"model.onnx", "../x", "a/b", ManifestFile} {
		draft.Extra = map[string][]byte{name: nil}
		if _, err := Create(rt, dir+"bad", draft); err == nil {
			t.Errorf("extra file %s was accepted", name)
		}
	}
	draft.Extra = nil
	for name, golden := range map[string]*Golden{"none": nil, "no rows": {}, "short": {Rows: 3, Image: b.Golden.Image[:48]}} {
		draft.Golden = golden
		if _, err := Create(rt, dir+name, draft); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
