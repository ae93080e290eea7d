package fits

import (
	"encoding/binary"
	"math"

	"github.com/galaxalign/galaxalign/schemas"
)

// HDUInfo is what a person wants to know of one HDU. It is made for tools, not for the hot path.
type HDUInfo struct {
	Index         int
	Kind          Kind
	Name          string // EXTNAME
	Compression   string // ZCMPTYPE of a tile-compressed image
	Bitpix        int
	Axes          []int // NAXIS1 first; of a tile-compressed image those of the picture
	BScale, BZero float64
	Blank         *int64 // nil: none
	Unit          string // BUNIT
	ZeroPoint     float64
	Min, Max      float64 // of the finite pixels, in physical units; NaN when there are none
	Mean          float64
	NaN           int // pixels without a value
	NonFinite     int // NaN and infinite ones
	WCS           WCS
	DataSum       SumState
	Checksum      SumState
	Flags         schemas.Flags
	Duplicates    int // cards that repeat a name with another value
	StrayContinue int
	Truncated     bool
	Damaged       *schemas.Fault // why the picture of a tile-compressed image cannot be read, or cannot to its end; nil: it can
	HeaderOffset  int
	DataOffset    int
	DataSize      int
	Cards         int
}

// Describe reports on every HDU of a parsed file. It reads the pixels in place and needs little memory.
func Describe(f *File) []HDUInfo {
	infos := make([]HDUInfo, len(f.HDUs))
	for i := range f.HDUs {
		infos[i] = f.HDUs[i].describe()
	}
	return infos
}

func (h *HDU) describe() HDUInfo {
	in := HDUInfo{
		Index: h.Index, Kind: h.Kind, Name: h.Name(), Bitpix: h.Bitpix, Axes: append([]int(nil), h.Axes()...),
		BScale: h.BScale, BZero: h.BZero, ZeroPoint: math.NaN(), Min: math.NaN(), Max: math.NaN(), Mean: math.NaN(),
		WCS:        WCS{RA: math.NaN(), Dec: math.NaN(), Scale: math.NaN(), Rotation: math.NaN()},
		Duplicates: h.duplicates(), StrayContinue: h.StrayContinue, Truncated: h.Truncated,
		HeaderOffset: h.HeaderOffset, DataOffset: h.DataOffset, DataSize: h.DataSize, Cards: h.Len(),
	}
	if h.HasBlank {
		blank := h.Blank
		in.Blank = &blank
	}
	if h.Kind == KindCompressed {
		t, _ := h.Text(nil, "ZCMPTYPE")
		in.Compression = string(t)
	}
	var names interner
	in.Unit, in.ZeroPoint, _ = h.photometry("", &names)
	if g, err := h.Geometry(); err == nil {
		in.WCS = h.WCS(g)
	}
	if h.Kind == KindCompressed {
		in.Damaged = h.tiling.fault
	}
	if h.readable() == nil {
		h.statistics(&in)
	}
	in.DataSum, in.Checksum = h.Checksums()
	in.Flags = h.Flags
	if in.DataSum == SumBad || in.Checksum == SumBad {
		in.Flags |= schemas.FlagChecksumBad
	}
	if in.NaN > 0 {
		in.Flags |= schemas.FlagNaNPixels
	}
	if in.WCS.Conflict || in.Duplicates > 0 {
		in.Flags |= schemas.FlagCardConflict
	}
	return in
}

// duplicates counts the value cards that repeat an earlier name with another value.
func (h *Header) duplicates() int {
	last := make(map[key]int, len(h.keys))
	n := 0
	for i, k := range h.keys {
		if k == keyHierarch || k == keyContinue || h.cards[i*cardLen+8] != '=' {
			continue
		}
		if j, have := last[k]; have && !h.sameValue(j, i) {
			n++
		}
		last[k] = i
	}
	return n
}

// statistics reads the pixels in float64, those of a compressed image tile by tile. NaN and infinity are
// counted as float32, the type the pixels are delivered in. Tiles that cannot be read end it.
func (h *HDU) statistics(in *HDUInfo) {
	var s pixelSums
	if h.Kind == KindImage {
		for i, total := 0, h.NPix(); i < total; i++ {
			s.add(in, h.physicalAt(i))
		}
	} else {
		h.tileSums(&s, in)
	}
	if s.n > 0 {
		in.Mean = s.sum / float64(s.n)
	}
}

// tileSums adds the pixels of every tile.
func (h *HDU) tileSums(s *pixelSums, in *HDUInfo) {
	r := h.reader
	for row := range h.tiling.tiles {
		b := h.box(row)
		v, flt := r.load(h, row, &b)
		if flt != nil {
			in.Damaged = flt
			return
		}
		r.px64 = room(r.px64, b.n)
		r.emit64(h, r.px64, &v)
		for _, x := range r.px64 {
			s.add(in, x)
		}
	}
}

// pixelSums is the running mean of the finite pixels.
type pixelSums struct {
	sum float64
	n   int
}

// add counts one pixel.
func (s *pixelSums) add(in *HDUInfo, x float64) {
	if y := float32(x); y-y != 0 { // NaN or infinite
		in.NonFinite++
		if y != y {
			in.NaN++
		}
	}
	if x-x != 0 {
		return
	}
	if s.n == 0 || x < in.Min {
		in.Min = x
	}
	if s.n == 0 || x > in.Max {
		in.Max = x
	}
	s.sum += x
	s.n++
}

// physicalAt is the physical value of stored pixel i in float64.
func (h *HDU) physicalAt(i int) float64 { return h.physicalOf(h.Bitpix, h.data[i*int(h.elemSize()):]) }

// physicalOf is the physical value of the stored one at the start of b.
func (h *HDU) physicalOf(bitpix int, b []byte) float64 {
	var stored int64
	switch bitpix {
	case -32, -64:
		var x float64
		if bitpix == -32 {
			x = float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
		} else {
			x = math.Float64frombits(binary.BigEndian.Uint64(b))
		}
		if h.BScale == 1 && h.BZero == 0 {
			return x
		}
		return h.physical(x)
	case 8:
		stored = int64(b[0])
	case 16:
		stored = int64(int16(binary.BigEndian.Uint16(b)))
	case 32:
		stored = int64(int32(binary.BigEndian.Uint32(b)))
	case 64:
		stored = int64(binary.BigEndian.Uint64(b))
	}
	if h.HasBlank && stored == h.Blank {
		return math.NaN()
	}
	return h.physical64(stored)
}
