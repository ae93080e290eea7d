package inflate

import "encoding/binary"

// Room that one turn of the fast loop may use: at most five pairs of literals, a match of 258 and what
// an 8-byte copy may write past its end; two refills of 8 bytes, the second at most 7 bytes on.
const (
	fastOut = 5*2 + 258 + 8
	fastIn  = 16
)

// codes decodes symbols until the block ends.
func (d *decoder) codes(dst, src []byte, base int) status {
	if s, ended := d.fast(dst, src, base); ended || s != statusDone {
		return s
	}
	return d.careful(dst, src, base)
}

// fast decodes while a whole turn fits both input and output. One turn refills the bit buffer without a
// branch (the bits above nbits are true coming bits, so that setting them twice is harmless) and takes
// up to five entries of literals; at the first other symbol it refills again and decodes that one.
// Bounds: the room of fastIn and fastOut; sub tables end within their table by construction. It is long
// because a call in it that is not inlined costs a tenth of its speed.
func (d *decoder) fast(dst, src []byte, base int) (s status, ended bool) {
	bits, nbits, in, out := d.bits, d.nbits, d.in, d.out
	inEnd, outEnd := len(src)-fastIn, len(dst)-fastOut
	for in <= inEnd && out <= outEnd {
		bits |= binary.LittleEndian.Uint64(src[in:]) << (nbits & 63)
		in += int(63-nbits) >> 3
		nbits |= 56
		var e uint32
		k := 0
		for ; k < 5; k++ {
			e = d.lit[bits&(1<<litBits-1)]
			if e < entryLiteral {
				break
			}
			binary.LittleEndian.PutUint16(dst[out:], uint16(e>>12))
			out += int(e >> 28 & 3)
			bits >>= e & litMask
			nbits -= uint(e & litMask)
		}
		if k == 5 {
			continue
		}
		bits |= binary.LittleEndian.Uint64(src[in:]) << (nbits & 63)
		in += int(63-nbits) >> 3
		nbits |= 56
		if e&entryOther != 0 {
			if e&entrySub != 0 {
				bits >>= litBits
				nbits -= litBits
				e = d.lit[subIndex(e, bits)]
			}
			if e >= entryLiteral {
				dst[out] = byte(e >> 12)
				out++
				bits >>= e & litMask
				nbits -= uint(e & litMask)
				continue
			}
			if e&entryOther != 0 {
				s, ended = d.endOrFault(e)
				bits >>= dropOf(e)
				nbits -= dropOf(e)
				break
			}
		}
		length := value(e, bits)
		bits >>= dropOf(e)
		nbits -= dropOf(e)
		e = d.dist[bits&(1<<distBits-1)]
		if e&entryOther != 0 {
			if e&entrySub != 0 {
				bits >>= distBits
				nbits -= distBits
				e = d.dist[subIndex(e, bits)]
			}
			if e&entryOther != 0 {
				s = statusSymbol
				break
			}
		}
		distance := value(e, bits)
		bits >>= dropOf(e)
		nbits -= dropOf(e)
		if distance > out-base {
			s = statusDistance
			break
		}
		copyMatch(dst, out, distance, length)
		out += length
	}
	d.bits, d.nbits, d.in, d.out = bits, nbits, in, out
	return s, ended
}

// subIndex is where in the table the entry lies that the sub-table entry e leads to.
func subIndex(e uint32, bits uint64) uint {
	return uint(e>>12&0xfff) + uint(bits)&(1<<(e>>6&15)-1)
}

// dropOf is how many bits an entry takes that is no literal.
func dropOf(e uint32) uint { return uint(e >> dropShift & 31) }

// value is a length or distance: its base and the extra bits that follow the code word.
func value(e uint32, bits uint64) int {
	return int(e>>baseShift) + int(bits&(1<<dropOf(e)-1)>>(e>>6&15))
}

// endOrFault sets the mode at the end of the block, which e is unless it is no code word.
func (d *decoder) endOrFault(e uint32) (status, bool) {
	if e&entryEnd == 0 {
		return statusSymbol, false
	}
	d.mode = modeHeader
	return statusDone, true
}

// copyMatch copies length bytes from distance back, forwards, so that a match may repeat what it
// writes. It may write up to 7 bytes more.
func copyMatch(dst []byte, out, distance, length int) {
	from, end := out-distance, out+length
	if distance >= 8 {
		for ; out < end; from, out = from+8, out+8 {
			binary.LittleEndian.PutUint64(dst[out:], binary.LittleEndian.Uint64(dst[from:]))
		}
		return
	}
	if distance == 1 {
		word := uint64(dst[from]) * 0x0101010101010101
		for ; out < end; out += 8 {
			binary.LittleEndian.PutUint64(dst[out:], word)
		}
		return
	}
	for ; out < end; from, out = from+1, out+1 {
		dst[out] = dst[from]
	}
}

// careful decodes one symbol at a time with every bound checked: the end of the input and of the
// output. A symbol that does not fit the output is left unread.
func (d *decoder) careful(dst, src []byte, base int) status {
	for {
		d.refill(src)
		bits, nbits := d.bits, d.nbits
		e := d.lit[bits&(1<<litBits-1)]
		if e >= entryLiteral {
			n := uint(e >> 6 & 15)
			switch {
			case n > nbits:
				return statusTruncated
			case d.out == len(dst):
				return statusFull
			}
			dst[d.out] = byte(e >> 12)
			d.out++
			d.take(n)
			continue
		}
		drop := uint(0)
		if e&entryOther != 0 && e&entrySub != 0 {
			drop = litBits
			e = d.lit[subIndex(e, bits>>litBits)]
		}
		n := drop + dropOf(e)
		if e >= entryLiteral {
			n = drop + uint(e&litMask)
		}
		switch {
		case n > nbits:
			return statusTruncated
		case e >= entryLiteral:
			if d.out == len(dst) {
				return statusFull
			}
			dst[d.out] = byte(e >> 12)
			d.out++
			d.take(n)
			continue
		case e&entryOther != 0:
			if s, ended := d.endOrFault(e); !ended {
				return s
			}
			d.take(n)
			return statusDone
		}
		length := value(e, bits>>drop)
		if s := d.carefulMatch(dst, base, length, n); s != statusDone {
			return s
		}
	}
}

// carefulMatch reads the distance of a match whose length took the first n bits, and copies it.
func (d *decoder) carefulMatch(dst []byte, base, length int, n uint) status {
	bits := d.bits >> n
	e := d.dist[bits&(1<<distBits-1)]
	if e&entryOther != 0 && e&entrySub != 0 {
		bits >>= distBits
		n += distBits
		e = d.dist[subIndex(e, bits)]
	}
	n += dropOf(e)
	switch {
	case n > d.nbits:
		return statusTruncated
	case e&entryOther != 0:
		return statusSymbol
	}
	distance := value(e, bits)
	switch {
	case distance > d.out-base:
		return statusDistance
	case length > len(dst)-d.out:
		return statusFull
	}
	for end := d.out + length; d.out < end; d.out++ {
		dst[d.out] = dst[d.out-distance]
	}
	d.take(n)
	return statusDone
}
