package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// lengths exercise vector bodies, tails and strips.
var lengths = []int{0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 511, 512, 513, 3969}

// pixels makes values over many magnitudes, with zeros, and NaN and infinities if special is set.
func pixels(n int, seed uint64, special bool) []float32 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * math.Pow(10, rng.Float64()*12-6))
		switch k := rng.IntN(40); {
		case k == 0:
			x[i] = 0
		case k == 1 && special:
			x[i] = float32(math.NaN())
		case k == 2 && special:
			x[i] = float32(math.Inf(rng.IntN(2)*2 - 1))
		case k == 3 && special:
			x[i] = 3e38
		}
	}
	return x
}

// same fails unless both hold the same values bit for bit; any NaN equals any other.
func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i, w := range want {
		g := got[i]
		if math.Float32bits(g) != math.Float32bits(w) && !(g != g && w != w) {
			t.Fatalf("%s: value %d of %d is %v (%#x), the reference has %v (%#x)", what, i, len(want),
				g, math.Float32bits(g), w, math.Float32bits(w))
		}
	}
}

func clone(x []float32) []float32 { return append([]float32(nil), x...) }

func TestPointwiseKernelsEqualTheirReference(t *testing.T) {
	for _, n := range lengths {
		x := pixels(n, uint64(n)+1, true)
		run := func(name string, fast, ref func([]float32)) {
			got, want := clone(x), clone(x)
			fast(got)
			ref(want)
			same(t, fmt.Sprintf("%s, n = %d", name, n), got, want)
		}
		run("Asinh", func(v []float32) { Asinh(v, v, 100, 0.1, 1, math.MaxFloat32) },
			func(v []float32) { asinhRef(v, v, 100, 0.1, 1, math.MaxFloat32) })
		run("Asinh with bounds", func(v []float32) { Asinh(v, v, 0, 100, 0.1, 6) },
			func(v []float32) { asinhRef(v, v, 0, 100, 0.1, 6) })
		run("Scale", func(v []float32) { Scale(v, 1e-41) }, func(v []float32) { scaleRef(v, 1e-41) })
		run("Affine", func(v []float32) { Affine(v, v, 4.4, -2.1) }, func(v []float32) { affineRef(v, v, 4.4, -2.1) })
		run("UnitRange", func(v []float32) { UnitRange(v, -1, 7, 1.0/8) }, func(v []float32) { unitRangeRef(v, -1, 7, 1.0/8) })
		run("ZeroNaN", ZeroNaN, zeroNaNRef)
	}
}

func TestColourKernelsEqualTheirReference(t *testing.T) {
	for _, n := range lengths {
		for _, special := range []bool{false, true} {
			x := pixels(3*n, uint64(n)+2, special)
			for _, on := range []bool{false, true} {
				got, want := clone(x), clone(x)
				Legacy(got, []float32{2.2, 3.4, 6}, 0.03, 20, on)
				legacyRef(want, []float32{2.2, 3.4, 6}, 0.03, 20, on)
				same(t, "Legacy", got, want)
				got, want = clone(x), clone(x)
				GalaxyZoo(got, [3]float32{1 / 0.019, 1 / 0.014, 1 / 0.008}, -0.48, 0.14, on)
				galaxyZooRef(want, [3]float32{1 / 0.019, 1 / 0.014, 1 / 0.008}, -0.48, 0.14, on)
				same(t, "GalaxyZoo", got, want)
			}
		}
	}
}

func TestSumSquaresEqualsItsReference(t *testing.T) {
	for _, n := range lengths {
		x := pixels(n, uint64(n)+3, false)
		if got, want := SumSquares(x), sumSquaresRef(x); got != want {
			t.Errorf("n = %d: %v, the reference has %v", n, got, want)
		}
	}
}

func TestInterleaveEqualsItsReference(t *testing.T) {
	for _, n := range lengths {
		for channels := 1; channels <= 5; channels++ {
			x := pixels(n*channels, uint64(n*channels)+4, false)
			a, b := pixels(channels, 5, false), pixels(channels, 6, false)
			got, want := make([]float32, len(x)), make([]float32, len(x))
			Interleave(got, x, a, b)
			interleaveRef(want, x, a, b)
			same(t, fmt.Sprintf("Interleave of %d x %d", channels, n), got, want)
		}
	}
}

