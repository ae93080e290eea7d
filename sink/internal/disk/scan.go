package disk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// DamageError is a log with whole frames behind bytes that are none: not a torn tail, which a crash
// explains, but damage to what was acknowledged.
type DamageError struct {
	Path     string
	Position int64 // of the first bad byte run
	Next     int64 // of the next whole frame
}

// Error names the file, the place and the way out.
func (e *DamageError) Error() string {
	return fmt.Sprintf("%s: damaged at byte %d, whole again at byte %d: restore the file, or move it away to go on without its records",
		e.Path, e.Position, e.Next)
}

// Reader reads the frames of a log in order. It is not safe for concurrent use.
type Reader struct {
	path string
	r    io.ReaderAt
	size int64
	good int64
	buf  []byte
}

// NewReader reads the first size bytes of r; path serves the errors.
func NewReader(path string, r io.ReaderAt, size int64) *Reader {
	return &Reader{path: path, r: r, size: size}
}

// Good returns the length of the frames read so far; at io.EOF, what lies behind is a torn tail.
func (r *Reader) Good() int64 { return r.good }

// Next returns the payload of the next frame, valid until the next call. It returns io.EOF at the end
// or at a torn tail, and a *DamageError when whole frames follow bytes that are none.
func (r *Reader) Next() ([]byte, error) {
	if r.good >= r.size {
		return nil, io.EOF
	}
	payload, ok, err := readFrame(r.r, r.good, r.size, r.buf)
	r.buf = payload
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.path, err)
	}
	if ok {
		r.good += HeadSize + int64(len(payload))
		return payload, nil
	}
	next, err := findFrame(r.r, r.good+1, r.size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.path, err)
	}
	if next >= 0 {
		return nil, &DamageError{Path: r.path, Position: r.good, Next: next}
	}
	return nil, io.EOF
}

// Scan visits the payload of each frame in the first size bytes of r, in order, and returns the length
// of what it visited. The payload is valid during the visit. An error of visit ends the scan and is
// returned; otherwise the rules of Reader.Next hold.
func Scan(path string, r io.ReaderAt, size int64, visit func(payload []byte) error) (good int64, err error) {
	frames := NewReader(path, r, size)
	for {
		payload, err := frames.Next()
		if errors.Is(err, io.EOF) {
			return frames.Good(), nil
		}
		if err != nil {
			return frames.Good(), err
		}
		if err := visit(payload); err != nil {
			return frames.Good(), err
		}
	}
}

// ScanFile scans a whole file.
func ScanFile(fs FS, path string, visit func(payload []byte) error) (good int64, err error) {
	size, err := fs.Size(path)
	if err != nil {
		return 0, err
	}
	f, err := fs.OpenFile(path, os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return Scan(path, f, size, visit)
}

// readFrame reads the payload of the frame at pos into buf, grown as needed; ok is false when there is
// no whole frame.
func readFrame(r io.ReaderAt, pos, size int64, buf []byte) (payload []byte, ok bool, err error) {
	var head [HeadSize]byte
	if size-pos < HeadSize {
		return buf, false, nil
	}
	if err := readAt(r, head[:], pos); err != nil {
		return buf, false, err
	}
	n := int64(binary.LittleEndian.Uint32(head[4:]))
	if binary.LittleEndian.Uint32(head[0:]) != frameMagic || n > maxFrame || n > size-pos-HeadSize {
		return buf, false, nil
	}
	if int64(cap(buf)) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if err := readAt(r, buf, pos+HeadSize); err != nil {
		return buf, false, err
	}
	return buf, binary.LittleEndian.Uint32(head[8:]) == checksum(head[4:8], buf), nil
}

// findFrame returns the position of the first whole frame at or after pos, or -1.
func findFrame(r io.ReaderAt, pos, size int64) (int64, error) {
	var magic [4]byte
	binary.LittleEndian.PutUint32(magic[:], frameMagic)
	chunk := make([]byte, 1<<20)
	var buf []byte
	for pos < size {
		part := chunk[:min(int64(len(chunk)), size-pos)]
		if err := readAt(r, part, pos); err != nil {
			return -1, err
		}
		at := bytes.Index(part, magic[:])
		if at < 0 {
			if int64(len(part)) == size-pos {
				return -1, nil
			}
			pos += int64(len(part)) - int64(len(magic)) + 1 // the magic may straddle two chunks
			continue
		}
		pos += int64(at)
		var ok bool
		var err error
		if buf, ok, err = readFrame(r, pos, size, buf); err != nil || ok {
			return pos, err
		}
		pos++
	}
	return -1, nil
}

// readAt fills p; a file that ends early is an error because its size was asked for before.
func readAt(r io.ReaderAt, p []byte, pos int64) error {
	n, err := r.ReadAt(p, pos)
	if n == len(p) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("read %d bytes at %d: %w", len(p), pos, io.ErrUnexpectedEOF)
	}
	return err
}
