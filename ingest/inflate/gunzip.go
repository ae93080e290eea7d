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

// groupSize is how many streams GunzipAll decodes side by side: an alert packet has three stamps.
const groupSize = 3

// Reader holds the tables of the decoder, about 50 kB, so that a worker which keeps one inflates
// without allocating. The zero value is ready; it is not safe for concurrent use.
type Reader struct {
	d [groupSize]engine
	g [groupSize]session
}

// Gunzip does what the function Gunzip does and says whether zero bytes followed the last member.
func (r *Reader) Gunzip(dst, src []byte, limit int) (out []byte, trailing bool, err error) {
	return gunzip(&r.d[0], dst, src, limit)
}

// Stream is one gzip stream for GunzipAll and what became of it.
type Stream struct {
	Src      []byte // the gzip stream
	Dst      []byte // memory for the output; afterwards the output, as Gunzip returns it
	Trailing bool   // zero bytes followed the last member
	Err      error  // nil, or what Gunzip would have returned
}

// GunzipAll inflates independent streams, each to at most limit bytes, with the results of Gunzip. It
// decodes up to three at a time side by side where the build allows it: one Huffman stream is a chain of
// dependent look-ups, and three chains overlap in one core.
func (r *Reader) GunzipAll(streams []Stream, limit int) {
	for len(streams) > 0 {
		n := min(len(streams), groupSize)
		r.group(streams[:n], limit)
		streams = streams[n:]
	}
}

// group inflates up to groupSize streams: their first members side by side, what follows one by one.
func (r *Reader) group(streams []Stream, limit int) {
	var open [groupSize]bool
	for i := range streams {
		s := &streams[i]
		r.g[i] = newSession(s.Dst, s.Src, limit)
		s.Err = r.g[i].open(&r.d[i])
		open[i] = s.Err == nil
	}
	ran := runGroup(&r.d, &r.g, &open)
	for i := range streams {
		s := &streams[i]
		if open[i] {
			s.Err = r.g[i].finish(&r.d[i], ran[i])
		}
		s.Dst, s.Trailing = r.g[i].output(), r.g[i].trailing
		r.g[i] = session{} // holds no memory of the caller
	}
}

// inflater decodes one deflate stream, which run may do in several calls with ever more room; decode.go
// says what the methods do.
type inflater interface {
	start(in, out int)
	run(dst, src []byte, base int) status
	position() (in, out int)
}

func gunzip(d inflater, dst, src []byte, limit int) (out []byte, trailing bool, err error) {
	g := newSession(dst, src, limit)
	if err = g.open(d); err == nil {
		err = g.finish(d, g.run(d))
	}
	return g.output(), g.trailing, err
}

// session is one gzip stream being inflated: a chain of members.
type session struct {
	dst, src []byte // dst by length is the room that the decoder may fill
	limit    int
	in       int // start of the next member, or of its trailer
	base     int // where in dst the present member starts
	out      int // end of what was decoded
	trailing bool
}

func newSession(dst, src []byte, limit int) session {
	return session{dst: room(dst[:0], firstRoom(src, limit), limit), src: src, limit: limit}
}

func (g *session) output() []byte { return g.dst[:g.out] }

// open reads the header of the member at g.in and prepares d for its deflate stream.
func (g *session) open(d inflater) error {
	in, err := memberHeader(g.src, g.in)
	if err != nil {
		return err
	}
	g.base = g.out
	d.start(in, g.out)
	return nil
}

func (g *session) run(d inflater) status { return d.run(g.dst, g.src, g.base) }

// finish takes the stream on from where d stopped with status s to the end of its last member, making
// room as needed.
func (g *session) finish(d inflater, s status) error {
	for {
		for s == statusFull && len(g.dst) < g.limit {
			g.dst = room(g.dst, 2*len(g.dst)+minRoom, g.limit)
			s = g.run(d)
		}
		g.in, g.out = d.position()
		if s != statusDone {
			return s.asError(g.in)
		}
		if err := checkTrailer(g.src, g.in, g.dst[g.base:g.out]); err != nil {
			return err
		}
		g.in += trailerSize
		if g.in == len(g.src) {
			return nil
		}
		if g.src[g.in] == 0 && allZero(g.src[g.in:]) {
			g.trailing = true
			return nil
		}
		if err := g.open(d); err != nil {
			return err
		}
		s = g.run(d)
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
