package inflate

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// Gunzip appends the joined output of all members of the gzip stream src to dst[:0], growing dst to at
// most limit bytes, and returns it. Zero bytes after the last member are passed over.
//
// On an error it returns what was decoded so far, so that the memory can be used again. Errors are
// *Error of kind ErrTruncated, ErrCorrupt, ErrChecksum or ErrTooLarge. It allocates a Reader; callers
// on a hot path keep one.
func Gunzip(dst, src []byte, limit int) ([]byte, error) {
	out, _, err := new(Reader).Gunzip(dst, src, limit)
	return out, err
}

// Reader holds the tables of the decoder, so that a worker which keeps one inflates without
// allocating. The zero value is ready; it is not safe for concurrent use.
type Reader struct {
	d decoder
}

// Gunzip does what the function Gunzip does and says whether zero bytes followed the last member.
func (r *Reader) Gunzip(dst, src []byte, limit int) (out []byte, trailing bool, err error) {
	dst = room(dst[:0], firstRoom(src, limit), limit)
	in, n := 0, 0
	for {
		if in, err = memberHeader(src, in); err != nil {
			return dst[:n], false, err
		}
		start := n
		if dst, in, n, err = r.member(dst, src, in, start, limit); err != nil {
			return dst[:n], false, err
		}
		if err = checkTrailer(src, in, dst[start:n]); err != nil {
			return dst[:n], false, err
		}
		in += trailerSize
		if in == len(src) {
			return dst[:n], false, nil
		}
		if src[in] == 0 && allZero(src[in:]) {
			return dst[:n], true, nil
		}
	}
}

// member decodes the deflate stream at src[in] to dst[start:], making more room as needed up to limit.
// It returns dst, and where input and output ended.
func (r *Reader) member(dst, src []byte, in, start, limit int) (_ []byte, inEnd, outEnd int, err error) {
	r.d.start(in, start)
	for {
		s := r.d.run(dst, src, start)
		switch {
		case s == statusDone:
			return dst, r.d.in, r.d.out, nil
		case s == statusFull && len(dst) < limit:
			dst = room(dst, 2*len(dst)+minRoom, limit)
		default:
			return dst, r.d.in, r.d.out, s.asError(min(r.d.in, len(src)))
		}
	}
}

const (
	minRoom = 512
	// maxRatio is the most bytes that one byte of a deflate stream can stand for: a match of 258 bytes
	// takes at least two bits (one for its length, one for its distance).
	maxRatio = 258 * 8 / 2
)

// firstRoom is the size to try first: what the last four bytes say (the length of the last member), as
// far as a stream of this size can reach it.
func firstRoom(src []byte, limit int) int {
	if len(src) < headerSize+trailerSize {
		return 0
	}
	want := uint64(binary.LittleEndian.Uint32(src[len(src)-4:]))
	return int(min(want, uint64(len(src))*maxRatio, uint64(max(0, limit))))
}

// room returns dst with its length as long as its capacity and limit allow, and at least min(want,
// limit), moving the bytes of dst when it must grow.
func room(dst []byte, want, limit int) []byte {
	limit = max(0, limit)
	if want = min(want, limit); cap(dst) < want {
		grown := make([]byte, want)
		copy(grown, dst)
		return grown
	}
	return dst[:min(cap(dst), limit)]
}

// allZero reports whether b holds only zero bytes.
func allZero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

const (
	headerSize  = 10
	trailerSize = 8

	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
	flagReserved  = 7 << 5
)

// memberHeader passes over the member header at src[in] (RFC 1952 section 2.3) and returns where the
// deflate stream starts.
func memberHeader(src []byte, in int) (int, error) {
	h := src[in:]
	switch {
	case len(h) >= 1 && h[0] != 0x1f, len(h) >= 2 && h[1] != 0x8b:
		return in, &Error{ErrCorrupt, int64(in), "no gzip member starts here"}
	case len(h) < headerSize:
		return in, &Error{ErrTruncated, int64(len(src)), "input ends inside a member header"}
	case h[2] != 8:
		return in, &Error{ErrCorrupt, int64(in + 2), "compression method is not deflate"}
	case h[3]&flagReserved != 0:
		return in, &Error{ErrCorrupt, int64(in + 3), "reserved header flags are set"}
	case h[3] == 0:
		return in + headerSize, nil
	}
	return optionalFields(src, in, h[3])
}

// optionalFields passes over the fields that the flags announce, and checks the header's CRC-16.
func optionalFields(src []byte, start int, flags byte) (int, error) {
	in := start + headerSize
	truncated := &Error{ErrTruncated, int64(len(src)), "input ends inside a member header"}
	if flags&flagExtra != 0 {
		if len(src)-in < 2 {
			return in, truncated
		}
		n := int(binary.LittleEndian.Uint16(src[in:]))
		if in += 2; len(src)-in < n {
			return in, truncated
		}
		in += n
	}
	for _, flag := range [2]byte{flagName, flagComment} {
		if flags&flag == 0 {
			continue
		}
		n := bytes.IndexByte(src[in:], 0)
		if n < 0 {
			return in, truncated
		}
		in += n + 1
	}
	if flags&flagHeaderCRC != 0 {
		if len(src)-in < 2 {
			return in, truncated
		}
		if binary.LittleEndian.Uint16(src[in:]) != uint16(crc32.ChecksumIEEE(src[start:in])) {
			return in, &Error{ErrChecksum, int64(in), "CRC-16 of the member header"}
		}
		in += 2
	}
	return in, nil
}

// checkTrailer compares the member trailer at src[in] with the member's output.
func checkTrailer(src []byte, in int, out []byte) error {
	t := src[in:]
	switch {
	case len(t) < trailerSize:
		return &Error{ErrTruncated, int64(len(src)), "input ends inside a member trailer"}
	case binary.LittleEndian.Uint32(t[4:]) != uint32(len(out)):
		return &Error{ErrChecksum, int64(in + 4), "length of the member"}
	case binary.LittleEndian.Uint32(t) != crc32.ChecksumIEEE(out):
		return &Error{ErrChecksum, int64(in), "CRC-32 of the member"}
	}
	return nil
}
