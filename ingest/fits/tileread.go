package fits

import (
	"github.com/galaxalign/galaxalign/ingest/fits/tile"
	"github.com/galaxalign/galaxalign/schemas"
)

// tileReader is the memory with which the HDUs of a File decode their tiles. It grows to the largest
// tile seen and is reused.
type tileReader struct {
	inflate   InflateFunc // of the File; nil means gunzip
	gunzip    gunzipper
	dither    *tile.Dither // made with the first dithered image
	hcompress tile.HCompress

	ints     []int32   // stored integers of a tile
	wide     []int64   // the same where they have 64 bits
	inflated []byte    // a gzipped tile as it was packed
	shuffled []byte    // and in order
	px       []float32 // pixels of a tile that is not contiguous in the picture
	px64     []float64

	cube   []float32 // the whole picture of cubeOf, where tiles reach over planes
	cubeOf *HDU
}

// reset prepares for another payload.
func (r *tileReader) reset(inflate InflateFunc) { r.inflate, r.cubeOf = inflate, nil }

// room returns s with length n; what it holds is not kept.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// box is the place of one tile in the picture.
type box struct {
	size   [storedAxes]int
	n      int // pixels
	offset int // of its first pixel from the first of the picture
	// contiguous says that its pixels follow each other in the picture.
	contiguous bool
}

// box finds tile number row, counted along the fastest axis first.
func (h *HDU) box(row int) (b box) {
	t := h.tiling
	b.n, b.contiguous = 1, true
	stride, partial := 1, false
	for i, length := range h.Axes() {
		from := row % t.counts[i] * t.size[i]
		row /= t.counts[i]
		b.size[i] = min(t.size[i], length-from)
		b.n *= b.size[i]
		b.offset += from * stride
		stride *= length
		b.contiguous = b.contiguous && (!partial || b.size[i] == 1)
		partial = partial || b.size[i] < length
	}
	return b
}

// decodeTiles decodes tiles from (included) to to into dst, whose first pixel is number base of the
// picture, and reports whether any pixel is NaN.
func (h *HDU) decodeTiles(dst []float32, from, to, base int) (nan bool, err error) {
	r := h.reader
	for row := from; row < to; row++ {
		b := h.box(row)
		v, flt := r.load(h, row, &b)
		if flt != nil {
			return false, flt
		}
		at := b.offset - base
		if b.contiguous {
			nan = r.emit(h, dst[at:at+b.n], &v) || nan
			continue
		}
		r.px = room(r.px, b.n)
		nan = r.emit(h, r.px, &v) || nan
		h.scatter(dst[at:], r.px, &b)
	}
	return nan, nil
}

// scatter copies the rows of a tile to their places; dst begins with the tile's first pixel.
func (h *HDU) scatter(dst, px []float32, b *box) {
	var at [storedAxes]int
	run := b.size[0]
	for off := 0; ; {
		copy(dst[off:off+run], px)
		if px = px[run:]; len(px) == 0 {
			return
		}
		stride := h.axes[0]
		for i := 1; i < h.naxis; i++ {
			if at[i]++; at[i] < b.size[i] {
				off += stride
				break
			}
			off -= (at[i] - 1) * stride
			at[i] = 0
			stride *= h.axes[i]
		}
	}
}

// tilePlane is Plane of a tile-compressed image. Where tiles reach over planes the cube is decoded once
// and its planes are taken from there.
func (h *HDU) tilePlane(g Geometry, index int, dst []float32) (nan bool, err error) {
	n, t := len(dst), h.tiling
	if !t.across && !g.BandFirst {
		each := t.tiles / g.Planes
		return h.decodeTiles(dst, index*each, (index+1)*each, index*n)
	}
	r := h.reader
	if r.cubeOf != h {
		r.cubeOf = nil
		r.cube = room(r.cube, n*g.Planes)
		if _, err := h.decodeTiles(r.cube, 0, t.tiles, 0); err != nil {
			return false, err
		}
		r.cubeOf = h
	}
	src, step := r.cube[index*n:], 1
	if g.BandFirst {
		src, step = r.cube[index:], g.Planes
	}
	for i := range dst {
		dst[i] = src[i*step]
		nan = nan || dst[i] != dst[i]
	}
	return nan, nil
}

// checkCells refuses an image whose cells point outside the heap, or share its bytes so much that they
// would be read for longer than a payload of MaxInflated bytes more: one long cell behind many tiles would
// be work without end. Sharing as such is common: masks hold the same row many times.
func (h *HDU) checkCells(lim *Limits) *schemas.Fault {
	t := h.tiling
	total, most := 0, len(h.data)-t.heap+lim.MaxInflated
	for row := range t.tiles {
		for i := colCompressed; i <= colPlain; i++ {
			b, ok := t.cell(h.data, row, &t.cols[i])
			if !ok {
				return fault(schemas.ReasonTruncated, h.DataOffset+row*t.rowLen, "tile-compressed image in HDU %d: %s of tile %d reaches outside the heap; fetch the file again", h.Index, colNames[i], row)
			}
			if total += len(b); total > most {
				return fault(schemas.ReasonTooLarge, h.DataOffset+row*t.rowLen, "tile-compressed image in HDU %d: the tiles share their bytes so often that %d bytes would be read; raise MaxInflated to read it", h.Index, total)
			}
		}
	}
	return nil
}
