package fits

import "errors"

// The Unix compress format: two bytes of magic, one of flags, then codes of 9 to 16 bits, lowest bit
// first (the LZW variant of Welch, IEEE Computer 17(6), 1984, with variable widths).
const (
	lzwClear   = 256 // in block mode: forget the table
	lzwMinBits = 9
	lzwMaxBits = 16
)

var (
	errLZWHeader = errors.New("bad header of a Unix compress stream")
	errLZWCode   = errors.New("code beyond the table of a Unix compress stream")
	errLimit     = errors.New("over the limit")
)

// lzwTable is the decoder's table: entry i is the string of entry prefix[i] and the byte suffix[i].
type lzwTable struct {
	prefix [1 << lzwMaxBits]uint16
	suffix [1 << lzwMaxBits]byte
	length [1 << lzwMaxBits]uint32 // of the string
}

// lzwReader reads codes. They come in groups of eight, and a change of width drops the rest of a group.
type lzwReader struct {
	src   []byte
	start int // first byte of the codes of this width
	at    int // bits read since
	width int
}

// next reads one code; ok is false when the input has no whole code left, which ends the stream.
func (r *lzwReader) next() (code int, ok bool) {
	bit := r.start*8 + r.at
	if bit+r.width > 8*len(r.src) {
		return 0, false
	}
	var v uint32
	for i, k := 0, bit/8; i < 3 && k+i < len(r.src); i++ {
		v |= uint32(r.src[k+i]) << (8 * i)
	}
	r.at += r.width
	return int(v >> (bit % 8) & (1<<r.width - 1)), true
}

// setWidth skips to the end of the group and changes the width.
func (r *lzwReader) setWidth(width int) {
	group := 8 * r.width
	r.start += (r.at + group - 1) / group * r.width
	r.at, r.width = 0, width
}

// expand appends what src unpacks to, at most limit bytes, to dst.
func (t *lzwTable) expand(dst, src []byte, limit int) ([]byte, error) {
	if len(src) < 3 {
		return dst, errLZWHeader
	}
	maxBits, block := int(src[2]&0x1f), src[2]&0x80 != 0
	if maxBits < lzwMinBits || maxBits > lzwMaxBits {
		return dst, errLZWHeader
	}
	first := 256
	if block {
		first = lzwClear + 1
	}
	for i := range 256 {
		t.suffix[i], t.length[i] = byte(i), 1
	}
	r := lzwReader{src: src, start: 3, width: lzwMinBits}
	free, last := first, -1
	for {
		if free > 1<<r.width-1 && r.width < maxBits {
			r.setWidth(r.width + 1)
		}
		code, ok := r.next()
		switch {
		case !ok:
			return dst, nil
		case block && code == lzwClear:
			free, last = first, -1
			r.setWidth(lzwMinBits)
			continue
		case code > free, code == free && last < 0, code >= 256 && last < 0:
			return dst, errLZWCode
		}
		if last >= 0 && free < 1<<maxBits {
			t.prefix[free], t.length[free] = uint16(last), t.length[last]+1
			t.suffix[free] = t.firstByte(code, last, free)
			free++
		} else if code >= free {
			return dst, errLZWCode
		}
		if len(dst)+int(t.length[code]) > limit {
			return dst, errLimit
		}
		dst = t.append(dst, code)
		last = code
	}
}

// firstByte is the first byte of the string of code; the entry being made, free, begins like last.
func (t *lzwTable) firstByte(code, last, free int) byte {
	if code == free {
		code = last
	}
	for code >= 256 {
		code = int(t.prefix[code])
	}
	return byte(code)
}

// append writes the string of code from its end.
func (t *lzwTable) append(dst []byte, code int) []byte {
	n := len(dst) + int(t.length[code])
	for cap(dst) < n {
		dst = append(dst[:cap(dst)], 0)
	}
	dst = dst[:n]
	for n--; code >= 256; n-- {
		dst[n] = t.suffix[code]
		code = int(t.prefix[code])
	}
	dst[n] = byte(code)
	return dst
}
