package fits

import (
	"math"

	"github.com/galaxalign/galaxalign/schemas"
)

// The columns of a tile-compressed image (standard 4.0, section 10.1.3), as indices of tiling.cols.
const (
	colCompressed = iota
	colGzipped
	colPlain
	colScale
	colZero
	colBlank
	colCount
)

var colNames = [...]string{
	colCompressed: "COMPRESSED_DATA", colGzipped: "GZIP_COMPRESSED_DATA", colPlain: "UNCOMPRESSED_DATA",
	colScale: "ZSCALE", colZero: "ZZERO", colBlank: "ZBLANK",
}

// codec is the algorithm of ZCMPTYPE.
type codec uint8

const (
	codecNone codec = iota
	codecRice
	codecGzip1
	codecGzip2
	codecPLIO
	codecHCompress
)

var codecNames = [...]struct {
	name  string
	codec codec
}{
	{"RICE_1", codecRice}, {"RICE_ONE", codecRice}, {"GZIP_1", codecGzip1}, {"GZIP_2", codecGzip2},
	{"PLIO_1", codecPLIO}, {"HCOMPRESS_1", codecHCompress}, {"NOCOMPRESS", codecNone},
}

// dithering is the method of ZQUANTIZ.
type dithering uint8

const (
	ditherNone dithering = iota
	ditherOne
	ditherTwo // like ditherOne, with stored integers that mean exactly zero
)

var ditherNames = [...]struct {
	name   string
	method dithering
}{
	{"", ditherNone}, {"NONE", ditherNone}, {"NO_DITHER", ditherNone},
	{"SUBTRACTIVE_DITHER_1", ditherOne}, {"SUBTRACTIVE_DITHER_2", ditherTwo},
}

// tiling is what the header of a tile-compressed image says of its tiles. Axes and type of the picture
// itself are in the HDU, where those of any image are.
type tiling struct {
	bintable
	cols   [colCount]column
	codec  codec
	dither dithering
	seed   int // ZDITHER0

	blockSize, bytePix int  // RICE
	smooth             bool // HCOMPRESS

	scale, zero float64 // ZSCALE and ZZERO where they are cards
	scaled      bool    // ZSCALE is there, as a card or as a column
	blank       int64   // ZBLANK where it is a card
	hasBlank    bool

	size   [storedAxes]int // ZTILEn
	counts [storedAxes]int // tiles along each axis
	tiles  int
	across bool // some tile reaches over several planes of a cube

	fault *schemas.Fault // why the picture cannot be read, or nil
}

// parseTiles reads the header of a tile-compressed image: afterwards Bitpix and the axes of h are those
// of the picture. What cannot be read is noted in h.tiling.fault, because the HDUs around it still can.
func (h *HDU) parseTiles(lim *Limits) {
	if h.tiling == nil {
		h.tiling = new(tiling)
	}
	t := h.tiling
	*t = tiling{scale: 1, blockSize: 32, bytePix: 4}
	t.bintable, t.fault = h.parseTable()
	h.naxis = 0
	for _, step := range [...]func(*HDU) *schemas.Fault{
		(*HDU).parsePicture, (*HDU).parseTileShape, (*HDU).parseCodec, (*HDU).parseQuantum, (*HDU).parseTileColumns,
	} {
		if t.fault == nil {
			t.fault = step(h)
		}
	}
	if t.fault == nil {
		t.fault = h.boundTiles(lim)
	}
}

