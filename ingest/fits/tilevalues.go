package fits

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/galaxalign/galaxalign/ingest/fits/tile"
	"github.com/galaxalign/galaxalign/schemas"
)

// tileValues are the stored values of one tile in one of three forms.
type tileValues struct {
	ints []int32
	wide []int64
	raw  []byte // big-endian, of type bitpix

	bitpix    int
	quantised bool // integers that quantum turns into floating-point pixels
	quantum   tile.Quantum
	blank     int64 // ZBLANK of this tile, from its column
	hasBlank  bool
}

// load decodes the stored values of tile row. They are valid until the next load.
func (r *tileReader) load(h *HDU, row int, b *box) (v tileValues, flt *schemas.Fault) {
	t := h.tiling
	for col := colCompressed; col <= colPlain; col++ {
		cell, _ := t.cell(h.data, row, &t.cols[col]) // checkCells has looked at all of them
		if len(cell) == 0 {
			continue
		}
		var err error
		switch col {
		case colCompressed:
			err = r.unpack(h, b, cell, &v)
		case colGzipped:
			v.raw, err = r.gunzipTile(h, b, cell)
		case colPlain:
			v.raw = cell
		}
		if err == nil {
			err = r.typed(h, row, col, b, &v)
		}
		if err != nil {
			return v, h.tileFault(row, err)
		}
		return v, nil
	}
	return v, h.tileFault(row, errEmptyTile)
}

var (
	errEmptyTile = errors.New("no column holds its data")
	errTileSize  = errors.New("its data do not match the number of pixels")
)

// tileFault explains why tile row cannot be read.
func (h *HDU) tileFault(row int, err error) *schemas.Fault {
	reason := schemas.ReasonBadHeader
	var inflating *inflateError
	switch {
	case errors.Is(err, tile.ErrTruncated), errors.Is(err, errEmptyTile):
		reason = schemas.ReasonTruncated
	case errors.As(err, &inflating):
		reason = schemas.ReasonBadGzip
	}
	flt := fault(reason, h.DataOffset+row*h.tiling.rowLen, "tile %d of the tile-compressed image in HDU %d cannot be read; fetch the file again", row, h.Index)
	flt.Err = err
	return flt
}

// inflateError marks the errors of an InflateFunc.
type inflateError struct{ err error }

func (e *inflateError) Error() string { return e.err.Error() }
func (e *inflateError) Unwrap() error { return e.err }

// unpack decodes COMPRESSED_DATA.
func (r *tileReader) unpack(h *HDU, b *box, cell []byte, v *tileValues) (err error) {
	switch t := h.tiling; t.codec {
	case codecRice:
		r.ints = room(r.ints, b.n)
		v.ints = r.ints
		return tile.Rice(v.ints, cell, t.bytePix, t.blockSize)
	case codecPLIO:
		r.ints = room(r.ints, b.n)
		v.ints = r.ints
		return tile.PLIO(v.ints, cell)
	case codecHCompress:
		v.wide, err = r.hcompress.Decode(cell, b.size[0], b.n/b.size[0], t.smooth)
		return err
	case codecGzip1:
		v.raw, err = r.gunzipTile(h, b, cell)
		return err
	case codecGzip2:
		if v.raw, err = r.gunzipTile(h, b, cell); err != nil {
			return err
		}
		if len(v.raw)%b.n != 0 {
			return errTileSize
		}
		r.shuffled = room(r.shuffled, len(v.raw))
		tile.Unshuffle(r.shuffled, v.raw, len(v.raw)/b.n)
		v.raw = r.shuffled
		return nil
	}
	v.raw = cell
	return nil
}

// gunzipTile inflates a gzipped tile, whose pixels have at most four bytes, or eight where the picture's
// have.
func (r *tileReader) gunzipTile(h *HDU, b *box, cell []byte) ([]byte, error) {
	inflate := r.inflate
	if inflate == nil {
		inflate = r.gunzip.inflate
	}
	out, err := inflate(r.inflated[:0], cell, b.n*max(4, int(h.elemSize())))
	if cap(out) > cap(r.inflated) {
		r.inflated = out[:0]
	}
	if err != nil {
		return nil, &inflateError{err}
	}
	return out, nil
}

// typed decides what the values of a tile from column col are. Bytes must be as many as the pixels need:
// of the picture's type where they are floating-point, of any width where they are integers.
func (r *tileReader) typed(h *HDU, row, col int, b *box, v *tileValues) error {
	t := h.tiling
	v.quantised = h.Bitpix < 0 && col == colCompressed && (t.scaled || v.raw == nil)
	if v.quantised {
		r.quantum(h, row, &v.quantum)
	} else if c := &t.cols[colBlank]; c.form != 0 {
		_, v.blank = t.number(h.data, row, c)
		v.hasBlank = true
	}
	if v.raw == nil {
		return nil
	}
	width := len(v.raw) / b.n
	if width*b.n != len(v.raw) || width != 1 && width != 2 && width != 4 && width != 8 {
		return errTileSize
	}
	v.bitpix = 8 * width
	switch {
	case v.quantised:
		r.widen(v, width, b.n)
	case h.Bitpix < 0:
		if v.bitpix = h.Bitpix; width != int(h.elemSize()) {
			return errTileSize
		}
	}
	return nil
}

