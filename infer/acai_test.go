package infer_test

import (
	"path/filepath"
	"testing"

	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/infer/ort/orttest"
	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

// acaiFeatures are the columns of the ACAI models' feature input: fields of a ZTF candidate.
var acaiFeatures = []string{
	"drb", "diffmaglim", "ra", "dec", "magpsf", "sigmapsf", "chipsf", "fwhm", "sky", "chinr", "sharpnr", "sgscore1",
	"distpsnr1", "sgscore2", "distpsnr2", "sgscore3", "distpsnr3", "ndethist", "ncovhist", "scorr", "nmtchps",
	"clrcoeff", "clrcounc", "neargaia", "neargaiabright",
}

// importACAI makes a bundle of the real classifier of ZTF alerts.
func importACAI(tb testing.TB, rt *ort.Runtime) *bundle.Bundle {
	tb.Helper()
	b, err := bundle.Import(tb.Context(), bundle.ImportOptions{
		Runtime: rt, Model: shareddata.Path(tb, "data/onnx/boom-history/acai_h.d1_dnn_20201130.onnx"),
		Dir: filepath.Join(tb.TempDir(), "acai_h"), Name: "acai_h", Version: "d1_dnn_20201130",
		Recipe: "braai", Features: acaiFeatures, Classes: []string{"not_hosted", "hosted"},
		Embedding: "model/fc_1/Relu:0", Normalise: true,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestImportACAI(t *testing.T) {
	rt := orttest.Open(t)
	b := importACAI(t, rt)
	m := &b.Manifest
	if m.Image.Tensor != "triplets" || m.Image.Layout != bundle.NHWC || m.ImageLen() != 63*63*3 ||
		m.Features.Tensor != "features" || m.Scores.Activation != bundle.None || !m.Single() {
		t.Errorf("manifest %+v, image %+v, features %+v", m, m.Image, m.Features)
	}
	if m.EmbeddingLen() == 0 {
		t.Error("the inner layer was not exposed")
	}
	model, buffers := openModel(t, rt, b, infer.Options{MaxBatch: 3})
	for i := range 3 {
		copy(buffers.ImageRow(i), b.Golden.Image[(2-i)*m.ImageLen():])
		copy(buffers.FeatureRow(i), b.Golden.Features[(2-i)*m.FeatureLen():])
	}
	if err := model.Run(buffers, 3); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		p := buffers.Probabilities(i)
		if got, want := p[1], b.Golden.Probabilities[(2-i)*2+1]; p[0]+p[1] != 1 || got-want > 1e-5 || want-got > 1e-5 {
			t.Errorf("row %d: %v, want %v", i, p, want)
		}
	}
}
