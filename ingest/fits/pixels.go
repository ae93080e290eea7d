package fits

import (
	"encoding/binary"
	"math"

	"github.com/galaxalign/galaxalign/schemas"
)

// strided describes which stored values to decode: the first byte and the distance between values.
type strided struct {
	src  []byte // from the first value on
	step int    // bytes from one value to the next
}

// decode writes len(dst) physical values and reports whether any is NaN. The caller has checked that
// s.src holds them.
func (h *HDU) decode(dst []float32, s strided) (nan bool) { return h.decodeAs(h.Bitpix, dst, s) }

// decodeAs is decode of values of another type than Bitpix says.
func (h *HDU) decodeAs(bitpix int, dst []float32, s strided) (nan bool) {
	switch bitpix {
	case 8:
		return h.decode8(dst, s)
	case 16:
		return h.decode16(dst, s)
	case 32:
		return h.decode32(dst, s)
	case 64:
		return h.decode64(dst, s)
	case -32:
		if h.BScale == 1 && h.BZero == 0 {
			if s.step == 4 {
				return decodeFloat32(dst, s.src)
			}
			return decodeFloat32Strided(dst, s)
		}
		return h.decodeScaledFloat32(dst, s)
	}
	return h.decodeFloat64(dst, s)
}

// physical scales a stored value. The conversion of the product forbids a fused multiply-add, so every
// processor gives the same bits.
func (h *HDU) physical(stored float64) float64 {
	return float64(stored*h.BScale) + h.BZero
}

func (h *HDU) decode8(dst []float32, s strided) (nan bool) {
	for i := range dst {
		v := s.src[i*s.step]
		if h.HasBlank && int64(v) == h.Blank {
			dst[i], nan = float32(math.NaN()), true
			continue
		}
		dst[i] = float32(h.physical(float64(v)))
	}
	return nan
}

func (h *HDU) decode16(dst []float32, s strided) (nan bool) {
	for i := range dst {
		v := int16(binary.BigEndian.Uint16(s.src[i*s.step:]))
		if h.HasBlank && int64(v) == h.Blank {
			dst[i], nan = float32(math.NaN()), true
			continue
		}
		dst[i] = float32(h.physical(float64(v)))
	}
	return nan
}

func (h *HDU) decode32(dst []float32, s strided) (nan bool) {
	for i := range dst {
		v := int32(binary.BigEndian.Uint32(s.src[i*s.step:]))
		if h.HasBlank && int64(v) == h.Blank {
			dst[i], nan = float32(math.NaN()), true
			continue
		}
		dst[i] = float32(h.physical(float64(v)))
	}
	return nan
}

func (h *HDU) decode64(dst []float32, s strided) (nan bool) {
	for i := range dst {
		v := int64(binary.BigEndian.Uint64(s.src[i*s.step:]))
		if h.HasBlank && v == h.Blank {
			dst[i], nan = float32(math.NaN()), true
			continue
		}
		dst[i] = float32(h.physical64(v))
	}
	return nan
}

// physical64 adds a whole-number BZERO in integers where the sum fits, because float64 holds only 53 of
// the 64 bits: the unsigned convention (BZERO = 2^63) is exact this way.
func (h *HDU) physical64(v int64) float64 {
	if h.BScale == 1 {
		if h.BZero == 1<<63 {
			return float64(uint64(v) ^ 1<<63)
		}
		if z := int64(h.BZero); math.Abs(h.BZero) < 1<<62 && float64(z) == h.BZero && v > -1<<62 && v < 1<<62 {
			return float64(v + z)
		}
	}
	return h.physical(float64(v))
}

func (h *HDU) decodeFloat64(dst []float32, s strided) (nan bool) {
	plain := h.BScale == 1 && h.BZero == 0 // x + 0 would lose the sign of -0
	for i := range dst {
		v := math.Float64frombits(binary.BigEndian.Uint64(s.src[i*s.step:]))
		if plain {
			dst[i] = float32(v)
		} else {
			dst[i] = float32(h.physical(v))
		}
		nan = nan || dst[i] != dst[i]
	}
	return nan
}

