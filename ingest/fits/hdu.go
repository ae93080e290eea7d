package fits

import (
	"math"
	"math/bits"

	"github.com/galaxalign/galaxalign/schemas"
)

// storedAxes is the largest NAXIS of any HDU this package walks over; the standard allows 999, real
// random groups use 6.
const storedAxes = 8

// Kind is what an HDU holds.
type Kind uint8

// The kinds of HDU.
const (
	KindEmpty      Kind = iota // a header without data, or with an axis of length 0
	KindImage                  // an image of 1 to 8 axes
	KindTable                  // an ASCII or binary table
	KindCompressed             // a binary table that holds a tile-compressed image (ZIMAGE = T); read like an image
	KindGroups                 // random groups
	KindOther                  // an extension of another type
)

// String names the kind in lower case.
func (k Kind) String() string {
	names := [...]string{"empty", "image", "table", "compressed", "groups", "other"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// HDU is one header-data unit of a parsed payload. It points into the payload.
type HDU struct {
	Header
	Index         int
	Kind          Kind
	Bitpix        int     // 8, 16, 32, 64, -32 or -64; ZBITPIX of a tile-compressed image
	BScale, BZero float64 // physical = stored x BScale + BZero
	Blank         int64   // stored integer that means NaN, where HasBlank
	HasBlank      bool
	Flags         schemas.Flags // what was tolerated in this HDU
	StrayContinue int           // CONTINUE cards that continue nothing, ignored
	Truncated     bool          // the payload ends before the data does
	HeaderOffset  int           // byte position of the header in the (inflated) payload
	DataOffset    int           // byte position of the data
	DataSize      int           // bytes of the data without padding, as the header states it

	naxis  int
	axes   [storedAxes]int
	tiling *tiling     // of a tile-compressed image
	reader *tileReader // memory to decode tiles with
	data   []byte      // the data present, at most DataSize bytes
	unit   []byte      // header and data as stored, padding included where present
}

// Axes returns the lengths of the axes, NAXIS1 (fastest) first; of a tile-compressed image those of the
// picture, and none where its header cannot be read. It points into h.
func (h *HDU) Axes() []int { return h.axes[:h.naxis] }

// isImage reports whether the HDU holds an image, tile-compressed or not.
func (h *HDU) isImage() bool { return h.Kind == KindImage || h.Kind == KindCompressed }

// NPix is the number of pixels of an image, and 0 for any other kind and for a tile-compressed image that
// cannot be read.
func (h *HDU) NPix() int {
	if !h.isImage() || h.Kind == KindCompressed && h.tiling.fault != nil {
		return 0
	}
	n := 1 // cannot overflow: parse has checked the product against DataSize or MaxInflated
	for _, a := range h.Axes() {
		n *= a
	}
	return n
}

// Name returns EXTNAME as written, without trailing blanks; empty when there is none. It allocates.
func (h *HDU) Name() string {
	b, _ := h.Text(nil, "EXTNAME")
	return string(b)
}

// parse reads the header at b[off:] and works out where its data lies.
func (h *HDU) parse(b []byte, off int, lim *Limits) *schemas.Fault {
	n := h.scan(b[off:], lim.MaxHeaderBlocks*(blockLen/cardLen))
	if n < 0 {
		return h.noEnd(b, off, lim)
	}
	*h = HDU{Header: h.Header, Index: h.Index, HeaderOffset: off, tiling: h.tiling, reader: h.reader}
	h.DataOffset = off + padded(n)
	if f := h.parseShape(); f != nil {
		return f
	}
	h.parseKind()
	if f := h.parseSize(lim); f != nil {
		return f
	}
	if h.Kind == KindCompressed {
		h.parseTiles(lim)
	}
	if f := h.parseScaling(); f != nil {
		return f
	}
	if h.StrayContinue = h.strayContinues(); h.StrayContinue > 0 || h.conflict {
		h.Flags |= schemas.FlagCardConflict
	}
	h.locate(b)
	if h.Kind == KindCompressed && h.tiling.fault == nil && !h.Truncated {
		h.tiling.fault = h.checkCells(lim)
	}
	return nil
}

// noEnd explains a header without END: over the limit, or the end of the bytes.
func (h *HDU) noEnd(b []byte, off int, lim *Limits) *schemas.Fault {
	if len(h.keys) >= lim.MaxHeaderBlocks*(blockLen/cardLen) {
		return fault(schemas.ReasonTooLarge, off, "header of HDU %d has no END card within %d blocks of 2880 bytes; raise MaxHeaderBlocks if the file is sound", h.Index, lim.MaxHeaderBlocks)
	}
	return fault(schemas.ReasonNoHDU, off, "header of HDU %d has no END card before the payload ends at byte %d; fetch the file again", h.Index, len(b))
}

// parseShape reads BITPIX, NAXIS and NAXISn.
func (h *HDU) parseShape() *schemas.Fault {
	bitpix, ok := h.Int("BITPIX")
	switch bitpix {
	case 8, 16, 32, 64, -32, -64:
	default:
		ok = false
	}
	if !ok {
		return fault(schemas.ReasonBadHeader, h.HeaderOffset, "BITPIX of HDU %d is absent or not one of 8, 16, 32, 64, -32, -64", h.Index)
	}
	h.Bitpix = int(bitpix)
	naxis, ok := h.Int("NAXIS")
	if !ok || naxis < 0 || naxis > storedAxes {
		return fault(schemas.ReasonBadHeader, h.HeaderOffset, "NAXIS of HDU %d is absent or not 0 to %d", h.Index, storedAxes)
	}
	h.naxis = int(naxis)
	for i := range h.naxis {
		n, ok := h.intAt(indexed("NAXIS", i+1))
		if !ok || n < 0 {
			return fault(schemas.ReasonBadHeader, h.HeaderOffset, "NAXIS%d of HDU %d is absent, negative or not an integer", i+1, h.Index)
		}
		h.axes[i] = int(n)
	}
	return nil
}

// intAt is Int for a key.
func (h *HDU) intAt(k key) (int64, bool) {
	i := h.find(k)
	if i < 0 {
		return 0, false
	}
	return parseValue(h.field(i)).integer()
}

// parseKind decides what the HDU holds.
func (h *HDU) parseKind() {
	kx := makeKey("XTENSION")
	switch {
	case h.Index == 0 || h.textIs(kx, "IMAGE") || h.textIs(kx, "IUEIMAGE"):
		h.Kind = KindImage
		if h.naxis > 0 && h.axes[0] == 0 && h.isTrue("GROUPS") {
			h.Kind = KindGroups
			return
		}
		for _, a := range h.Axes() {
			if a == 0 {
				h.Kind = KindEmpty
			}
		}
		if h.naxis == 0 {
			h.Kind = KindEmpty
		}
	case h.textIs(kx, "BINTABLE") || h.textIs(kx, "A3DTABLE") || h.textIs(kx, "TABLE"):
		h.Kind = KindTable
		if h.isTrue("ZIMAGE") {
			h.Kind = KindCompressed
		}
	default:
		h.Kind = KindOther
	}
}

// isTrue reports whether the card is the logical T.
func (h *HDU) isTrue(name string) bool {
	v, _ := h.Value(name)
	return v.Kind == Bool && v.Bool
}

// parseSize computes DataSize = |BITPIX|/8 x GCOUNT x (PCOUNT + product of the axes) (standard 4.0,
// equations 1, 2 and 4; random groups leave NAXIS1 = 0 out of the product), refusing what overflows or exceeds
// the limit. Nothing is allocated from these numbers before this check.
func (h *HDU) parseSize(lim *Limits) *schemas.Fault {
	elems := uint64(0)
	if h.naxis > 0 {
		elems = 1
	}
	zero, overflow := false, false
	for i, a := range h.Axes() {
		if i == 0 && h.Kind == KindGroups {
			continue
		}
		zero = zero || a == 0
		elems, overflow = mul(elems, uint64(a), overflow)
	}
	if zero { // whatever the other axes say
		elems, overflow = 0, false
	}
	pcount, ok1 := h.optionalCount("PCOUNT", 0)
	gcount, ok2 := h.optionalCount("GCOUNT", 1)
	if !ok1 || !ok2 {
		return fault(schemas.ReasonBadHeader, h.HeaderOffset, "PCOUNT or GCOUNT of HDU %d is negative or not an integer", h.Index)
	}
	if h.naxis == 0 {
		pcount = 0
	}
	total, carry := bits.Add64(elems, uint64(pcount), 0)
	overflow = overflow || carry != 0
	total, overflow = mul(total, uint64(gcount), overflow)
	total, overflow = mul(total, h.elemSize(), overflow)
	size, _ := mul(elems, h.elemSize(), false)
	if most := uint64(max(lim.MaxBytes, lim.MaxInflated)); overflow || total > most {
		return fault(schemas.ReasonTooLarge, h.HeaderOffset, "HDU %d states axes %v with BITPIX %d, more than the limit of %d bytes; raise MaxBytes and MaxInflated to read it", h.Index, h.Axes(), h.Bitpix, most)
	}
	if h.Kind == KindImage && total < size {
		return fault(schemas.ReasonBadHeader, h.HeaderOffset, "GCOUNT = 0 on the image of HDU %d", h.Index)
	}
	h.DataSize = int(total)
	return nil
}

func (h *HDU) elemSize() uint64 {
	if h.Bitpix < 0 {
		return uint64(-h.Bitpix / 8)
	}
	return uint64(h.Bitpix / 8)
}

// mul multiplies, keeping an earlier overflow.
func mul(a, b uint64, overflow bool) (uint64, bool) {
	hi, lo := bits.Mul64(a, b)
	return lo, overflow || hi != 0
}

// optionalCount reads a count that defaults to def; ok is false when it is present but no count.
func (h *HDU) optionalCount(name string, def int64) (n int64, ok bool) {
	v, present := h.Value(name)
	if !present {
		return def, true
	}
	n, ok = v.integer()
	return n, ok && n >= 0
}

// parseScaling reads BSCALE, BZERO and BLANK of an image.
func (h *HDU) parseScaling() *schemas.Fault {
	h.BScale, h.BZero = 1, 0
	if !h.isImage() {
		return nil
	}
	for _, c := range [...]struct {
		name string
		to   *float64
	}{{"BSCALE", &h.BScale}, {"BZERO", &h.BZero}} {
		v, present := h.Value(c.name)
		if !present || v.Kind == Undefined {
			continue
		}
		f, ok := v.number()
		if !ok || math.IsInf(f, 0) {
			return fault(schemas.ReasonBadHeader, h.HeaderOffset, "%s of HDU %d is %q, not a finite number", c.name, h.Index, v.Text)
		}
		*c.to = f
	}
	if h.Bitpix < 0 {
		if h.BScale != 1 || h.BZero != 0 {
			h.Flags |= schemas.FlagScaledFloat
		}
		return nil
	}
	if v, present := h.Value("BLANK"); present && v.Kind != Undefined {
		if h.Blank, h.HasBlank = v.integer(); !h.HasBlank {
			h.Flags |= schemas.FlagCardConflict
		}
	} else if h.Kind == KindCompressed {
		h.Blank, h.HasBlank = h.tiling.blank, h.tiling.hasBlank
	}
	return nil
}

// locate takes the data and padding that are present from b, and notes what is missing.
func (h *HDU) locate(b []byte) {
	start := min(h.DataOffset, len(b))
	end := min(h.DataOffset+h.DataSize, len(b))
	h.data = b[start:max(start, end)]
	whole := h.DataOffset + padded(h.DataSize)
	h.unit = b[h.HeaderOffset:min(whole, len(b))]
	switch {
	case len(h.data) < h.DataSize:
		h.Truncated = true
	case whole > len(b):
		h.Flags |= schemas.FlagUnpadded
	}
}

// end is the byte position after the HDU and its padding.
func (h *HDU) end() int { return h.DataOffset + padded(h.DataSize) }

// padded rounds n up to whole blocks. n is at most a limit of 2^40, so nothing overflows.
func padded(n int) int { return (n + blockLen - 1) / blockLen * blockLen }
