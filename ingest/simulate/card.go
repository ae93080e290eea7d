package simulate

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// fitsBlock is the size of a FITS logical record (FITS standard 4.0, section 3.1).
const fitsBlock = 2880

// header builds a FITS header card by card (FITS standard 4.0, section 4.1).
type header struct{ b []byte }

// card adds one card of 80 characters with the value text already formatted for columns 11 on.
func (h *header) card(key, value, comment string) {
	line := fmt.Sprintf("%-8s= %s", key, value)
	if comment != "" {
		line += " / " + comment
	}
	if len(line) > 80 {
		line = line[:80]
	}
	h.b = append(h.b, line...)
	h.b = append(h.b, strings.Repeat(" ", 80-len(line))...)
}

// text adds a character string, quotes doubled, padded to eight characters.
func (h *header) text(key, value, comment string) {
	v := "'" + fmt.Sprintf("%-8s", strings.ReplaceAll(value, "'", "''")) + "'"
	h.card(key, fmt.Sprintf("%-20s", v), comment)
}

func (h *header) integer(key string, value int64, comment string) {
	h.card(key, fmt.Sprintf("%20d", value), comment)
}

func (h *header) logical(key string, value bool, comment string) {
	v := "F"
	if value {
		v = "T"
	}
	h.card(key, fmt.Sprintf("%20s", v), comment)
}

// real adds a floating-point number with all its digits; always with a point or an exponent.
func (h *header) real(key string, value float64, comment string) {
	v := fmt.Sprintf("%.13G", value)
	if !strings.ContainsAny(v, ".E") {
		v += ".0"
	}
	h.card(key, fmt.Sprintf("%20s", v), comment)
}

// end closes the header and fills its last block with spaces.
func (h *header) end() []byte {
	h.b = append(h.b, "END"...)
	h.b = append(h.b, strings.Repeat(" ", 77)...)
	if over := len(h.b) % fitsBlock; over > 0 {
		h.b = append(h.b, strings.Repeat(" ", fitsBlock-over)...)
	}
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
