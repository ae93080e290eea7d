package tile

import (
	"encoding/binary"
	"math/bits"
)

// The encoders of this file write what the decoders read, in the plainest way.

// bitWriter writes bits from the most significant end of each byte.
type bitWriter struct {
	b []byte
	n int // bits used of the last byte
}

func (w *bitWriter) put(v uint64, k int) {
	for i := k - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b, w.n = append(w.b, 0), 0
		}
		w.b[len(w.b)-1] |= byte(v>>i&1) << (7 - w.n)
		w.n++
	}
}

// align ends the byte in hand.
func (w *bitWriter) align() { w.n = 0 }

// riceEncode codes each block with the given split: below 0 as all zero where it is, the raw code where
// split is large, and the best split where it is 100.
func riceEncode(px []int32, bytepix, block, split int) []byte {
	code, _ := riceCodeOf(bytepix)
	var first [4]byte
	binary.BigEndian.PutUint32(first[:], uint32(px[0]))
	w := &bitWriter{b: append([]byte(nil), first[4-bytepix:]...)}
	last := px[0]
	for len(px) > 0 {
		n := min(block, len(px))
		d := make([]uint64, n)
		var sum uint64
		for i, v := range px[:n] {
			diff := int64(v-last) << (64 - code.width) >> (64 - code.width) // wraps at the width of a pixel
			d[i] = uint64(diff<<1^diff>>63) & (1<<code.width - 1)
			sum += d[i]
			last = v
		}
		use := split
		if split == 100 {
			use = max(0, bits.Len64(sum/uint64(n))-1)
		}
		switch {
		case sum == 0 && split == 100:
			w.put(0, int(code.field))
		case use >= int(code.rawCode):
			w.put(uint64(code.rawCode)+1, int(code.field))
			for _, v := range d {
				w.put(v, int(code.width))
			}
		default:
			w.put(uint64(use)+1, int(code.field))
			for _, v := range d {
				for range v >> use {
					w.put(0, 1)
				}
				w.put(1, 1)
				w.put(v&(1<<use-1), use)
			}
		}
		px = px[n:]
	}
	return w.b
}

