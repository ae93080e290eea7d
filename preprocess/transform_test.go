package preprocess

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
)

var nan = float32(math.NaN())

// image describes one plane of a test cutout.
type image struct {
	name string
	w, h int
	px   []float32
}

func cutout(images ...image) *schemas.Cutout {
	c := &schemas.Cutout{}
	for _, im := range images {
		copy(c.AddImage(im.name, im.w, im.h).Pixels, im.px)
	}
	return c
}

// ramp is 1, 2, 3, ...
func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i + 1)
	}
	return x
}

// plain is a recipe that only moves pixels.
func plain(w, h int, bands ...string) *Recipe {
	return &Recipe{Name: "plain", Version: 1, Bands: bands, Size: &Size{w, h}}
}

func equal(t *testing.T, got []float32, want ...float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values %v, want %d", len(got), got, len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func wantFault(t *testing.T, err error, reason schemas.Reason, words string) {
	t.Helper()
	f := schemas.AsFault(err)
	if f == nil || f.Stage != schemas.StagePreprocess || f.Reason != reason || f.Position != -1 {
		t.Fatalf("error %v, want a fault %s of stage preprocess", err, reason)
	}
	if !strings.Contains(f.Detail, words) {
		t.Errorf("the fault does not say %q: %s", words, f.Detail)
	}
}

func TestLayoutAndShape(t *testing.T) {
	c := cutout(image{"a", 2, 1, []float32{1, 2}}, image{"b", 2, 1, []float32{3, 4}})
	r := plain(2, 1, "b", "a")
	equal(t, mustRun(t, r, c), 3, 4, 1, 2)
	tr, err := r.Compile()
	if err != nil {
		t.Fatal(err)
	}
	if tr.Shape() != [3]int{2, 1, 2} || tr.Len() != 4 {
		t.Errorf("shape %v, length %d", tr.Shape(), tr.Len())
	}
	r.Layout = "NHWC"
	equal(t, mustRun(t, r, c), 3, 1, 4, 2)
	if tr, err = r.Compile(); err != nil || tr.Shape() != [3]int{1, 2, 2} {
		t.Errorf("shape %v, error %v", tr.Shape(), err)
	}
	if _, err := tr.Apply(make([]float32, 3), c, tr.NewScratch()); err == nil || schemas.AsFault(err) != nil {
		t.Errorf("a row of the wrong length gives %v, want an error that is no fault", err)
	}
}

func TestFlipReversesRows(t *testing.T) {
	c := cutout(image{"a", 2, 3, ramp(6)})
	r := plain(2, 3, "a")
	r.Flip = true
	equal(t, mustRun(t, r, c), 5, 6, 3, 4, 1, 2)
	r.Size, r.Fit.Crop = &Size{1, 2}, "center" // one row too many: the excess at the end goes
	equal(t, mustRun(t, r, c), 5, 3)
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		name string
		w, h int
		fit  Fit
		want []float32
	}{
		{"crop centre", 4, 3, Fit{Crop: "center"}, []float32{2, 3, 6, 7}},
		{"pad centre", 1, 1, Fit{Pad: "center", Value: 9}, []float32{9, 9, 9, 1}},
		{"pad bottom right", 1, 1, Fit{Pad: "bottom_right", Value: 9}, []float32{1, 9, 9, 9}},
		{"pad after", 1, 1, Fit{Pad: "bottom_right", Value: 9, Order: "after"}, []float32{1, 9, 9, 9}},
		{"one of each", 3, 1, Fit{Crop: "center", Pad: "bottom_right"}, []float32{1, 2, 0, 0}},
		{"as it is", 2, 2, Fit{}, []float32{1, 2, 3, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := plain(2, 2, "a")
			r.Fit = c.fit
			equal(t, mustRun(t, r, cutout(image{"a", c.w, c.h, ramp(c.w * c.h)})), c.want...)
		})
	}
	_, _, err := run(t, plain(2, 2, "a"), cutout(image{"a", 3, 2, ramp(6)}))
	wantFault(t, err, schemas.ReasonBadShape, "fit.crop is reject")
	_, _, err = run(t, plain(2, 2, "a"), cutout(image{"a", 2, 1, ramp(2)}))
	wantFault(t, err, schemas.ReasonBadShape, "needs 2x2 pixels, the cutout has 2x1")
}

func TestNonSquareWithoutSize(t *testing.T) {
	c := cutout(image{"a", 4, 2, []float32{0, 1, 3, 0, 0, 1, 3, 0}})
	r := &Recipe{Name: "r", Version: 1, Bands: []string{"a"}, Resize: &Resize{Width: 1, Height: 1}}
	_, _, err := run(t, r, c)
	wantFault(t, err, schemas.ReasonBadShape, "fit.pad is reject")
	r.Fit.Crop = "center"
	equal(t, mustRun(t, r, c), 2)
	r.Fit = Fit{Pad: "center", Order: "after"}
	r.Resize = &Resize{Width: 4, Height: 4}
	equal(t, mustRun(t, r, c), 0, 0, 0, 0, 0, 1, 3, 0, 0, 1, 3, 0, 0, 0, 0, 0)
	_, _, err = run(t, r, cutout(image{"a", 1, 5000, ramp(5000)}))
	wantFault(t, err, schemas.ReasonBadShape, "let the recipe cut to a size")
}

