package tile

import "math/bits"

// level is one step of the inverse H-transform: from half(height) x half(width) sums to height x width
// sums of blocks half as wide, or at the last step to pixels.
type level struct {
	coef          []int64 // all coefficients of the tile
	stride        int     // coefficients from one row to the next
	sums          []int64 // half(height) rows of half(width)
	width, height int     // of the output
	bit           int64   // 1 << k at k steps before the last
	smooth        int64   // most that a difference may be changed by; 0: not smoothed
}

// invert runs the inverse H-transform (White 1992) on the coefficients.
//
// The differences of a level are multiples of 2^k or 2^(k+1); their lower bits, which the transform
// dropped, follow from those of their neighbours, so the integers come back exactly.
func (h *HCompress) invert(width, height int, smooth int64) []int64 {
	steps := bits.Len(uint(max(width, height) - 1)) // ceil(log2)
	out, prev := h.out, h.prev
	if steps == 0 {
		out[0] = h.coef[0]
		return out[:1]
	}
	prev[0] = roundTo(h.coef[0], 2<<steps)
	for k := steps - 1; k >= 0; k-- {
		l := level{
			coef: h.coef, stride: width, sums: prev, smooth: smooth, bit: 1 << k,
			width: (width-1)>>k + 1, height: (height-1)>>k + 1,
		}
		l.run(out)
		out, prev = prev, out
	}
	return prev[:width*height]
}

// roundTo rounds to a multiple of unit, a power of 2, halves towards zero for negative values and away
// from it for others.
func roundTo(v, unit int64) int64 {
	if unit <= 1 {
		return v
	}
	return (v + unit>>1 + v>>63) & -unit
}

// run writes the output of the level, row by row of 2x2 blocks.
func (l *level) run(out []int64) {
	w, rows := half(l.width), half(l.height)
	for y := range rows {
		upper := out[2*y*l.width:][:l.width]
		var lower []int64
		if 2*y+1 < l.height {
			lower = out[(2*y+1)*l.width:][:l.width]
		}
		for x := range w {
			l.block(upper, lower, x, y)
		}
	}
}

// block turns a sum and its up to three differences into a block of up to 2x2.
func (l *level) block(upper, lower []int64, x, y int) {
	w, rows := half(l.width), half(l.height)
	right := 2*x+1 < l.width
	h0 := l.sums[y*w+x]
	var hx, hy, hc int64 // lower minus upper, right minus left, diagonal
	if right {
		hy = l.coef[y*l.stride+w+x]
	}
	if lower != nil {
		hx = l.coef[(rows+y)*l.stride+x]
		if right {
			hc = l.coef[(rows+y)*l.stride+w+x]
		}
	}
	if l.smooth > 0 {
		hx, hy, hc = l.smoothed(x, y, hx, hy, hc)
	}
	shift := uint(1)
	if l.bit == 1 {
		shift = 2
	}
	switch {
	case right && lower != nil:
		h0, hx, hy, hc = l.restore(h0, hx, hy, hc)
		upper[2*x] = (h0 - hx - hy + hc) >> shift
		upper[2*x+1] = (h0 - hx + hy - hc) >> shift
		lower[2*x] = (h0 + hx - hy - hc) >> shift
		lower[2*x+1] = (h0 + hx + hy + hc) >> shift
	case right:
		h0, hy = l.restoreOne(h0, hy)
		upper[2*x] = (h0 - hy) >> shift
		upper[2*x+1] = (h0 + hy) >> shift
	case lower != nil:
		h0, hx = l.restoreOne(h0, hx)
		upper[2*x] = (h0 - hx) >> shift
		lower[2*x] = (h0 + hx) >> shift
	default:
		upper[2*x] = h0 >> shift
	}
}

// restore rounds the differences to what the transform kept of them and gives all four values the lower
// bits that it dropped.
func (l *level) restore(h0, hx, hy, hc int64) (int64, int64, int64, int64) {
	hx, hy, hc = roundTo(hx, 2*l.bit), roundTo(hy, 2*l.bit), roundTo(hc, l.bit)
	low := hc & l.bit
	hx, hy = towardsZero(hx, low), towardsZero(hy, low)
	next := (hc ^ hx ^ hy) & (2 * l.bit)
	if h0 < 0 && low == 0 {
		return h0 + next, hx, hy, hc
	}
	return h0 + low - next, hx, hy, hc
}

// restoreOne is restore at an edge, where a sum has one difference.
func (l *level) restoreOne(h0, d int64) (int64, int64) {
	d = roundTo(d, 2*l.bit)
	return towardsZero(h0, d&(2*l.bit)), d
}

// towardsZero subtracts by from a value that is not negative and adds it to one that is.
func towardsZero(v, by int64) int64 {
	sign := v >> 63
	return v - (by ^ sign) + sign
}

// smoothed changes the differences of a block so that they follow the slope through the neighbouring
// sums, by at most l.smooth, half the step of the quantiser. Blocks at the edge lack neighbours.
func (l *level) smoothed(x, y int, hx, hy, hc int64) (int64, int64, int64) {
	w := half(l.width)
	at := y*w + x
	inX := x > 0 && 2*x < l.width-2
	inY := y > 0 && 2*y < l.height-2
	s := l.sums
	if inY {
		hx = l.slope(s[at-w], s[at], s[at+w], hx)
	}
	if inX {
		hy = l.slope(s[at-1], s[at], s[at+1], hy)
	}
	if inX && inY {
		hc = l.curvature([4]int64{s[at-w-1], s[at+w-1], s[at-w+1], s[at+w+1]}, s[at], 2*hx, 2*hy, hc)
	}
	return hx, hy, hc
}

// slope moves a difference towards the slope between the sums before and after, held to the range that
// keeps the block monotonic; 8 steps of it make that slope.
func (l *level) slope(before, sum, after, d int64) int64 {
	highest := max(min(after-sum, sum-before), 0) << 2
	lowest := min(max(after-sum, sum-before), 0) << 2
	if lowest >= highest {
		return d
	}
	want := max(min(after-before, highest), lowest)
	return d + l.step(want-d<<3, 3)
}

// curvature does the same for the diagonal difference from the sums at the four corners, given as upper
// left, lower left, upper right, lower right; hx2 and hy2 are twice the slopes of the block.
func (l *level) curvature(c [4]int64, sum, hx2, hy2, d int64) int64 {
	ul, ll, ur, lr := c[0], c[1], c[2], c[3]
	highest := min(
		max(lr-sum, 0)-hx2-hy2, max(sum-ll, 0)+hx2-hy2,
		max(sum-ur, 0)-hx2+hy2, max(ul-sum, 0)+hx2+hy2) << 4
	lowest := max(
		min(lr-sum, 0)-hx2-hy2, min(sum-ll, 0)+hx2-hy2,
		min(sum-ur, 0)-hx2+hy2, min(ul-sum, 0)+hx2+hy2) << 4
	if lowest >= highest {
		return d
	}
	want := max(min(lr+ul-ur-ll, highest), lowest)
	return d + l.step(want-d<<6, 6)
}

// step divides by 2^shift towards zero and holds the result to the limit.
func (l *level) step(v int64, shift uint) int64 {
	v /= 1 << shift
	return max(min(v, l.smooth), -l.smooth)
}
