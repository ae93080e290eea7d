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
		h.describeCompressed(&in)
	}
	var names interner
	in.Unit, in.ZeroPoint, _ = h.photometry("", &names)
	if g, err := h.Geometry(); err == nil {
		in.WCS = h.WCS(g)
	}
	if h.Kind == KindImage && !h.Truncated {
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

// describeCompressed takes type and shape of the picture behind a tile-compressed table.
func (h *HDU) describeCompressed(in *HDUInfo) {
	t, _ := h.Text(nil, "ZCMPTYPE")
	in.Compression = string(t)
	if n, ok := h.Int("ZBITPIX"); ok {
		in.Bitpix = int(n)
	}
	n, _ := h.Int("ZNAXIS")
	in.Axes = in.Axes[:0]
	for i := 1; i <= int(min(n, storedAxes)); i++ {
		a, _ := h.intAt(indexed("ZNAXIS", i))
		in.Axes = append(in.Axes, int(a))
	}
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

// statistics reads the pixels one by one in float64. NaN and infinity are counted as float32, the type
// the pixels are delivered in.
func (h *HDU) statistics(in *HDUInfo) {
	sum, n := 0., 0
	for i, total := 0, h.NPix(); i < total; i++ {
		x := h.physicalAt(i)
		if y := float32(x); y-y != 0 { // NaN or infinite
			in.NonFinite++
			if y != y {
				in.NaN++
			}
		}
		if x-x != 0 {
			continue
		}
		if n == 0 || x < in.Min {
			in.Min = x
		}
		if n == 0 || x > in.Max {
			in.Max = x
		}
		sum += x
		n++
	}
	if n > 0 {
		in.Mean = sum / float64(n)
	}
}

// physicalAt is the physical value of stored pixel i in float64.
func (h *HDU) physicalAt(i int) float64 {
	b := h.data[i*int(h.elemSize()):]
	var stored int64
	switch h.Bitpix {
	case -32, -64:
		var x float64
		if h.Bitpix == -32 {
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