func TestUnequalBands(t *testing.T) {
	c := cutout(image{"a", 2, 2, ramp(4)}, image{"b", 4, 3, ramp(12)})
	r := plain(2, 2, "a", "b")
	_, _, err := run(t, r, c)
	wantFault(t, err, schemas.ReasonBadShape, "unequal: crop")
	r.Unequal = "crop"
	equal(t, mustRun(t, r, c), 1, 2, 3, 4, 2, 3, 6, 7)
}

func TestMissingBand(t *testing.T) {
	c := cutout(image{"a", 1, 1, []float32{5}})
	r := plain(1, 1, "a", "b")
	_, _, err := run(t, r, c)
	wantFault(t, err, schemas.ReasonMissingBand, `no image "b"`)
	r.MissingBand = "zero"
	got, q, err := run(t, r, c)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, 5, 0)
	if q.Flags != schemas.FlagMissingBand || q.ValidFraction != 0.5 {
		t.Errorf("quality %+v", q)
	}
	_, _, err = run(t, r, cutout())
	wantFault(t, err, schemas.ReasonMissingBand, `no image "a"`)
}

func TestPixelsWithoutData(t *testing.T) {
	c := cutout(image{"a", 2, 2, []float32{nan, float32(math.Inf(1)), -3e38, 4}})
	r := plain(2, 2, "a")
	r.Stretch = Stretch{Kind: "asinh", Offset: Values{100}}
	low := float32(math.Asinh(-100))
	got, q, err := run(t, r, c)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, low, low, low, float32(math.Asinh(-96)))
	if q.Flags != schemas.FlagNaNPixels || q.ValidFraction != 0.25 {
		t.Errorf("quality %+v", q)
	}
	r.NaN.Policy = "zero_after"
	equal(t, mustRun(t, r, c), 0, 0, 0, float32(math.Asinh(-96)))
	r.NaN.Policy = "reject"
	_, _, err = run(t, r, c)
	wantFault(t, err, schemas.ReasonBadPixels, "3 of 4 pixels without data")
	r.NaN = NaN{MaxInvalid: 0.75}
	_, _, err = run(t, r, c)
	wantFault(t, err, schemas.ReasonBadPixels, "refuses a share of 0.75")
	r.NaN = NaN{MaxInvalid: 0.76}
	mustRun(t, r, c)
	_, _, err = run(t, plain(1, 1, "a"), cutout(image{"a", 1, 1, []float32{nan}}))
	wantFault(t, err, schemas.ReasonBadPixels, "1 of 1")
}

func TestMask(t *testing.T) {
	c := cutout(image{"a", 2, 2, []float32{1, 2, 0, nan}})
	c.Images[0].Mask = []uint8{0, 1, 4, 1}
	r := plain(2, 2, "a")
	got, q, err := run(t, r, c)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, 1, 0, 0, 0)
	if q.ValidFraction != 0.25 {
		t.Errorf("valid fraction %v", q.ValidFraction)
	}
	r.NaN = NaN{MaxInvalid: 0.8, CountZeros: true} // the masked zero counts once
	mustRun(t, r, c)
	r.Flip = true
	equal(t, mustRun(t, r, c), 0, 0, 1, 0)
	c.Images[0].Mask = []uint8{1}
	_, _, err = run(t, r, c)
	wantFault(t, err, schemas.ReasonBadShape, "a mask of 1")
}

func TestOneNaNDoesNotBlankThePicture(t *testing.T) {
	c := cutout(image{"s", 2, 2, []float32{3, nan, 4, 1}})
	for _, name := range []string{"braai", "zscale", "zoobot_single", "euclid_lsb"} {
		r := native(t, name, c)
		r.Bands = []string{"s"}
		got := mustRun(t, r, c)
		if got[0] == got[3] {
			t.Errorf("%s: constant %v", name, got)
		}
	}
}

