package kernel

import "math"

// MaxAbs is the largest magnitude that counts as a measured pixel. Larger values are the sentinels and
// overflows of broken files; with it and the limits on recipe parameters no product overflows float32.
const MaxAbs = 1e20

// usable reports whether a pixel holds a measurement: finite and at most MaxAbs in magnitude.
func usable(v float32) bool { return v <= MaxAbs && v >= -MaxAbs }

// Rect is a window of a plane: where it starts, its size and the distance between its rows, in pixels.
// A negative stride walks the rows upwards.
type Rect struct {
	Start, Width, Height, Stride int
}

// gatherRef is the reference of Gather.
func gatherRef(dst []float32, d Rect, src []float32, s Rect, factor, fill float32) (invalid, zeros int) {
	for y := range s.Height {
		out := dst[d.Start+y*d.Stride:][:s.Width]
		in := src[s.Start+y*s.Stride:][:s.Width]
		for x, v := range in {
			if v == 0 {
				zeros++
			}
			if usable(v) {
				out[x] = v * factor
			} else {
				out[x] = fill
				invalid++
			}
		}
	}
	return invalid, zeros
}

// sumSquaresRef is the reference of SumSquares: eight running sums, so that SIMD code can keep its order.
func sumSquaresRef(x []float32) float64 {
	var acc [8]float64
	n := len(x) &^ 7
	for i := 0; i < n; i += 8 {
		for j := range acc {
			v := float64(x[i+j])
			acc[j] += float64(v * v)
		}
	}
	for j, f := range x[n:] {
		acc[j] += float64(float64(f) * float64(f))
	}
	return ((acc[0] + acc[4]) + (acc[2] + acc[6])) + ((acc[1] + acc[5]) + (acc[3] + acc[7]))
}

// scaleRef is the reference of Scale.
func scaleRef(x []float32, factor float64) {
	for i, v := range x {
		x[i] = float32(float64(v) * factor)
	}
}

// affineRef is the reference of Affine.
func affineRef(dst, src []float32, a, b float32) {
	for i, v := range src {
		dst[i] = float32(v*a) + b
	}
}

// unitRangeRef is the reference of UnitRange.
func unitRangeRef(x []float32, low, high float32, gain float64) {
	for i, v := range x {
		v = clip(v, low, high)
		x[i] = float32((float64(v) - float64(low)) * gain)
	}
}

// zeroNaNRef is the reference of ZeroNaN.
func zeroNaNRef(x []float32) {
	for i, v := range x {
		if v != v {
			x[i] = 0
		}
	}
}

// interleaveRef is the reference of Interleave.
func interleaveRef(dst, planes []float32, a, b []float32) {
	n := len(planes) / len(a)
	for c := range a {
		for i, v := range planes[c*n:][:n] {
			dst[i*len(a)+c] = float32(v*a[c]) + b[c]
		}
	}
}

// clip limits v to [low, high] and keeps NaN.
func clip(v, low, high float32) float32 {
	if v < low {
		return low
	}
	if v > high {
		return high
	}
	return v
}

// larger returns b where it is above a, else a.
func larger(a, b float32) float32 {
	if b > a {
		return b
	}
	return a
}

// sqrt32 is the correctly rounded float32 square root.
func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// check panics unless every pixel of the window lies inside a plane of n values.
func (r Rect) check(n int) {
	last := r.Start + (r.Height-1)*r.Stride
	low, high := min(r.Start, last), max(r.Start, last)+r.Width-1
	if low < 0 || high >= n {
		panic("kernel: window outside the plane")
	}
}
