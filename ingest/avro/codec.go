package avro

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"github.com/galaxalign/galaxalign/schemas"
)

// codec is a container's compression.
type codec uint8

const (
	codecNull codec = iota
	codecDeflate
	codecSnappy
	codecZstandard
	codecUnknown
)

// codecOf names the codec of a container's metadata.
func codecOf(name []byte) codec {
	switch string(name) {
	case "null", "":
		return codecNull
	case "deflate":
		return codecDeflate
	case "snappy":
		return codecSnappy
	case "zstandard":
		return codecZstandard
	}
	return codecUnknown
}

// errTooLarge stops an inflation at the limit.
var errTooLarge = errors.New("inflates beyond the limit")

// inflater inflates blocks into one buffer, never beyond limit bytes.
type inflater struct {
	limit   int
	buf     []byte
	source  bytes.Reader
	deflate io.ReadCloser
	zstd    *zstd.Decoder
}

// block inflates the data of a block that starts at position in the payload.
func (f *inflater) block(c codec, data []byte, position int64) ([]byte, error) {
	var err error
	switch c {
	case codecDeflate:
		err = f.inflateDeflate(data)
	case codecSnappy:
		err = f.inflateSnappy(data)
	default:
		err = f.inflateZstandard(data)
	}
	switch {
	case err == nil:
		return f.buf, nil
	case errors.Is(err, errTooLarge):
		return nil, fault(schemas.ReasonTooLarge, position, "an Avro block inflates to more than %d bytes; raise the limit if such packets are expected", f.limit)
	}
	damaged := fault(schemas.ReasonBadAvro, position, "an Avro block is damaged: it does not inflate")
	damaged.Err = err
	return nil, damaged
}

// inflateDeflate inflates raw deflate (RFC 1951), as the container format has it.
func (f *inflater) inflateDeflate(data []byte) error {
	f.source.Reset(data)
	if f.deflate == nil {
		f.deflate = flate.NewReader(&f.source)
	} else if err := f.deflate.(flate.Resetter).Reset(&f.source, nil); err != nil {
		return err
	}
	f.buf = f.buf[:0]
	for {
		if len(f.buf) == cap(f.buf) {
			f.buf = append(f.buf, 0)[:len(f.buf)]
		}
		n, err := f.deflate.Read(f.buf[len(f.buf):cap(f.buf)])
		f.buf = f.buf[:len(f.buf)+n]
		switch {
		case len(f.buf) > f.limit:
			return errTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// inflateSnappy inflates a snappy block, whose last four bytes are the big-endian CRC-32 (IEEE) of the
// inflated data.
func (f *inflater) inflateSnappy(data []byte) error {
	if len(data) < 4 {
		return io.ErrUnexpectedEOF
	}
	body, sum := data[:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
	n, err := snappy.DecodedLen(body)
	if err != nil {
		return err
	}
	if n > f.limit {
		return errTooLarge
	}
	if f.buf, err = snappy.Decode(f.buf[:cap(f.buf)], body); err != nil {
		return err
	}
	if got := crc32.ChecksumIEEE(f.buf); got != sum {
		return fmt.Errorf("CRC-32 is %08x, the block states %08x", got, sum)
	}
	return nil
}

// inflateZstandard inflates a zstandard frame.
func (f *inflater) inflateZstandard(data []byte) error {
	if f.zstd == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(f.limit)), zstd.WithDecodeAllCapLimit(false))
		if err != nil {
			return err
		}
		f.zstd = d
	}
	var err error
	f.buf, err = f.zstd.DecodeAll(data, f.buf[:0])
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) || len(f.buf) > f.limit {
		return errTooLarge
	}
	return err
}
