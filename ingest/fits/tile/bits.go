package tile

import "encoding/binary"

// bitReader reads bits from the most significant end of each byte. acc holds the next n bits, at
// most 63, at its top; what lies below them is zero or the bits that follow, so a refill may overlay them.
type bitReader struct {
	src []byte
	pos int // first byte that is not wholly in acc
	acc uint64
	n   uint
}

// refill brings n to at least 56, or to all the bits that are left.
func (r *bitReader) refill() {
	if r.pos+8 <= len(r.src) {
		r.acc |= binary.BigEndian.Uint64(r.src[r.pos:]) >> r.n
		r.pos += int(63-r.n) >> 3
		r.n |= 56
		return
	}
	r.refillTail()
}

// refillTail is refill within the last eight bytes.
func (r *bitReader) refillTail() {
	for r.n < 56 && r.pos < len(r.src) {
		r.acc |= uint64(r.src[r.pos]) << (56 - r.n)
		r.pos++
		r.n += 8
	}
}

// drop consumes k of the n bits in hand.
func (r *bitReader) drop(k uint) {
	r.acc <<= k
	r.n -= k
}

// take reads k bits, 1 to 56; ok is false when the input ends first.
func (r *bitReader) take(k uint) (v uint64, ok bool) {
	if r.n < k {
		if r.refill(); r.n < k {
			return 0, false
		}
	}
	v = r.acc >> (64 - k)
	r.drop(k)
	return v, true
}

// align drops the rest of the byte in hand. Bytes enter acc whole, so the bits short of one are n mod 8.
func (r *bitReader) align() { r.drop(r.n & 7) }
