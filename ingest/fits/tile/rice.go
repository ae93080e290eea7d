package tile

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// riceCode holds the constants of one pixel width (standard 4.0, section 10.4.1): bits of the field that
// names a block's code, the code that means raw differences, and bits of a raw difference.
type riceCode struct{ field, rawCode, width uint }

// riceCodeOf returns the constants for pixels of 1, 2 or 4 bytes.
func riceCodeOf(bytepix int) (c riceCode, ok bool) {
	switch bytepix {
	case 1:
		return riceCode{3, 6, 8}, true
	case 2:
		return riceCode{4, 14, 16}, true
	case 4:
		return riceCode{5, 25, 32}, true
	}
	return riceCode{}, false
}

// Rice decodes a RICE_1 stream of len(dst) pixels of bytepix bytes (1, 2 or 4) in blocks of block pixels.
// One-byte pixels are unsigned, the others signed. It allocates nothing; what follows the last block is
// ignored. Errors are ErrTruncated and ErrDamaged.
func Rice(dst []int32, src []byte, bytepix, block int) error {
	code, ok := riceCodeOf(bytepix)
	if !ok || block < 1 {
		return fmt.Errorf("%w: RICE with %d bytes a pixel in blocks of %d", ErrDamaged, bytepix, block)
	}
	if len(src) < bytepix {
		return ErrTruncated
	}
	var first [4]byte
	copy(first[4-bytepix:], src)
	last := binary.BigEndian.Uint32(first[:])
	r := bitReader{src: src[bytepix:]}
	var err error
	for rest := dst; len(rest) > 0; {
		n := min(block, len(rest))
		if last, err = r.riceBlock(rest[:n], last, code); err != nil {
			return err
		}
		rest = rest[n:]
	}
	narrow(dst, bytepix)
	return nil
}

// narrow brings sums that were kept in 32 bits to the width of a pixel.
func narrow(px []int32, bytepix int) {
	switch bytepix {
	case 1:
		for i, v := range px {
			px[i] = int32(uint8(v))
		}
	case 2:
		for i, v := range px {
			px[i] = int32(int16(v))
		}
	}
}

// riceBlock decodes one block; last is the pixel before it and, returned, its last one.
func (r *bitReader) riceBlock(dst []int32, last uint32, code riceCode) (uint32, error) {
	v, ok := r.take(code.field)
	if !ok {
		return last, ErrTruncated
	}
	switch split := uint(v) - 1; {
	case v == 0:
		for i := range dst {
			dst[i] = int32(last)
		}
		return last, nil
	case split == code.rawCode:
		for i := range dst {
			d, ok := r.take(code.width)
			if !ok {
				return last, ErrTruncated
			}
			last += unzigzag(uint32(d))
			dst[i] = int32(last)
		}
		return last, nil
	case split > code.rawCode:
		return last, fmt.Errorf("%w: RICE block with code %d", ErrDamaged, v)
	default:
		return r.riceSplit(dst, last, split)
	}
}

// unzigzag maps 0, 1, 2, 3, ... to 0, -1, 1, -2, ... modulo 2^32.
func unzigzag(d uint32) uint32 { return d>>1 ^ -(d & 1) }

// riceSplit decodes differences whose upper part is a run of zeros ended by a one, followed by split
// lower bits.
//
// The state of r is in local variables but for the slow path; the refill is that of bitReader.
func (r *bitReader) riceSplit(dst []int32, last uint32, split uint) (uint32, error) {
	src, pos, acc, n := r.src, r.pos, r.acc, r.n
	for i := range dst {
		if pos+8 <= len(src) {
			acc |= binary.BigEndian.Uint64(src[pos:]) >> (n & 63)
			pos += int(63-n) >> 3
			n |= 56
		}
		zeros := uint(bits.LeadingZeros64(acc))
		used := zeros + 1 + split
		if used <= n {
			low := acc << (zeros & 63) << 1 >> 1 >> ((63 - split) & 63)
			last += unzigzag(uint32(zeros)<<(split&31) | uint32(low))
			acc <<= used & 63
			n -= used
			dst[i] = int32(last)
			continue
		}
		r.pos, r.acc, r.n = pos, acc, n // a long run, or the end of the input
		d, err := r.riceLong(split)
		if err != nil {
			return last, err
		}
		last += unzigzag(d)
		dst[i] = int32(last)
		pos, acc, n = r.pos, r.acc, r.n
	}
	r.pos, r.acc, r.n = pos, acc, n
	return last, nil
}

// riceLong decodes one difference however its bits lie.
func (r *bitReader) riceLong(split uint) (uint32, error) {
	var run uint
	for {
		if r.refill(); r.n == 0 {
			return 0, ErrTruncated
		}
		zeros := min(uint(bits.LeadingZeros64(r.acc)), r.n)
		run += zeros
		if zeros < r.n {
			r.drop(zeros + 1)
			break
		}
		r.drop(zeros)
	}
	if run > math.MaxUint32>>split {
		return 0, fmt.Errorf("%w: RICE difference of more than 32 bits", ErrDamaged)
	}
	if split == 0 {
		return uint32(run), nil
	}
	low, ok := r.take(split)
	if !ok {
		return 0, ErrTruncated
	}
	return uint32(run)<<split | uint32(low), nil
}
