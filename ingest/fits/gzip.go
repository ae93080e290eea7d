package fits

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/klauspost/compress/gzip"

	"github.com/galaxalign/galaxalign/schemas"
)

// InflateFunc inflates the gzip stream src into dst[:0], growing it as needed up to limit bytes, and
// returns the inflated bytes. Members are joined, zero bytes after the last one are accepted, checksum
// and length of every member are verified; more than limit bytes is an error. A *schemas.Fault is passed
// on as it is, any other error becomes one with reason bad_gzip.
type InflateFunc func(dst, src []byte, limit int) ([]byte, error)

// isGzip reports whether b begins with the gzip magic (RFC 1952, section 2.3.1).
func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

// unwrap checks the size of a payload and unpacks it when it is gzip or another format the unpacker reads.
func (f *File) unwrap(b []byte, lim *Limits) ([]byte, error) {
	f.Gzipped = isGzip(b)
	if len(b) > lim.MaxBytes {
		return nil, fault(schemas.ReasonTooLarge, -1, "the payload has %d bytes, over the limit of %d; raise MaxBytes to read it", len(b), lim.MaxBytes)
	}
	if !f.Gzipped {
		return f.unpacker.unpack(b, lim.MaxInflated)
	}
	inflate := f.Inflate
	if inflate == nil {
		inflate = f.gunzip.inflate
	}
	out, err := inflate(f.inflated[:0], b, lim.MaxInflated)
	if cap(out) > cap(f.inflated) {
		f.inflated = out[:0] // also of a stream that failed half way
	}
	if err != nil {
		if flt := schemas.AsFault(err); flt != nil {
			return nil, flt
		}
		flt := fault(schemas.ReasonBadGzip, -1, "the gzip stream is damaged; fetch the file again")
		flt.Err = err
		return nil, flt
	}
	if zeroTail(b) {
		f.Flags |= schemas.FlagTrailingJunk
	}
	return out, nil
}

// zeroTail reports whether a gzip stream has zero padding after it: a member ends with checksum and
// length, which are both zero only when it holds nothing.
func zeroTail(b []byte) bool {
	return len(b) > 18 && binary.LittleEndian.Uint64(b[len(b)-8:]) == 0
}

// gunzipper is the built-in InflateFunc, on klauspost/compress. It reuses its state.
type gunzipper struct {
	src bytes.Reader
	zr  gzip.Reader
}

// inflate is an InflateFunc.
func (g *gunzipper) inflate(dst, src []byte, limit int) ([]byte, error) {
	g.src.Reset(src)
	dst = sized(dst, src, limit)
	for {
		err := g.zr.Reset(&g.src)
		if err != nil {
			return nil, damaged(err)
		}
		g.zr.Multistream(false)
		if dst, err = g.member(dst, limit); err != nil {
			return nil, err
		}
		rest := src[len(src)-g.src.Len():]
		if len(bytes.Trim(rest, "\x00")) == 0 {
			return dst, nil
		}
		if !isGzip(rest) {
			return nil, fault(schemas.ReasonBadGzip, len(src)-len(rest), "%d bytes after the last gzip member are neither a member nor zeros", len(rest))
		}
	}
}

// member appends one member to dst.
func (g *gunzipper) member(dst []byte, limit int) ([]byte, error) {
	dst, err := readLimited(dst, &g.zr, limit)
	switch {
	case errors.Is(err, errLimit):
		return nil, fault(schemas.ReasonTooLarge, -1, "the payload inflates to more than %d bytes; raise MaxInflated to read it", limit)
	case err != nil:
		return nil, damaged(err)
	}
	return dst, nil
}

// sized returns dst with room for what the trailer of src says it inflates to, within limit and within
// what deflate can reach (1032 bytes from one), so that a forged trailer cannot make it allocate more.
func sized(dst, src []byte, limit int) []byte {
	if len(src) < 18 {
		return dst[:0]
	}
	want := int(binary.LittleEndian.Uint32(src[len(src)-4:]))
	want = min(want, limit, 1032*len(src)) + 1
	if cap(dst) < want {
		return make([]byte, 0, want)
	}
	return dst[:0]
}

// damaged is the fault of a stream that does not inflate.
func damaged(err error) *schemas.Fault {
	flt := fault(schemas.ReasonBadGzip, -1, "the gzip stream is cut short or damaged; fetch the file again")
	flt.Err = err
	return flt
}
