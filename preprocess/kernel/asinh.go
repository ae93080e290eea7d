package kernel

import "math"

// asinhLarge is the magnitude from which sqrt(x*x+1) rounds to x in float32: asinh(x) = log(x) + ln 2.
const asinhLarge = 4096

// sqrtHalf is the bit pattern of sqrt(1/2), the lower end of the mantissa interval that log works on.
const sqrtHalf = 0x3f3504f3

// oneBits is the bit pattern of 1.
const oneBits = 0x3f800000

// asinh returns the inverse hyperbolic sine of x within 4e-7 relative (tested over all exponents).
//
// asinh|x| = log1p(t) with t = |x| + x*x/(1+sqrt(1+x*x)), which loses no digits for small x. The
// logarithm splits u = 1+t into 2^e*m, m in [sqrt(1/2), sqrt(2)), and sums the series
// log m = 2 atanh(s), s = (m-1)/(m+1), to s^9: |s| <= 0.1716, so the rest is below 1e-8 relative.
// NaN and infinities are returned as they are.
func asinh(x float32) float32 {
	a := math.Float32frombits(math.Float32bits(x) &^ (1 << 31))
	sq := float32(a * a)
	root := float32(math.Sqrt(float64(1 + sq)))
	t := a + sq/(1+root)
	u, e := 1+t, int32(0)
	if a >= asinhLarge {
		u, e = a, 1
	}
	ix := int32(math.Float32bits(u)) + (oneBits - sqrtHalf)
	k := ix>>23 - 127
	num := t
	if k != 0 {
		num = math.Float32frombits(uint32(ix&0x7fffff+sqrtHalf)) - 1
	}
	s := num / (2 + num)
	z := float32(s * s)
	p := float32(z*(2.0/9)) + 2.0/7
	p = float32(z*p) + 2.0/5
	p = float32(z*p) + 2.0/3
	p = float32(z*p) + 2
	r := float32(s*p) + float32(float32(k+e)*float32(math.Ln2))
	if !(a <= math.MaxFloat32) {
		return x
	}
	return float32(math.Copysign(float64(r), float64(x)))
}

// asinhRef is the reference of Asinh.
func asinhRef(dst, src []float32, offset, scale, gain, bound float32) {
	for i, x := range src {
		dst[i] = gain * asinh(scale*(clip(x, -bound, bound)-offset))
	}
}