func TestGatherEqualsItsReference(t *testing.T) {
	const w, h = 37, 23
	src := pixels(w*h, 7, true)
	for _, s := range []Rect{
		{0, w, h, w}, {3*w + 5, 16, 11, w}, {(h - 1) * w, w, h, -w}, {(h-2)*w + 1, 9, 20, -w}, {5, 1, 1, w}, {0, 0, 0, w},
	} {
		got, want := pixels(50*50, 8, false), pixels(50*50, 8, false)
		d := Rect{Start: 101, Stride: 50}
		bad, zeros := Gather(got, d, src, s, 0.3, -7)
		wantBad, wantZeros := gatherRef(want, d, src, s, 0.3, -7)
		if bad != wantBad || zeros != wantZeros {
			t.Errorf("%+v: %d without data and %d zeros, the reference has %d and %d", s, bad, zeros, wantBad, wantZeros)
		}
		same(t, fmt.Sprintf("Gather %+v", s), got, want)
	}
}

func TestGatherRefusesAWindowOutside(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a window outside the plane was read")
		}
	}()
	Gather(make([]float32, 4), Rect{Stride: 2}, make([]float32, 4), Rect{Start: 1, Width: 2, Height: 2, Stride: 2}, 1, 0)
}

// bilinear fills a two-tap table.
func bilinear(in, out int) *Taps {
	t := &Taps{In: in, Out: out, Count: 2, Start: make([]int32, out), Weight: make([]float32, 2*out)}
	for j := range out {
		at := min(max((float64(j)+0.5)*float64(in)/float64(out)-0.5, 0), float64(in-1))
		first := min(int(at), in-2)
		t.Start[j] = int32(first)
		t.Weight[j], t.Weight[out+j] = float32(1-(at-float64(first))), float32(at-float64(first))
	}
	t.Plan()
	return t
}

func TestResizeEqualsItsReferenceAtEveryVectorWidth(t *testing.T) {
	for _, shape := range [][2]int{{63, 224}, {256, 224}, {63, 64}, {64, 64}, {5, 8}, {300, 20}, {40, 33}, {32, 224}, {33, 17}} {
		taps := bilinear(shape[0], shape[1])
		const rows = 5
		src := pixels(shape[0]*rows, 9, false)
		want := make([]float32, shape[1]*rows)
		resizeRowsRef(want, src, rows, taps)
		for _, lanes := range []int{16, 8, 0} {
			if lanes > vectorLanes() {
				continue
			}
			taps.plan(lanes)
			got := make([]float32, len(want))
			ResizeRows(got, src, rows, taps)
			same(t, fmt.Sprintf("ResizeRows %v, %d lanes planned, %d used", shape, lanes, taps.Lanes), got, want)
		}
		const width = 19
		tall := pixels(shape[0]*width, 10, false)
		got, want := make([]float32, shape[1]*width), make([]float32, shape[1]*width)
		ResizeColumns(got, tall, width, taps)
		resizeColumnsRef(want, tall, width, taps)
		same(t, fmt.Sprintf("ResizeColumns %v", shape), got, want)
	}
}

// TestAsinhError holds the stated error over every exponent, both signs and the seams of the algorithm.
func TestAsinhError(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	worst, at := 0.0, float32(0)
	try := func(x float32) {
		want := math.Asinh(float64(x))
		if e := math.Abs(float64(asinh(x))-want) / math.Abs(want); e > worst {
			worst, at = e, x
		}
	}
	for e := -126; e < 128; e++ {
		for range 2000 {
			x := float32(math.Ldexp(1+rng.Float64(), e))
			if !math.IsInf(float64(x), 0) {
				try(x)
				try(-x)
			}
		}
	}
	for _, seam := range []float32{asinhLarge, float32(math.Sinh(math.Ln2 / 2)), 0.5, 1, math.MaxFloat32} {
		for range 100 {
			try(seam)
			seam = math.Nextafter32(seam, 0)
		}
	}
	t.Logf("largest relative error %.3g at x = %g", worst, at)
	if worst > 4e-7 {
		t.Errorf("relative error %.3g at x = %g is above the stated 4e-7", worst, at)
	}
	for _, x := range []float32{0, float32(math.Inf(1)), float32(math.Inf(-1))} {
		if asinh(x) != x {
			t.Errorf("asinh(%v) = %v", x, asinh(x))
		}
	}
	if v := asinh(float32(math.NaN())); v == v {
		t.Errorf("asinh(NaN) = %v", v)
	}
}