// parsePicture reads type and axes of the picture: ZBITPIX, ZNAXIS and ZNAXISn.
func (h *HDU) parsePicture() *schemas.Fault {
	bitpix, _ := h.Int("ZBITPIX")
	switch bitpix {
	case 8, 16, 32, 64, -32, -64:
	default:
		return h.badTile("ZBITPIX is absent or not one of 8, 16, 32, 64, -32, -64")
	}
	naxis, ok := h.Int("ZNAXIS")
	if !ok || naxis < 1 || naxis > storedAxes {
		return h.badTile("ZNAXIS is absent or not 1 to %d", storedAxes)
	}
	for i := range int(naxis) {
		n, ok := h.intAt(indexed("ZNAXIS", i+1))
		if !ok || n < 1 {
			return h.badTile("ZNAXIS%d is absent or not positive", i+1)
		}
		h.axes[i] = int(n)
	}
	h.Bitpix, h.naxis = int(bitpix), int(naxis)
	return nil
}

// parseTileShape reads ZTILEn, by default one row of the picture, and counts the tiles.
func (h *HDU) parseTileShape() *schemas.Fault {
	t := h.tiling
	tiles, overflow := uint64(1), false
	for i, n := range h.Axes() {
		size := int64(1)
		if i == 0 {
			size = int64(n)
		}
		if at := h.find(indexed("ZTILE", i+1)); at >= 0 {
			var ok bool
			if size, ok = parseValue(h.field(at)).integer(); !ok || size < 1 {
				return h.badTile("ZTILE%d is not a positive number", i+1)
			}
		}
		t.size[i] = int(min(size, int64(n)))
		t.counts[i] = (n-1)/t.size[i] + 1
		tiles, overflow = mul(tiles, uint64(t.counts[i]), overflow)
		t.across = t.across || i >= 2 && t.size[i] > 1
	}
	if overflow || tiles > uint64(t.rows) {
		return h.badTile("axes %v in tiles of %v need more tiles than the %d rows of the table", h.Axes(), t.size[:h.naxis], t.rows)
	}
	t.tiles = int(tiles)
	return nil
}

// parseCodec reads the algorithm and its parameters.
func (h *HDU) parseCodec() *schemas.Fault {
	t := h.tiling
	known := false
	for _, c := range codecNames {
		if h.textIs(makeKey("ZCMPTYPE"), c.name) {
			t.codec, known = c.codec, true
		}
	}
	if _, masked := h.Value("ZMASKCMP"); masked {
		return fault(schemas.ReasonCompressed, h.HeaderOffset, "tile-compressed image in HDU %d with a mask of null pixels (ZMASKCMP), which this version does not read; unpack it with funpack", h.Index)
	}
	if !known {
		var buf [cardLen]byte
		name, _ := h.Text(buf[:0], "ZCMPTYPE")
		return fault(schemas.ReasonCompressed, h.HeaderOffset, "tile-compressed image in HDU %d: algorithm %q is not one this version reads; unpack it with funpack", h.Index, name)
	}
	return h.parseParameters()
}

// parseParameters reads the pairs of ZNAMEn and ZVALn. Unknown ones concern the writer alone.
func (h *HDU) parseParameters() *schemas.Fault {
	t := h.tiling
	for i := 1; i <= 9; i++ {
		name := indexed("ZNAME", i)
		if h.find(name) < 0 {
			break
		}
		v, isInt := h.intAt(indexed("ZVAL", i))
		switch {
		case h.textIs(name, "BLOCKSIZE"):
			if t.blockSize = int(v); !isInt || v < 1 || v > math.MaxInt32 {
				return h.badTile("BLOCKSIZE is not a positive number")
			}
		case h.textIs(name, "BYTEPIX"):
			if t.bytePix = int(v); v != 1 && v != 2 && v != 4 {
				return h.badTile("BYTEPIX is not 1, 2 or 4")
			}
		case h.textIs(name, "SMOOTH"):
			t.smooth = v != 0
		}
	}
	return nil
}

