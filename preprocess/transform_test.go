package preprocess

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"pgregory.net/rapid"
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
			clear(c.AddImage(b, 100, 100).Pixels)
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

func TestBadImages(t *testing.T) {
	for _, im := range []schemas.Image{
		{Name: "a"}, {Name: "a", Width: -1, Height: -1, Pixels: make([]float32, 1)},
		{Name: "a", Width: 2, Height: 2, Pixels: make([]float32, 3)},
		{Name: "a", Width: 1 << 40, Height: 1 << 40, Pixels: make([]float32, 3)},
	} {
		_, _, err := run(t, plain(2, 2, "a"), &schemas.Cutout{Images: []schemas.Image{im}})
		wantFault(t, err, schemas.ReasonBadShape, "image a")
	}
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

// triplet is a ZTF-like cutout with noise about a sky of 100 and a source.
func triplet(w, h int) *schemas.Cutout {
	c := &schemas.Cutout{}
	for k, name := range []string{"science", "template", "difference"} {
		px := c.AddImage(name, w, h).Pixels
		for i := range px {
			x, y := float64(i%w-w/2), float64(i/w-h/2)
			px[i] = float32(100 + 10*math.Sin(float64(i*7919%1009+k)) + 3000*math.Exp(-(x*x+y*y)/8))
		}
	}
	return c
}

func colours(side int, bands ...string) *schemas.Cutout {
	c := triplet(side, side)
	for i, b := range bands {
		c.Images[i].Name = b
		for j := range c.Images[i].Pixels {
			c.Images[i].Pixels[j] = (c.Images[i].Pixels[j] - 100) / 100
		}
	}
	return c
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

// TestTensorsAreFinite: whatever the recipe and the pixels, Apply gives finite values or a fault.
func TestTensorsAreFinite(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, err := Builtin(rapid.SampledFrom(BuiltinNames()).Draw(rt, "recipe"))
		if err != nil {
			rt.Fatal(err)
		}
		r.NaN.Policy = rapid.SampledFrom([]string{"zero", "zero_after"}).Draw(rt, "policy")
		r.Unequal, r.MissingBand = "crop", "zero"
		side := rapid.IntRange(1, 12).Draw(rt, "side")
		r.Size, r.Resize = &Size{side, side}, nil
		if rapid.Bool().Draw(rt, "resize") {
			r.Resize = &Resize{Width: rapid.IntRange(1, 9).Draw(rt, "to"), Height: 5, Filter: rapid.SampledFrom([]string{"bilinear", "triangle", "area"}).Draw(rt, "filter")}
		}
		r.Fit = Fit{Crop: "center", Pad: "center", Order: "after"}
		c := &schemas.Cutout{}
		for _, b := range r.Bands {
			w, h := rapid.IntRange(0, 14).Draw(rt, "w"), rapid.IntRange(0, 14).Draw(rt, "h")
			im := c.AddImage(b, w, h)
			im.ZeroPoint = rapid.SampledFrom([]float64{math.NaN(), 22.5, 27, 9, 35}).Draw(rt, "zp")
			extreme := rapid.SampledFrom([]float32{0, 1, -1, 1e-45, 1e-38, 1e20, -1e20, 3e38, nan, float32(math.Inf(1)), 0.03})
			for i := range im.Pixels {
				if rapid.IntRange(0, 2).Draw(rt, "k") == 0 {
					im.Pixels[i] = extreme.Draw(rt, "extreme")
				} else {
					im.Pixels[i] = rapid.Float32Range(-1e4, 1e4).Draw(rt, "v")
				}
			}
		}
		checkFinite(rt, r, c)
	})
}

// failer is what checkFinite needs of a test.
type failer interface{ Fatalf(string, ...any) }

func checkFinite(t failer, r *Recipe, c *schemas.Cutout) {
	tr, err := r.Compile()
	if err != nil {
		t.Fatalf("%v", err)
		return
	}
	dst := make([]float32, tr.Len())
	fill(dst, nan)
	q, err := tr.Apply(dst, c, tr.NewScratch())
	if err != nil {
		var f *schemas.Fault
		if !errors.As(err, &f) {
			t.Fatalf("error %v is no fault", err)
		}
		return
	}
	if !(q.ValidFraction >= 0 && q.ValidFraction <= 1) {
		t.Fatalf("valid fraction %v", q.ValidFraction)
	}
	for i, v := range dst {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatalf("recipe %s: value %d of %d is %v", r.Canonical(), i, len(dst), v)
		}
	}
}

// FuzzApply: any recipe text and any pixels give finite values or a fault, never a panic.
func FuzzApply(f *testing.F) {
	for i, name := range BuiltinNames() {
		text, err := BuiltinText(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, uint8(i), uint8(7), uint8(i*3), []byte{0, 0, 192, 127, 1, 2, 3, 4, 255, 255, 127, 255})
	}
	f.Add([]byte(minimal), uint8(0), uint8(0), uint8(0), []byte{})
	f.Fuzz(func(t *testing.T, text []byte, w, h, more uint8, raw []byte) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		if tr, err := r.Compile(); err != nil || tr.Len() > 1<<18 || r.Size != nil && r.Size.Width*r.Size.Height > 1<<16 {
			return
		}
		c := &schemas.Cutout{}
		for i, b := range r.Bands {
			im := c.AddImage(b, int(w), int(h)+int(more)*(i%2))
			for j := range im.Pixels {
				im.Pixels[j] = pixelFrom(raw, i+j)
			}
		}
		checkFinite(t, r, c)
	})
}

// pixelFrom reads four bytes of raw as a float32, wrapping around.
func pixelFrom(raw []byte, i int) float32 {
	if len(raw) == 0 {
		return 0
	}
	var bits uint32
	for k := range 4 {
		bits = bits<<8 | uint32(raw[(4*i+k)%len(raw)])
	}
	return math.Float32frombits(bits)
}

func benchmarkApply(b *testing.B, name string, c *schemas.Cutout) {
	r, err := Builtin(name)
	if err != nil {
		b.Fatal(err)
	}
	tr, err := r.Compile()
	if err != nil {
		b.Fatal(err)
	}
	dst, s := make([]float32, tr.Len()), tr.NewScratch()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tr.Apply(dst, c, s); err != nil {
			b.Fatal(err)
		}
	}
}

// Compare with: go test -run xxx -bench Apply -benchtime 0.5s -count 5 ./preprocess

func BenchmarkApplyBraai(b *testing.B)     { benchmarkApply(b, "braai", triplet(63, 63)) }
func BenchmarkApplyBraaiEdge(b *testing.B) { benchmarkApply(b, "braai", triplet(63, 50)) }
func BenchmarkApplyAsinh224(b *testing.B)  { benchmarkApply(b, "ztf_asinh_224", triplet(63, 63)) }
func BenchmarkApplyLegacy256to224(b *testing.B) {
	benchmarkApply(b, "legacy_grz", colours(256, "z", "r", "g"))
}
func BenchmarkApplyGalaxyZoo256to224(b *testing.B) {
	benchmarkApply(b, "galaxy_zoo_decals", colours(256, "z", "r", "g"))
}
func BenchmarkApplyZScale256to224(b *testing.B) { benchmarkApply(b, "zscale", triplet(256, 256)) }
func BenchmarkApplyPercentile256to224(b *testing.B) {
	benchmarkApply(b, "zoobot_single", triplet(256, 256))
}