func TestAllZeroStampsGiveDefinedResults(t *testing.T) {
	for _, name := range BuiltinNames() {
		r, err := Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		c := &schemas.Cutout{}
		for _, b := range r.Bands {
			im := c.AddImage(b, 100, 100)
			im.ZeroPoint = 22.5
			clear(im.Pixels)
		}
		if r.Size != nil && r.Fit.Crop == "" {
			r.Fit.Crop = "center"
		}
		got, _, err := run(t, r, c)
		if name == "galaxy_zoo_decals" { // it counts zeros as pixels without data
			wantFault(t, err, schemas.ReasonBadPixels, "refuses a share of 0.2")
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, v := range got { // the weights of a resize sum to 1 within rounding
			if !(math.Abs(float64(v-got[0])) <= 1e-6) {
				t.Fatalf("%s: a picture of zeros gives %v and %v", name, v, got[0])
			}
		}
	}
}

func TestEdgeFlagAndValidFraction(t *testing.T) {
	r, err := Builtin("braai")
	if err != nil {
		t.Fatal(err)
	}
	c := cutout(image{"science", 63, 48, ramp(63 * 48)}, image{"template", 63, 48, ramp(63 * 48)}, image{"difference", 63, 48, ramp(63 * 48)})
	_, q, err := run(t, r, c)
	if err != nil {
		t.Fatal(err)
	}
	if q.Flags != schemas.FlagEdge || math.Abs(float64(q.ValidFraction)-48.0/63) > 1e-6 {
		t.Errorf("quality %+v", q)
	}
}

func TestZeroPoint(t *testing.T) {
	c := cutout(image{"a", 1, 1, []float32{363100}})
	r := plain(1, 1, "a")
	r.Flux = &Flux{ZeroPoint: 22.5}
	_, _, err := run(t, r, c)
	wantFault(t, err, schemas.ReasonBadHeader, "flux.assume")
	lsst := 31.4
	r.Flux.Assume = &lsst
	if got := mustRun(t, r, c)[0]; math.Abs(float64(got)-100) > 0.01 {
		t.Errorf("363100 nJy is %v nanomaggies, want 100", got)
	}
	c.Images[0].ZeroPoint = -1e300
	_, _, err = run(t, r, c)
	wantFault(t, err, schemas.ReasonBadHeader, "cannot convert")
}

func TestNormalize(t *testing.T) {
	c := cutout(image{"a", 1, 1, []float32{3}}, image{"b", 1, 1, []float32{5}})
	for _, layout := range []string{"NCHW", "NHWC"} {
		r := plain(1, 1, "a", "b")
		r.Layout = layout
		r.Normalize = Normalize{Mean: Values{1, 2}, Std: Values{4}}
		equal(t, mustRun(t, r, c), 0.5, 0.75)
		r.Normalize = Normalize{Scale: Values{2}, Offset: Values{1, -1}}
		equal(t, mustRun(t, r, c), 7, 9)
	}
}

func TestResizeIdentityAndConstants(t *testing.T) {
	for _, filter := range []string{"bilinear", "triangle", "area"} {
		for _, shape := range [][4]int{{5, 7, 5, 7}, {1, 1, 3, 3}, {2, 2, 5, 5}, {31, 31, 8, 8}, {300, 300, 7, 7}} {
			px := make([]float32, shape[0]*shape[1])
			fill(px, 3)
			r := &Recipe{Name: "r", Version: 1, Bands: []string{"a"}, Resize: &Resize{shape[2], shape[3], filter}}
			for _, v := range mustRun(t, r, cutout(image{"a", shape[0], shape[1], px})) {
				if math.Abs(float64(v)-3) > 2e-6 {
					t.Fatalf("%s %v: a constant 3 becomes %v", filter, shape, v)
				}
			}
		}
		r := &Recipe{Name: "r", Version: 1, Bands: []string{"a"}, Resize: &Resize{5, 7, filter}}
		equal(t, mustRun(t, r, cutout(image{"a", 5, 7, ramp(35)})), ramp(35)...)
	}
}

// TestScratchServesChangingShapes runs one scratch over cutouts of different shape and two recipes, and
// expects what a fresh scratch gives.
func TestScratchServesChangingShapes(t *testing.T) {
	s := &Scratch{}
	for _, name := range []string{"ztf_asinh_224", "boom", "ztf_asinh_224", "braai"} {
		r, err := Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := r.Compile()
		if err != nil {
			t.Fatal(err)
		}
		for _, shape := range [][2]int{{63, 63}, {48, 63}, {63, 54}, {20, 20}} {
			c := triplet(shape[0], shape[1])
			got := make([]float32, tr.Len())
			if _, err := tr.Apply(got, c, s); err != nil {
				t.Fatal(err)
			}
			equal(t, got, mustRun(t, r, c)...)
		}
	}
}

func TestApplyAllocatesNothing(t *testing.T) {
	for _, name := range []string{"braai", "boom", "ztf_asinh_224", "legacy_grz", "galaxy_zoo_decals", "lupton", "zscale", "zoobot_single", "euclid_gz", "aion_legacy"} {
		r, err := Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := r.Compile()
		if err != nil {
			t.Fatal(err)
		}
		side := 63
		if r.Size != nil {
			side = r.Size.Width
		}
		c := &schemas.Cutout{}
		for range r.Bands {
			c.Images = append(c.Images, triplet(side, side).Images[0])
		}
		for i, b := range r.Bands {
			c.Images[i].Name = b
		}
		dst, s := make([]float32, tr.Len()), tr.NewScratch()
		if n := testing.AllocsPerRun(20, func() {
			if _, err := tr.Apply(dst, c, s); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a cutout", name, n)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	r, err := Builtin("ztf_asinh_224")
	if err != nil {
		t.Fatal(err)
	}
	tr, err := r.Compile()
	if err != nil {
		t.Fatal(err)
	}
	c := triplet(63, 63)
	want := mustRun(t, r, c)
	results := make([][]float32, 4)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			results[i] = make([]float32, tr.Len())
			if _, err := tr.Apply(results[i], c, tr.NewScratch()); err != nil {
				results[i] = nil
			}
		})
	}
	wg.Wait()
	for _, got := range results {
		equal(t, got, want...)
	}
}
