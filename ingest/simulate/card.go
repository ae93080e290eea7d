package simulate

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// fitsBlock is the size of a FITS logical record (FITS standard 4.0, section 3.1).
const fitsBlock = 2880

// header builds a FITS header card by card (FITS standard 4.0, section 4.1).
type header struct{ b []byte }

// card adds one card of 80 characters: a key, and a value in columns 11 to 30 or beyond, to the left when
// it is text and to the right when it is not.
func (h *header) card(key, value, comment string, left bool) {
	start := len(h.b)
	h.b = append(h.b, key...)
	h.pad(start + 8)
	h.b = append(h.b, '=', ' ')
	if left {
		h.b = append(h.b, value...)
		h.pad(start + 30)
	} else {
		h.pad(start + max(10, 30-len(value)))
		h.b = append(h.b, value...)
	}
	if comment != "" {
		h.b = append(h.b, " / "...)
		h.b = append(h.b, comment...)
	}
	if len(h.b) > start+80 {
		h.b = h.b[:start+80]
	}
	h.pad(start + 80)
}

// pad adds spaces up to a length.
func (h *header) pad(n int) {
	for len(h.b) < n {
		h.b = append(h.b, ' ')
	}
}

// text adds a character string, quotes doubled, padded to eight characters.
func (h *header) text(key, value, comment string) {
	value = strings.ReplaceAll(value, "'", "''")
	if n := 8 - len(value); n > 0 {
		value += "        "[:n]
	}
	h.card(key, "'"+value+"'", comment, true)
}

func (h *header) integer(key string, value int64, comment string) {
	h.card(key, strconv.FormatInt(value, 10), comment, false)
}

func (h *header) logical(key string, value bool, comment string) {
	v := "F"
	if value {
		v = "T"
	}
	h.card(key, v, comment, false)
}

// real adds a floating-point number of up to 13 digits; always with a point or an exponent.
func (h *header) real(key string, value float64, comment string) {
	v := strconv.FormatFloat(value, 'G', 13, 64)
	if !strings.ContainsAny(v, ".E") {
		v += ".0"
	}
	h.card(key, v, comment, false)
}

// end closes the header and fills its last block with spaces.
func (h *header) end() []byte {
	h.b = append(h.b, "END"...)
	h.pad((len(h.b) + fitsBlock - 1) / fitsBlock * fitsBlock)
	return h.b
}

// appendPixels appends float32 pixels as a FITS data unit: big-endian, the last block filled with zeros.
func appendPixels(dst []byte, pixels []float32) []byte {
	start := len(dst)
	for _, v := range pixels {
		dst = binary.BigEndian.AppendUint32(dst, math.Float32bits(v))
	}
	if over := (len(dst) - start) % fitsBlock; over > 0 {
		dst = append(dst, make([]byte, fitsBlock-over)...)
	}
	return dst
}