// quantum reads the scaling of one tile: columns, else cards.
func (r *tileReader) quantum(h *HDU, row int, q *tile.Quantum) {
	t := h.tiling
	*q = tile.Quantum{Scale: t.scale, Zero: t.zero, Blank: t.blank, HasBlank: t.hasBlank, Row: row, Seed: t.seed, Zeros: t.dither == ditherTwo}
	if c := &t.cols[colScale]; c.form != 0 {
		q.Scale, _ = t.number(h.data, row, c)
	}
	if c := &t.cols[colZero]; c.form != 0 {
		q.Zero, _ = t.number(h.data, row, c)
	}
	if c := &t.cols[colBlank]; c.form != 0 {
		_, q.Blank = t.number(h.data, row, c)
		q.HasBlank = true
	}
	if t.dither != ditherNone {
		if r.dither == nil {
			r.dither = tile.NewDither()
		}
		q.Dither = r.dither
	}
}

// widen turns quantised integers in bytes into numbers.
func (r *tileReader) widen(v *tileValues, width, n int) {
	raw := v.raw
	v.raw = nil
	if width == 8 {
		r.wide = room(r.wide, n)
		for i := range r.wide {
			r.wide[i] = int64(binary.BigEndian.Uint64(raw[8*i:]))
		}
		v.wide = r.wide
		return
	}
	r.ints = room(r.ints, n)
	v.ints = r.ints
	for i := range v.ints {
		switch width {
		case 1:
			v.ints[i] = int32(raw[i])
		case 2:
			v.ints[i] = int32(int16(binary.BigEndian.Uint16(raw[2*i:])))
		default:
			v.ints[i] = int32(binary.BigEndian.Uint32(raw[4*i:]))
		}
	}
}

// emit writes the physical values of a tile, rounded once, and reports whether any is NaN.
func (r *tileReader) emit(h *HDU, dst []float32, v *tileValues) (nan bool) {
	switch plain := h.BScale == 1 && h.BZero == 0; {
	case v.quantised && !plain:
		r.px64 = room(r.px64, len(dst))
		nan = r.emit64(h, r.px64, v)
		for i, x := range r.px64 {
			dst[i] = float32(x)
		}
		return nan
	case v.quantised && v.wide != nil:
		return tile.Dequantise(dst, v.wide, &v.quantum)
	case v.quantised:
		return tile.Dequantise(dst, v.ints, &v.quantum)
	}
	if v.hasBlank {
		h = h.withBlank(v.blank)
	}
	switch {
	case v.raw != nil:
		return h.decodeAs(v.bitpix, dst, strided{src: v.raw, step: len(v.raw) / len(dst)})
	case v.wide != nil:
		return physicalInts(h, dst, v.wide)
	}
	return physicalInts(h, dst, v.ints)
}

// emit64 is emit in float64, before the rounding.
func (r *tileReader) emit64(h *HDU, dst []float64, v *tileValues) (nan bool) {
	if v.hasBlank {
		h = h.withBlank(v.blank)
	}
	switch {
	case v.quantised && v.wide != nil:
		nan = tile.Dequantise(dst, v.wide, &v.quantum)
	case v.quantised:
		nan = tile.Dequantise(dst, v.ints, &v.quantum)
	case v.raw != nil:
		for i, width := 0, len(v.raw)/len(dst); i < len(dst); i++ {
			dst[i] = h.physicalOf(v.bitpix, v.raw[i*width:])
			nan = nan || dst[i] != dst[i]
		}
		return nan
	case v.wide != nil:
		return physicalInts(h, dst, v.wide)
	default:
		return physicalInts(h, dst, v.ints)
	}
	if h.BScale != 1 || h.BZero != 0 {
		for i, x := range dst {
			dst[i] = h.physical(x)
		}
	}
	return nan
}

// withBlank is a copy of h with another BLANK.
func (h *HDU) withBlank(blank int64) *HDU {
	c := *h
	c.Blank, c.HasBlank = blank, true
	return &c
}

// number is a type of pixels.
type number interface{ float32 | float64 }

// physicalInts scales the stored integers of an integer image.
func physicalInts[F number, I int32 | int64](h *HDU, dst []F, src []I) (nan bool) {
	const exact = 1 << 53 // up to here float64 holds every integer
	for i, v := range src {
		switch n := int64(v); {
		case h.HasBlank && n == h.Blank:
			dst[i], nan = F(math.NaN()), true
		case n > -exact && n < exact:
			dst[i] = F(h.physical(float64(v)))
		default:
			dst[i] = F(h.physical64(n))
		}
	}
	return nan
}
