package inflate

import "encoding/binary"

// mode says where in the deflate stream a decoder stands.
type mode uint8

const (
	modeHeader mode = iota // before a block header
	modeStored             // inside a stored block, stored bytes to go
	modeCodes              // inside a block of Huffman codes, the tables being its codes
)

// decoder decodes one deflate stream. It can stop when the output is full and go on with more room.
// It holds no pointers and about 18 kB of tables.
type decoder struct {
	bits   uint64 // bits of the input not yet used, the next one lowest; above nbits lie true coming bits or zeros
	nbits  uint   // how many bits are counted, at most 63
	in     int    // next input byte to count
	out    int    // next output byte to write
	mode   mode
	final  bool // the present block is the last
	fixed  bool // the tables hold the fixed codes
	stored int
	lens   [maxLitLen + maxDist + 137]uint8 // room for a run past the last length
	lit    [litTableSize]uint32
	dist   [distTableSize]uint32
}

// start prepares for the deflate stream that begins at src[in] and is written from dst[out].
func (d *decoder) start(in, out int) {
	d.bits, d.nbits, d.in, d.out = 0, 0, in, out
	d.mode, d.final = modeHeader, false
}

// position is the first byte of the input not used up, and the end of the output.
func (d *decoder) position() (in, out int) { return d.in - int(d.nbits/8), d.out }

// run decodes until the stream ends, dst is full or a fault is found. dst is the whole room for output
// by length; matches reach back no further than dst[base]. On statusDone d.in is the byte after the
// stream; otherwise it is near the fault.
func (d *decoder) run(dst, src []byte, base int) status {
	for {
		s := statusDone
		switch d.mode {
		case modeHeader:
			s = d.header(src)
		case modeStored:
			s = d.copyStored(dst, src)
		case modeCodes:
			s = d.codes(dst, src, base)
		}
		if s != statusDone {
			return s
		}
		if d.mode == modeHeader && d.final {
			d.alignBytes()
			return statusDone
		}
	}
}

// refill counts as many whole bytes as fit.
func (d *decoder) refill(src []byte) {
	for d.nbits < 56 && d.in < len(src) {
		d.bits |= uint64(src[d.in]) << d.nbits
		d.in++
		d.nbits += 8
	}
}

// take removes n <= 16 bits; the caller has seen to it that they are counted.
func (d *decoder) take(n uint) uint32 {
	v := uint32(d.bits) & (1<<n - 1)
	d.bits >>= n
	d.nbits -= n
	return v
}

// alignBytes drops the rest of the present byte and gives whole unused bytes back to the input.
func (d *decoder) alignBytes() {
	d.in -= int(d.nbits >> 3)
	d.bits, d.nbits = 0, 0
}

// header reads a block header and, for a dynamic block, its codes.
func (d *decoder) header(src []byte) status {
	d.refill(src)
	if d.nbits < 3 {
		return statusTruncated
	}
	d.final = d.take(1) == 1
	switch d.take(2) {
	case 0:
		return d.storedHeader(src)
	case 1:
		d.fixedTables()
		d.mode = modeCodes
		return statusDone
	case 2:
		return d.dynamicHeader(src)
	}
	return statusBlock
}

func (d *decoder) storedHeader(src []byte) status {
	d.alignBytes()
	if len(src)-d.in < 4 {
		return statusTruncated
	}
	n := binary.LittleEndian.Uint16(src[d.in:])
	if n != ^binary.LittleEndian.Uint16(src[d.in+2:]) {
		return statusStored
	}
	d.in += 4
	d.stored = int(n)
	d.mode = modeStored
	return statusDone
}

func (d *decoder) copyStored(dst, src []byte) status {
	n := min(d.stored, len(src)-d.in, len(dst)-d.out)
	copy(dst[d.out:d.out+n], src[d.in:d.in+n])
	d.in += n
	d.out += n
	d.stored -= n
	switch {
	case d.stored == 0:
		d.mode = modeHeader
		return statusDone
	case d.in == len(src):
		return statusTruncated
	}
	return statusFull
}

// fixedTables sets the codes of RFC 1951 section 3.2.6.
func (d *decoder) fixedTables() {
	if d.fixed {
		return
	}
	lens := d.lens[:maxLitLen]
	for i := range lens {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		default:
			lens[i] = 8
		}
	}
	buildTable(d.lit[:], litBits, lens, litSymbols[:])
	lens = lens[:maxDist]
	for i := range lens {
		lens[i] = 5
	}
	buildTable(d.dist[:], distBits, lens, distSymbols[:])
	d.fixed = true
}

// lenOrder is the order in which the lengths of the code-length code are sent (RFC 1951 section 3.2.7).
var lenOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamicHeader reads the codes of a dynamic block (RFC 1951 section 3.2.7) and builds the tables.
func (d *decoder) dynamicHeader(src []byte) status {
	d.refill(src)
	if d.nbits < 14 {
		return statusTruncated
	}
	nlit, ndist, nlen := int(d.take(5))+257, int(d.take(5))+1, int(d.take(4))+4
	if nlit > 286 || ndist > 30 {
		return statusCode
	}
	var lens [19]uint8
	for i := range nlen {
		if d.nbits < 3 {
			if d.refill(src); d.nbits < 3 {
				return statusTruncated
			}
		}
		lens[lenOrder[i]] = uint8(d.take(3))
	}
	d.fixed = false
	if !buildTable(d.dist[:], lenBits, lens[:], lenSymbols[:]) {
		return statusCode
	}
	if s := d.codeLengths(src, nlit+ndist); s != statusDone {
		return s
	}
	if !buildTable(d.lit[:], litBits, d.lens[:nlit], litSymbols[:]) ||
		!buildTable(d.dist[:], distBits, d.lens[nlit:nlit+ndist], distSymbols[:]) {
		return statusCode
	}
	pairLiterals(&d.lit)
	d.mode = modeCodes
	return statusDone
}

// codeLengths reads total code-word lengths into d.lens. The code-length code lies in d.dist.
func (d *decoder) codeLengths(src []byte, total int) status {
	for i := 0; i < total; {
		if d.nbits < lenBits+7 {
			d.refill(src)
		}
		e := d.dist[d.bits&(1<<lenBits-1)]
		if e&entryOther != 0 {
			return statusSymbol
		}
		sym, n := e>>12&0xff, uint(e&litMask)
		if sym < 16 {
			if n > d.nbits {
				return statusTruncated
			}
			d.take(n)
			d.lens[i] = uint8(sym)
			i++
			continue
		}
		extra, least, value := uint(2), 3, uint8(0)
		switch sym {
		case 17:
			extra = 3
		case 18:
			extra, least = 7, 11
		}
		if n+extra > d.nbits {
			return statusTruncated
		}
		d.take(n)
		if sym == 16 {
			if i == 0 {
				return statusRepeat
			}
			value = d.lens[i-1]
		}
		run := least + int(d.take(extra))
		for j := range run {
			d.lens[i+j] = value
		}
		i += run
		if i > total {
			return statusRepeat
		}
	}
	return statusDone
}
