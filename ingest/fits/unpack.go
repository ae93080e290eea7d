package fits

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/galaxalign/galaxalign/schemas"
)

// unpacker unpacks whole payloads that are bzip2, Unix compress (.Z) or zstd, as archives hold them. It
// is slower than gzip and allocates: live streams do not use these.
type unpacker struct {
	lzw *lzwTable
	out []byte
}

// packedKinds lists the formats of whole payloads besides gzip.
var packedKinds = [...]struct {
	magic, name string
	unpack      func(u *unpacker, dst, src []byte, limit int) ([]byte, error)
}{
	{"BZh", "bzip2", (*unpacker).bzip2},
	{"\x1f\x9d", "Unix compress", (*unpacker).compress},
	{"\x28\xb5\x2f\xfd", "zstd", (*unpacker).zstd},
}

// unpack returns what b holds where it is one of packedKinds, else b. The result is at most limit bytes
// and valid until the next call.
func (u *unpacker) unpack(b []byte, limit int) ([]byte, error) {
	for _, k := range packedKinds {
		if !bytes.HasPrefix(b, []byte(k.magic)) {
			continue
		}
		out, err := k.unpack(u, u.out[:0], b, limit)
		if cap(out) > cap(u.out) {
			u.out = out[:0]
		}
		switch {
		case errors.Is(err, errLimit):
			return nil, fault(schemas.ReasonTooLarge, -1, "the %s payload unpacks to more than %d bytes; raise MaxInflated to read it", k.name, limit)
		case err != nil:
			flt := fault(schemas.ReasonBadGzip, -1, "the %s stream is cut short or damaged; fetch the file again", k.name)
			flt.Err = err
			return nil, flt
		}
		return out, nil
	}
	return b, nil
}

// bzip2 joins the streams of src.
func (u *unpacker) bzip2(dst, src []byte, limit int) ([]byte, error) {
	return readLimited(dst, bzip2.NewReader(bytes.NewReader(src)), limit)
}

// compress reads Unix compress, which has no checksum: a stream cut short ends where it was cut.
func (u *unpacker) compress(dst, src []byte, limit int) ([]byte, error) {
	if u.lzw == nil {
		u.lzw = new(lzwTable)
	}
	return u.lzw.expand(dst, src, limit)
}

// zstd joins the frames of src.
func (u *unpacker) zstd(dst, src []byte, limit int) ([]byte, error) {
	r, err := zstd.NewReader(bytes.NewReader(src), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(uint64(limit)))
	if err != nil {
		return dst, err
	}
	defer r.Close()
	dst, err = readLimited(dst, r, limit)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		err = errLimit
	}
	return dst, err
}

// readLimited appends what r gives, and fails with errLimit once it is more than limit bytes.
func readLimited(dst []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):min(cap(dst), limit+1)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit:
			return dst, errLimit
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}
