package fits

import (
	"encoding/binary"
	"math"
)

// SumState is the outcome of a checksum.
type SumState uint8

// The outcomes.
const (
	SumAbsent SumState = iota // no card, or an empty one
	SumOK
	SumBad
)

// String is "absent", "ok" or "bad".
func (s SumState) String() string { return [...]string{"absent", "ok", "bad"}[min(s, SumBad)] }

// Sums counts checksum outcomes.
type Sums struct{ OK, Bad, Absent int }

func (s *Sums) count(state SumState) {
	switch state {
	case SumOK:
		s.OK++
	case SumBad:
		s.Bad++
	default:
		s.Absent++
	}
}

// Checksums verifies DATASUM (over the data unit) and CHECKSUM (over the whole HDU) as the standard 4.0,
// appendix J, defines them: the 32-bit one's complement sum of big-endian words, which for the whole HDU
// is zero. Padding that the payload lacks counts as zeros.
func (h *HDU) Checksums() (data, whole SumState) {
	headerBytes := min(h.DataOffset-h.HeaderOffset, len(h.unit))
	dataSum := sum32(h.unit[headerBytes:])
	if v, ok := h.Value("DATASUM"); ok && len(v.Text) > 0 {
		data = SumBad
		if f, isNumber := v.number(); isNumber && f >= 0 && f <= math.MaxUint32 && uint32(f) == dataSum {
			data = SumOK
		}
	}
	if v, ok := h.Value("CHECKSUM"); ok && len(v.Text) > 0 {
		whole = SumBad
		if s := add32(sum32(h.unit[:headerBytes]), dataSum); s == 0 || s == math.MaxUint32 {
			whole = SumOK
		}
	}
	return data, whole
}

// sum32 is the one's complement sum of the big-endian 32-bit words of b, a short last word zero-padded.
func sum32(b []byte) uint32 {
	var sum uint64 // 2^31 words of 2^32 fit, and a payload has fewer
	for ; len(b) >= 8; b = b[8:] {
		v := binary.BigEndian.Uint64(b)
		sum += v>>32 + v&math.MaxUint32
	}
	var tail [8]byte
	copy(tail[:], b)
	v := binary.BigEndian.Uint64(tail[:])
	sum += v>>32 + v&math.MaxUint32
	for sum > math.MaxUint32 {
		sum = sum>>32 + sum&math.MaxUint32
	}
	return uint32(sum)
}

// add32 adds with end-around carry.
func add32(a, b uint32) uint32 {
	s := uint64(a) + uint64(b)
	return uint32(s>>32 + s&math.MaxUint32)
}
