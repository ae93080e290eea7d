package kernel

// Asinh writes gain*asinh(scale*(clip(x, -bound, bound)-offset)) of every x in src to dst, which may be
// src. Relative error of the asinh: below 4e-7. NaN stays NaN.
func Asinh(dst, src []float32, offset, scale, gain, bound float32) {
	if len(src) == 0 {
		return
	}
	_ = dst[len(src)-1]
	asinhPlane(dst, src, offset, scale, gain, bound)
}

// Gather copies the window s of src into the window d of dst (same size), each pixel times factor, and
// counts the pixels that hold no measurement (NaN, infinite, above MaxAbs), which become fill, and those
// that are exactly zero.
func Gather(dst []float32, d Rect, src []float32, s Rect, factor, fill float32) (invalid, zeros int) {
	if s.Width <= 0 || s.Height <= 0 {
		return 0, 0
	}
	d.Width, d.Height = s.Width, s.Height
	d.check(len(dst))
	s.check(len(src))
	return gather(dst, d, src, s, factor, fill)
}

// SumSquares returns the sum of the squares in float64.
func SumSquares(x []float32) float64 {
	if len(x) == 0 {
		return 0
	}
	return sumSquares(x)
}

// Scale multiplies every value by factor in float64 and rounds once.
func Scale(x []float32, factor float64) {
	if len(x) > 0 {
		scalePlane(x, factor)
	}
}

// Affine writes x*a + b of every x in src to dst, which may be src.
func Affine(dst, src []float32, a, b float32) {
	if len(src) == 0 {
		return
	}
	_ = dst[len(src)-1]
	affine(dst, src, a, b)
}

// UnitRange replaces every value by (clip(x, low, high)-low)*gain, the difference and the product in
// float64. NaN stays NaN.
func UnitRange(x []float32, low, high float32, gain float64) {
	if len(x) > 0 {
		unitRange(x, low, high, gain)
	}
}

// ZeroNaN replaces every NaN by 0.
func ZeroNaN(x []float32) {
	if len(x) > 0 {
		zeroNaN(x)
	}
}

// Interleave turns len(a) planes of equal size, one after another in planes, into pixels of len(a)
// channels in dst, channel c as x*a[c] + b[c]. dst and planes do not overlap.
func Interleave(dst, planes []float32, a, b []float32) {
	if len(planes) == 0 {
		return
	}
	_, _ = dst[len(planes)-1], b[len(a)-1]
	interleave(dst, planes, a, b)
}

// Legacy applies the colour stretch of the Legacy Surveys viewer in place to len(scale) planes that lie
// one after another: x_b = scale_b f_b + m, I the mean of max(0, x_b), plane_b = clip(x_b F/I, 0, 1) with
// F = asinh(q I)/sqrt(q), and I = 1e-6 where it is 0 (legacysurvey/imagine, map/views.py).
// precedenceBug computes f_b (scale_b + m F/I) instead (georgestein/ssl-legacysurvey, issue 2). A pixel
// with NaN in one plane becomes NaN in all.
func Legacy(planes, scale []float32, m, q float32, precedenceBug bool) {
	if len(planes) > 0 {
		legacy(planes, scale, m, q, precedenceBug)
	}
}

// GalaxyZoo applies the Galaxy Zoo DECaLS stretch in place to three planes that lie one after another:
// v_c = (asinh(f_c inverse_c) - floor) gain, then, if desaturate, with a the mean of the channels (0 as
// 1), w = min(1, max_c(v_c/a)/2.5), w' = sin((1-w) pi/2): v_c w' + a(1-w') + a(1-w')^2 v_c; clipped to
// [0, 1]. A pixel with NaN in one plane becomes NaN in all if desaturate is set.
func GalaxyZoo(planes []float32, inverse [3]float32, floor, gain float32, desaturate bool) {
	if len(planes) > 0 {
		galaxyZoo(planes, inverse, floor, gain, desaturate)
	}
}

// ResizeRows resizes the rows of src (rows of t.In values) to rows of t.Out values in dst.
func ResizeRows(dst, src []float32, rows int, t *Taps) {
	if rows <= 0 || t.Out == 0 {
		return
	}
	_, _ = dst[rows*t.Out-1], src[rows*t.In-1]
	resizeRows(dst, src, rows, t)
}

// ResizeColumns resizes the columns of src (t.In rows of width values) to t.Out rows in dst.
func ResizeColumns(dst, src []float32, width int, t *Taps) {
	if width <= 0 || t.Out == 0 {
		return
	}
	_, _ = dst[t.Out*width-1], src[t.In*width-1]
	resizeColumns(dst, src, width, t)
}