func TestQuarterSineError(t *testing.T) {
	for i := range 10001 {
		y := float64(i) / 10000 * math.Pi / 2
		if e := math.Abs(float64(quarterSine(float32(y))) - math.Sin(y)); e > 3e-7 {
			t.Fatalf("sin(%g) is off by %g", y, e)
		}
	}
}

func TestKernelsAllocateNothing(t *testing.T) {
	x, y := pixels(300, 11, false), make([]float32, 3*224)
	taps := bilinear(100, 224)
	if n := testing.AllocsPerRun(100, func() {
		Asinh(x, x, 0, 1, 1, 1e20)
		Gather(y, Rect{Stride: 10}, x, Rect{Width: 10, Height: 10, Stride: 10}, 1, 0)
		Legacy(x, []float32{1, 2, 3}, 0.03, 20, false)
		GalaxyZoo(x, [3]float32{1, 2, 3}, 0, 1, true)
		ResizeRows(y, x, 3, taps)
		Interleave(y, x, []float32{1, 1, 1}, []float32{0, 0, 0})
		_ = SumSquares(x)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAsinh64k(b *testing.B) {
	x, y := pixels(1<<16, 12, false), make([]float32, 1<<16)
	b.SetBytes(4 << 16)
	for b.Loop() {
		Asinh(y, x, 100, 0.1, 1, math.MaxFloat32)
	}
}

func BenchmarkAsinhReference64k(b *testing.B) {
	x, y := pixels(1<<16, 12, false), make([]float32, 1<<16)
	b.SetBytes(4 << 16)
	for b.Loop() {
		asinhRef(y, x, 100, 0.1, 1, math.MaxFloat32)
	}
}

func BenchmarkResizeRows(b *testing.B) {
	for _, in := range []int{63, 256} {
		for _, lanes := range []int{16, 8, 0} {
			if lanes > vectorLanes() {
				continue
			}
			b.Run(fmt.Sprintf("%dto224/lanes%d", in, lanes), func(b *testing.B) {
				taps := bilinear(in, 224)
				taps.plan(lanes)
				src, dst := pixels(in*in, 13, false), make([]float32, in*224)
				for b.Loop() {
					ResizeRows(dst, src, in, taps)
				}
			})
		}
	}
}

func BenchmarkResizeColumns256to224(b *testing.B) {
	taps := bilinear(256, 224)
	src, dst := pixels(256*224, 14, false), make([]float32, 224*224)
	for b.Loop() {
		ResizeColumns(dst, src, 224, taps)
	}
}

func BenchmarkLegacy64k(b *testing.B) {
	x := pixels(3<<16, 15, false)
	for b.Loop() {
		Legacy(x, []float32{2.2, 3.4, 6}, 0.03, 20, false)
	}
}

func BenchmarkGalaxyZoo64k(b *testing.B) {
	x := pixels(3<<16, 16, false)
	for b.Loop() {
		GalaxyZoo(x, [3]float32{50, 70, 120}, -0.48, 0.14, true)
	}
}

func BenchmarkInterleave(b *testing.B) {
	x, y := pixels(3*3969, 17, false), make([]float32, 3*3969)
	a, z := []float32{1, 1, 1}, []float32{0, 0, 0}
	for b.Loop() {
		Interleave(y, x, a, z)
	}
}

func BenchmarkGather(b *testing.B) {
	x, y := pixels(3969, 18, false), make([]float32, 3969)
	for b.Loop() {
		Gather(y, Rect{Stride: 63}, x, Rect{Width: 63, Height: 63, Stride: 63}, 1, 0)
	}
}

func BenchmarkSumSquares(b *testing.B) {
	x := pixels(3969, 19, false)
	for b.Loop() {
		SumSquares(x)
	}
}
