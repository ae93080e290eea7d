//go:build !cgo || !(amd64 || arm64)

package kernel

func vectorLanes() int { return 0 }

func asinhPlane(dst, src []float32, offset, scale, gain, bound float32) {
	asinhRef(dst, src, offset, scale, gain, bound)
}

func gather(dst []float32, d Rect, src []float32, s Rect, factor, fill float32) (invalid, zeros int) {
	return gatherRef(dst, d, src, s, factor, fill)
}

func sumSquares(x []float32) float64 {
	return sumSquaresRef(x)
}

func scalePlane(x []float32, factor float64) {
	scaleRef(x, factor)
}

func affine(dst, src []float32, a, b float32) {
	affineRef(dst, src, a, b)
}

func unitRange(x []float32, low, high float32, gain float64) {
	unitRangeRef(x, low, high, gain)
}

func zeroNaN(x []float32) {
	zeroNaNRef(x)
}

func interleave(dst, planes []float32, a, b []float32) {
	interleaveRef(dst, planes, a, b)
}

func legacy(planes, scale []float32, m, q float32, precedenceBug bool) {
	legacyRef(planes, scale, m, q, precedenceBug)
}

func galaxyZoo(planes []float32, inverse [3]float32, floor, gain float32, desaturate bool) {
	galaxyZooRef(planes, inverse, floor, gain, desaturate)
}

func resizeRows(dst, src []float32, rows int, t *Taps) {
	resizeRowsRef(dst, src, rows, t)
}

func resizeColumns(dst, src []float32, width int, t *Taps) {
	resizeColumnsRef(dst, src, width, t)
}