// plioWords is a list with the usual header of seven words.
func plioWords(ops ...uint16) []byte {
	n := 7 + len(ops)
	words := append([]uint16{0, 7, 0xff9c, uint16(n & 0x7fff), uint16(n >> 15), 0, 0}, ops...)
	var b []byte
	for _, w := range words {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	return b
}

// plioEncode sets the high value before every run.
func plioEncode(px []int32) []byte {
	var ops []uint16
	for len(px) > 0 {
		n := 1
		for n < len(px) && n < 4095 && px[n] == px[0] {
			n++
		}
		if px[0] == 0 {
			ops = append(ops, uint16(n))
		} else {
			ops = append(ops, plioSet<<12|uint16(px[0]&0xfff), uint16(px[0]>>12), plioRun<<12|uint16(n))
		}
		px = px[n:]
	}
	return plioWords(ops...)
}

// shuffle is the inverse of Unshuffle.
func shuffle(b []byte, width int) []byte {
	out := make([]byte, 0, len(b))
	for i := range width {
		for k := i; k < len(b); k += width {
			out = append(out, b[k])
		}
	}
	return out
}

// forward is the H-transform (White 1992) of height rows of width pixels: sums and differences of 2x2
// blocks, the lower bits dropped that the inverse finds again, sorted into quadrants, then the sums again.
func forward(px []int64, width, height int) []int64 {
	a := append([]int64(nil), px...)
	round := func(v, unit int64) int64 {
		if v >= 0 {
			return (v + unit/2) & -unit
		}
		return (v + unit/2 - 1) & -unit
	}
	for step, w, h := 0, width, height; w > 1 || h > 1; step, w, h = step+1, half(w), half(h) {
		shift, unit := min(step, 1), int64(2)<<step
		next := append([]int64(nil), a...)
		at := func(y, x int) int64 { return a[y*width+x] }
		for y := 0; y < h; y += 2 {
			for x := 0; x < w; x += 2 {
				var h0, hx, hy, hc int64
				right, below := x+1 < w, y+1 < h
				switch {
				case right && below:
					h0 = (at(y+1, x+1) + at(y+1, x) + at(y, x+1) + at(y, x)) >> shift
					hx = (at(y+1, x+1) + at(y+1, x) - at(y, x+1) - at(y, x)) >> shift
					hy = (at(y+1, x+1) - at(y+1, x) + at(y, x+1) - at(y, x)) >> shift
					hc = (at(y+1, x+1) - at(y+1, x) - at(y, x+1) + at(y, x)) >> shift
				case right:
					h0, hy = (at(y, x+1)+at(y, x))<<(1-shift), (at(y, x+1)-at(y, x))<<(1-shift)
				case below:
					h0, hx = (at(y+1, x)+at(y, x))<<(1-shift), (at(y+1, x)-at(y, x))<<(1-shift)
				default:
					h0 = at(y, x) << (2 - shift)
				}
				half0 := func(v int64) int64 { // halves away from zero for positive, towards it for others
					if v >= 0 {
						return (v + unit/2) & -unit
					}
					return v & -unit
				}
				Y, X := y/2, x/2
				next[Y*width+X] = round(h0, 2*unit)
				if below {
					next[(half(h)+Y)*width+X] = half0(hx)
				}
				if right {
					next[Y*width+half(w)+X] = half0(hy)
				}
				if right && below {
					next[(half(h)+Y)*width+half(w)+X] = hc
				}
			}
		}
		a = next
	}
	return a
}

// hcompressEncode writes a stream with bit planes as trees or direct.
func hcompressEncode(px []int64, width, height int, scale int32, tree bool) []byte {
	a := forward(px, width, height)
	if scale > 1 {
		for i, v := range a {
			d := int64(scale)
			if v > 0 {
				a[i] = (v + d/2 - 1) / d
			} else {
				a[i] = (v - d/2 + 1) / d
			}
		}
	}
	out := []byte{0xdd, 0x99}
	for _, v := range []int32{int32(height), int32(width), scale} {
		out = binary.BigEndian.AppendUint32(out, uint32(v))
	}
	out = binary.BigEndian.AppendUint64(out, uint64(a[0]))
	a[0] = 0
	cx, cy := half(width), half(height)
	type rect struct{ x, y, w, h, planes int }
	quads := []rect{{0, 0, cx, cy, 0}, {cx, 0, width - cx, cy, 1}, {0, cy, cx, height - cy, 1}, {cx, cy, width - cx, height - cy, 2}}
	var planes [3]int
	for _, q := range quads {
		for y := range q.h {
			for x := range q.w {
				planes[q.planes] = max(planes[q.planes], bits.Len64(uint64(abs(a[(q.y+y)*width+q.x+x]))))
			}
		}
	}
	out = append(out, byte(planes[0]), byte(planes[1]), byte(planes[2]))
	w := &bitWriter{b: out}
	for _, q := range quads {
		for bit := planes[q.planes] - 1; bit >= 0; bit-- {
			w.bitPlane(q.w, q.h, tree, func(y, x int) bool {
				return abs(a[(q.y+y)*width+q.x+x])>>bit&1 != 0
			})
		}
	}
	w.put(0, 4)
	w.align()
	for _, v := range a {
		if v != 0 {
			w.put(uint64(v)>>63, 1)
		}
	}
	return w.b
}

func abs(v int64) int64 { return max(v, -v) }

// bitPlane writes one plane of a quadrant whose bits are is(y, x).
func (w *bitWriter) bitPlane(width, height int, tree bool, is func(y, x int) bool) {
	over := func(width, height int, is func(y, x int) bool) []uint8 {
		nodes := make([]uint8, half(width)*half(height))
		for y := range height {
			for x := range width {
				if is(y, x) {
					nodes[y/2*half(width)+x/2] |= 8 >> (y%2*2 + x%2)
				}
			}
		}
		return nodes
	}
	levels := [][]uint8{over(width, height, is)}
	for ww, hh := half(width), half(height); ww > 1 || hh > 1; ww, hh = half(ww), half(hh) {
		below := levels[len(levels)-1]
		levels = append(levels, over(ww, hh, func(y, x int) bool { return below[y*ww+x] != 0 }))
	}
	if !tree {
		w.put(planeDirect, 4)
		for _, v := range levels[0] {
			w.put(uint64(v), 4)
		}
		return
	}
	w.put(planeTree, 4)
	for i := len(levels) - 1; i >= 0; i-- {
		root := i == len(levels)-1
		if root && len(levels[i]) == 0 {
			w.node(0)
		}
		for k := len(levels[i]) - 1; k >= 0; k-- {
			if root || levels[i][k] != 0 {
				w.node(levels[i][k])
			}
		}
	}
}

// node writes the code of a node.
func (w *bitWriter) node(v uint8) {
	for i, c := range nodeCodes {
		if c.node == v {
			w.put(uint64(i)>>(6-c.length), int(c.length))
			return
		}
	}
}
