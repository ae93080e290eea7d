package preprocess

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"pgregory.net/rapid"
)

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

// TestExtremeParametersAreFinite takes every stretch to the ends of its parameters' ranges, over the largest
// and smallest pixels and zero points.
func TestExtremeParametersAreFinite(t *testing.T) {
	kinds := []string{stretchNone, stretchAsinh, stretchL2, stretchLegacy, stretchGalaxyZoo, stretchZScale,
		stretchLupton, stretchPercentile, stretchEuclid, stretchEuclidLSB}
	rapid.Check(t, func(rt *rapid.T) {
		r := plain(3, 3, "a", "b", "c")
		r.Stretch.Kind = rapid.SampledFrom(kinds).Draw(rt, "kind")
		r.NaN.Policy = rapid.SampledFrom([]string{"zero", "zero_after"}).Draw(rt, "policy")
		r.Flux = &Flux{ZeroPoint: rapid.SampledFrom([]float64{7.5, 22.5, 37.5}).Draw(rt, "target")}
		list, _ := parameters(r.Stretch.Kind)
		for _, p := range list {
			middle := (p.low + p.high) / 2
			v := rapid.SampledFrom([]float64{p.low, p.high, middle, min(max(p.fallback, p.low), p.high)}).Draw(rt, p.name)
			*r.Stretch.value(p.name) = Values{v}
		}
		r.Normalize = rapid.SampledFrom([]Normalize{{}, {Mean: Values{1e20}, Std: Values{1e-6}}, {Scale: Values{-1e6}, Offset: Values{1e20}}}).Draw(rt, "normalize")
		if r.Validate() != nil {
			return // low and high may have met
		}
		c := &schemas.Cutout{}
		extreme := rapid.SampledFrom([]float32{0, 1, -1, 1e-45, -1e-45, 1e-38, 1e20, -1e20, nan})
		for _, b := range r.Bands {
			im := c.AddImage(b, 3, 3)
			im.ZeroPoint = 22.5
			for i := range im.Pixels {
				im.Pixels[i] = extreme.Draw(rt, "pixel")
			}
		}
		checkFinite(rt, r, c)
	})
}

func TestPercentileEqualsSorting(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.OneOf(rapid.SampledFrom([]float32{0, 1, 1, -1, 1e20, 1e-45}), rapid.Float32Range(-1e3, 1e3))
		x := rapid.SliceOfN(value, 1, 300).Draw(rt, "x")
		p := rapid.SampledFrom([]float64{0, 0.1, 25, 50, 99.7, 100}).Draw(rt, "p")
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		rank := p / 100 * float64(len(x)-1)
		low, high := sorted[int(rank)], sorted[min(int(rank)+1, len(x)-1)]
		want := float64(low) + (float64(high)-float64(low))*(rank-math.Floor(rank))
		if got := (&Scratch{}).percentile(x, p).value(identity); got != want {
			rt.Fatalf("percentile %g is %v, want %v", p, got, want)
		}
	})
}

func TestSelectRankInEveryOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := rapid.SliceOfN(rapid.Float32Range(-4, 4), 1, 200).Draw(rt, "x")
		k := rapid.IntRange(0, len(x)-1).Draw(rt, "k")
		sorted := slices.Clone(x)
		slices.Sort(sorted)
		selectRank(x, k)
		if x[k] != sorted[k] || k > 0 && slices.Max(x[:k]) > x[k] || k+1 < len(x) && slices.Min(x[k+1:]) < x[k] {
			rt.Fatalf("rank %d of %v is %v", k, x, x[k])
		}
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