func (h *HDU) decodeScaledFloat32(dst []float32, s strided) (nan bool) {
	for i := range dst {
		v := math.Float32frombits(binary.BigEndian.Uint32(s.src[i*s.step:]))
		dst[i] = float32(h.physical(float64(v)))
		nan = nan || dst[i] != dst[i]
	}
	return nan
}

func decodeFloat32Strided(dst []float32, s strided) (nan bool) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.BigEndian.Uint32(s.src[i*s.step:]))
		nan = nan || dst[i] != dst[i]
	}
	return nan
}

// decodeFloat32Go is decodeFloat32 on any processor: eight values a step, read as four words.
//
// A float32 is NaN when its bits without the sign exceed 0x7f800000, so adding 0x007fffff to them carries
// into the sign bit. Both lanes of a 64-bit word are tested at once: the sum of a lane is at most
// 0x807ffffe and never reaches the other.
func decodeFloat32Go(dst []float32, src []byte) (nan bool) {
	const (
		noSign = 0x7fffffff7fffffff
		carry  = 0x007fffff007fffff
		signs  = 0x8000000080000000
	)
	src = src[:4*len(dst)]
	var seen uint64
	for len(dst) >= 8 && len(src) >= 32 { // the second test only tells the compiler what holds anyway
		d, s := dst[:8:8], src[:32:32]
		a, b := binary.BigEndian.Uint64(s), binary.BigEndian.Uint64(s[8:])
		c, e := binary.BigEndian.Uint64(s[16:]), binary.BigEndian.Uint64(s[24:])
		seen |= (a&noSign + carry) | (b&noSign + carry) | (c&noSign + carry) | (e&noSign + carry)
		d[0], d[1] = math.Float32frombits(uint32(a>>32)), math.Float32frombits(uint32(a))
		d[2], d[3] = math.Float32frombits(uint32(b>>32)), math.Float32frombits(uint32(b))
		d[4], d[5] = math.Float32frombits(uint32(c>>32)), math.Float32frombits(uint32(c))
		d[6], d[7] = math.Float32frombits(uint32(e>>32)), math.Float32frombits(uint32(e))
		dst, src = dst[8:], src[32:]
	}
	for i := range dst {
		v := binary.BigEndian.Uint32(src[4*i:])
		seen |= uint64(v)&noSign + carry
		dst[i] = math.Float32frombits(v)
	}
	return seen&signs != 0
}

// Pixels decodes the whole image in stored order, NAXIS1 fastest, into dst, which is grown when it is
// short. It allocates only then. The error is a *schemas.Fault.
func (h *HDU) Pixels(dst []float32) ([]float32, error) {
	if flt := h.readable(); flt != nil {
		return dst, flt
	}
	n := h.NPix()
	if cap(dst) < n { // at most 4 bytes for each byte present, or for tiles what boundTiles allows
		dst = make([]float32, n)
	}
	dst = dst[:n]
	nan, err := h.all(dst)
	if err != nil {
		return dst, err
	}
	if nan {
		h.Flags |= schemas.FlagNaNPixels
	}
	return dst, nil
}

// all decodes every pixel of a readable image.
func (h *HDU) all(dst []float32) (nan bool, err error) {
	if h.Kind != KindCompressed {
		return h.decode(dst, strided{src: h.data, step: int(h.elemSize())}), nil
	}
	return h.decodeTiles(dst, 0, h.tiling.tiles, 0)
}

// readable refuses an HDU without readable image data.
func (h *HDU) readable() *schemas.Fault {
	switch {
	case !h.isImage():
		return fault(schemas.ReasonNoImage, h.HeaderOffset, "HDU %d holds no image (%s)", h.Index, h.Kind)
	case h.Kind == KindCompressed && h.tiling.fault != nil:
		return h.tiling.fault
	case h.Truncated:
		return h.cut()
	}
	return nil
}