// parseQuantum reads how stored integers become floating-point pixels, where they do.
func (h *HDU) parseQuantum() *schemas.Fault {
	t := h.tiling
	if v, ok := h.Value("ZBLANK"); ok {
		t.blank, t.hasBlank = v.integer()
	}
	if h.Bitpix > 0 {
		return nil
	}
	if f, ok := h.Float("ZSCALE"); ok {
		t.scale, t.scaled = f, true
	}
	t.zero, _ = h.Float("ZZERO")
	known := h.find(makeKey("ZQUANTIZ")) < 0
	for _, d := range ditherNames {
		if h.textIs(makeKey("ZQUANTIZ"), d.name) {
			t.dither, known = d.method, true
		}
	}
	if !known {
		return fault(schemas.ReasonCompressed, h.HeaderOffset, "tile-compressed image in HDU %d: the method of ZQUANTIZ is not one this version reads; unpack it with funpack", h.Index)
	}
	seed, ok := h.optionalCount("ZDITHER0", 1)
	if t.seed = int(seed); t.dither != ditherNone && (!ok || seed < 1 || seed > 10000) {
		return h.badTile("ZDITHER0 is not 1 to 10000")
	}
	return nil
}

// parseTileColumns finds the columns and checks their types.
func (h *HDU) parseTileColumns() *schemas.Fault {
	t := h.tiling
	if flt := h.parseColumns(&t.bintable, colNames[:], t.cols[:]); flt != nil {
		return flt
	}
	for i := range t.cols {
		c := &t.cols[i]
		ok := c.form == 0 || c.varies() == (i <= colPlain)
		switch c.form {
		case 'E', 'D':
			ok = ok && i != colBlank
		case 0, 'P', 'Q', 'B', 'I', 'J', 'K':
		default:
			ok = false
		}
		if !ok {
			return h.badTile("column %s has the type %c", colNames[i], c.form)
		}
	}
	if t.cols[colCompressed].form == 0 && t.cols[colGzipped].form == 0 && t.cols[colPlain].form == 0 {
		return h.badTile("no column holds tiles")
	}
	t.scaled = t.scaled || t.cols[colScale].form != 0
	return nil
}

const (
	// freePixels is what a picture may promise however few bytes there are: 4 MiB of float32.
	freePixels = 1 << 20
	// maxExpansion is the most pixels a byte may promise beyond that: a PLIO word, two bytes, stands for
	// up to 4095 pixels, and real masks reach 300.
	maxExpansion = 2048
	// tileScratch bounds the bytes of scratch a pixel of a tile takes: HCOMPRESS 8 for coefficients, 16
	// for two pictures, less than 1 for nodes; GZIP_2 of float64 twice 8; 4 to move a tile to its place.
	tileScratch = 30
)

// boundTiles refuses a picture that would take more memory than MaxInflated: 4 bytes for each pixel,
// twice where tiles reach over planes because the cube is then decoded as a whole first, and the scratch
// of one tile. Nothing is allocated from ZNAXISn or ZTILEn before this check.
func (h *HDU) boundTiles(lim *Limits) *schemas.Fault {
	t := h.tiling
	pixels, tile, overflow := uint64(1), uint64(tileScratch), false
	for i, n := range h.Axes() {
		pixels, overflow = mul(pixels, uint64(n), overflow)
		tile, overflow = mul(tile, uint64(t.size[i]), overflow)
	}
	width := uint64(4)
	if t.across {
		width = 8
	}
	if most := uint64(lim.MaxInflated); overflow || pixels > most/width || tile > most-width*pixels {
		return fault(schemas.ReasonTooLarge, h.HeaderOffset, "tile-compressed image in HDU %d: axes %v in tiles of %v need more memory than the limit of %d bytes; raise MaxInflated to read it", h.Index, h.Axes(), t.size[:h.naxis], most)
	}
	if pixels > freePixels && (pixels-freePixels)/maxExpansion > uint64(h.DataSize) {
		return fault(schemas.ReasonTooLarge, h.HeaderOffset, "tile-compressed image in HDU %d promises %d pixels in %d bytes, more than %d a byte", h.Index, pixels, h.DataSize, maxExpansion)
	}
	return nil
}
