//go:build cgo && (amd64 || arm64)

package kernel

/*
#cgo CFLAGS: -O3 -std=c11 -D_GNU_SOURCE
#cgo LDFLAGS: -lm
#include "kernel.h"
#cgo noescape ga_asinh
#cgo nocallback ga_asinh
#cgo noescape ga_gather
#cgo nocallback ga_gather
#cgo noescape ga_sum_squares
#cgo nocallback ga_sum_squares
#cgo noescape ga_scale
#cgo nocallback ga_scale
#cgo noescape ga_affine
#cgo nocallback ga_affine
#cgo noescape ga_unit_range
#cgo nocallback ga_unit_range
#cgo noescape ga_zero_nan
#cgo nocallback ga_zero_nan
#cgo noescape ga_interleave
#cgo nocallback ga_interleave
#cgo noescape ga_legacy
#cgo nocallback ga_legacy
#cgo noescape ga_galaxy_zoo
#cgo nocallback ga_galaxy_zoo
#cgo noescape ga_columns
#cgo nocallback ga_columns
#cgo noescape ga_rows
#cgo nocallback ga_rows
*/
import "C"

import "unsafe"

// ptr is the C address of a slice's first value; the slice is not empty.
func ptr(x []float32) *C.float { return (*C.float)(unsafe.SliceData(x)) }

// index is the C address of a table's first value.
func index(x []int32) *C.int32_t { return (*C.int32_t)(unsafe.SliceData(x)) }

// flag is the C form of a bool.
func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

func vectorLanes() int { return int(C.ga_lanes()) }

func asinhPlane(dst, src []float32, offset, scale, gain, bound float32) {
	C.ga_asinh(ptr(dst), ptr(src), C.long(len(src)), C.float(offset), C.float(scale), C.float(gain), C.float(bound))
}

func gather(dst []float32, d Rect, src []float32, s Rect, factor, fill float32) (invalid, zeros int) {
	packed := C.ga_gather(ptr(dst[d.Start:]), C.long(d.Stride), ptr(src[s.Start:]), C.long(s.Stride),
		C.long(s.Width), C.long(s.Height), C.float(factor), C.float(fill))
	return int(packed >> 32), int(packed & 0xffffffff)
}

func sumSquares(x []float32) float64 {
	return float64(C.ga_sum_squares(ptr(x), C.long(len(x))))
}

func scalePlane(x []float32, factor float64) {
	C.ga_scale(ptr(x), C.long(len(x)), C.double(factor))
}

func affine(dst, src []float32, a, b float32) {
	C.ga_affine(ptr(dst), ptr(src), C.long(len(src)), C.float(a), C.float(b))
}

func unitRange(x []float32, low, high float32, gain float64) {
	C.ga_unit_range(ptr(x), C.long(len(x)), C.float(low), C.float(high), C.double(gain))
}

func zeroNaN(x []float32) {
	C.ga_zero_nan(ptr(x), C.long(len(x)))
}

func interleave(dst, planes []float32, a, b []float32) {
	C.ga_interleave(ptr(dst), ptr(planes), C.long(len(planes)/len(a)), C.long(len(a)), ptr(a), ptr(b))
}

func legacy(planes, scale []float32, m, q float32, precedenceBug bool) {
	C.ga_legacy(ptr(planes), C.long(len(planes)/len(scale)), ptr(scale), C.long(len(scale)), C.float(m), C.float(q), flag(precedenceBug))
}

func galaxyZoo(planes []float32, inverse [3]float32, floor, gain float32, desaturate bool) {
	C.ga_galaxy_zoo(ptr(planes), C.long(len(planes)/3), ptr(inverse[:]), C.float(floor), C.float(gain), flag(desaturate))
}

func resizeRows(dst, src []float32, rows int, t *Taps) {
	C.ga_rows(ptr(dst), ptr(src), C.long(rows), C.ga_taps{
		in: C.long(t.In), out: C.long(t.Out), count: C.long(t.Count), lanes: C.long(t.Lanes),
		start: index(t.Start), block: index(t.block), rel: index(t.rel), weight: ptr(t.Weight),
	})
}

func resizeColumns(dst, src []float32, width int, t *Taps) {
	C.ga_columns(ptr(dst), ptr(src), C.long(width), C.long(t.Out), C.long(t.Count), index(t.Start), ptr(t.Weight))
}
