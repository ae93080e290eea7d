package tile

import (
	"encoding/binary"
	"fmt"
)

// The instructions of a PLIO line list (standard 4.0, section 10.4.3): the upper four bits of a word;
// the lower twelve are its argument N.
const (
	plioZeros       = iota // N zeros
	plioSet                // high value = N + the next word x 4096
	plioRaise              // high value += N
	plioLower              // high value -= N
	plioRun                // N times the high value
	plioZerosOne           // N-1 zeros and the high value once
	plioRaiseAndPut        // high value += N, once
	plioLowerAndPut        // high value -= N, once
)

// PLIO decodes a PLIO_1 line list of big-endian 16-bit words into len(dst) non-negative integers below
// 2^27; what the list leaves over is zero, what it has too much is ignored. It allocates nothing. Errors
// are ErrTruncated and ErrDamaged.
func PLIO(dst []int32, src []byte) error {
	list, err := plioList(src)
	if err != nil {
		return err
	}
	high, at := int32(1), 0
	for i := 0; i+2 <= len(list) && at < len(dst); i += 2 {
		word := binary.BigEndian.Uint16(list[i:])
		n := int32(word & 0xfff)
		rest := dst[at:]
		switch word >> 12 {
		case plioZeros:
			at += put(rest, int(n), 0)
		case plioRun:
			at += put(rest, int(n), high)
		case plioZerosOne:
			if at += put(rest, int(n), 0); n > 0 && int(n) <= len(rest) {
				rest[n-1] = high
			}
		case plioSet:
			if i += 2; i+2 > len(list) {
				return ErrTruncated
			}
			high = int32(binary.BigEndian.Uint16(list[i:])&0x7fff)<<12 | n
		case plioRaise:
			high += n
		case plioLower:
			high -= n
		case plioRaiseAndPut:
			high += n
			at += put(rest, 1, high)
		case plioLowerAndPut:
			high -= n
			at += put(rest, 1, high)
		default:
			return fmt.Errorf("%w: PLIO instruction %#04x", ErrDamaged, word)
		}
		if high < 0 || high >= 1<<27 {
			return fmt.Errorf("%w: PLIO value %d", ErrDamaged, high)
		}
	}
	clear(dst[at:])
	return nil
}

// plioList returns the instructions after the header of a line list. Word 3 is the version: positive in
// the old form, where it is the length of the list and the header has three words; otherwise word 2 is
// the length of the header and words 4 and 5 the length of the list, its lower 15 bits first.
func plioList(src []byte) ([]byte, error) {
	if len(src) < 6 {
		return nil, ErrTruncated
	}
	word := func(i int) int { return int(int16(binary.BigEndian.Uint16(src[2*i-2:]))) }
	head, length := 3, word(3)
	if length <= 0 {
		if len(src) < 10 {
			return nil, ErrTruncated
		}
		head, length = word(2), word(5)<<15+word(4)
	}
	if head < 3 || length < head {
		return nil, fmt.Errorf("%w: PLIO list of %d words with a header of %d", ErrDamaged, length, head)
	}
	if length > len(src)/2 {
		return nil, ErrTruncated
	}
	return src[2*head : 2*length], nil
}

// put writes v to the first n places of dst, or to all where there are fewer, and returns how many.
func put(dst []int32, n int, v int32) int {
	n = min(n, len(dst))
	run := dst[:n]
	for i := range run {
		run[i] = v
	}
	return n
}
