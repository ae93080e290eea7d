package archive

import (
	"archive/tar"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/klauspost/compress/gzip"
)

// item is one payload before it is read.
type item struct {
	path string // "night.tar!member", "packets.lp#7", or the file
	key  string // base name
	size int64  // bytes of the payload
}

// items delivers what one file holds, in its own order.
type items interface {
	// next goes to the next item, past what was not read of the present one. It returns io.EOF at the end
	// and a *schemas.Fault where the rest of the file cannot be read.
	next() (item, error)
	// Read reads the payload of the present item.
	io.Reader
	io.Closer
}

// ErrChanged says that the archive is not the one that the state file tells of.
var ErrChanged = errors.New("the archive has changed since it was last read")

// open opens a file of the walk.
func open(f *file, include []string) (items, error) {
	h, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	info, err := h.Stat()
	if err == nil && (info.Size() != f.size || !info.ModTime().Equal(f.modTime)) {
		err = fmt.Errorf("%s: %w: it was written to during this run", f.path, ErrChanged)
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	switch kindOf(f.path) {
	case tarball:
		return &tarItems{Reader: tar.NewReader(h), file: h, path: f.path, include: include}, nil
	case tarballZ:
		return &tarItems{file: h, path: f.path, include: include, zipped: true}, nil
	case prefixed:
		return &recordItems{in: bufio.NewReaderSize(h, 1<<16), file: h, size: f.size}, nil
	}
	return &singleItem{File: h, size: f.size}, nil
}

// singleItem is a file that is one item.
type singleItem struct {
	*os.File
	size int64
	done bool
}

func (s *singleItem) next() (item, error) {
	if s.done {
		return item{}, io.EOF
	}
	s.done = true
	return item{path: s.Name(), key: filepath.Base(s.Name()), size: s.size}, nil
}

// tarItems are the regular files of a tar archive. Links, folders and devices hold no payload.
type tarItems struct {
	*tar.Reader
	file    *os.File
	path    string
	include []string
	zipped  bool // a tar.gz; Reader is nil until the first next
}

func (t *tarItems) next() (item, error) {
	if t.Reader == nil {
		// Opening it here makes damage in the first bytes a fault of the archive like any other.
		z, err := gzip.NewReader(bufio.NewReaderSize(t.file, 1<<16))
		if err != nil {
			return item{}, damaged(t.path, err)
		}
		t.Reader = tar.NewReader(z)
	}
	for {
		h, err := t.Next()
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // a name is only a name here
			return item{}, damaged(t.path, err)
		}
		if base := path.Base(h.Name); h.Typeflag == tar.TypeReg && included(t.include, base) {
			return item{path: t.path + "!" + h.Name, key: base, size: h.Size}, nil
		}
	}
}

func (t *tarItems) Close() error { return t.file.Close() }

// recordItems are the records of a length-prefixed file.
type recordItems struct {
	in   *bufio.Reader
	file *os.File
	size int64
	at   int64 // where in the file the reader stands
	end  int64 // where the present record ends
	n    int   // records so far
}

func (r *recordItems) next() (item, error) {
	if err := r.skip(r.end - r.at); err != nil {
		return item{}, err
	}
	var prefix [4]byte
	switch n, err := io.ReadFull(r.in, prefix[:]); {
	case err == io.EOF:
		return item{}, io.EOF
	case err != nil:
		return item{}, damaged(r.file.Name(), fmt.Errorf("%d bytes of a record's length: %w", n, err))
	}
	size := int64(binary.LittleEndian.Uint32(prefix[:]))
	r.at += 4
	if size > r.size-r.at {
		return item{}, damaged(r.file.Name(), fmt.Errorf("record %d of %d bytes passes the end: %w", r.n, size, io.ErrUnexpectedEOF))
	}
	r.end = r.at + size
	name := fmt.Sprintf("%s#%d", r.file.Name(), r.n)
	r.n++
	return item{path: name, key: filepath.Base(name), size: size}, nil
}

// skip passes over n bytes, without reading them when they are many.
func (r *recordItems) skip(n int64) error {
	r.at += n
	if n <= int64(r.in.Buffered()) {
		_, err := r.in.Discard(int(n))
		return err
	}
	_, err := r.file.Seek(r.at, io.SeekStart)
	r.in.Reset(r.file)
	return err
}

func (r *recordItems) Read(p []byte) (int, error) {
	if r.at == r.end {
		return 0, io.EOF
	}
	n, err := r.in.Read(p[:min(int64(len(p)), r.end-r.at)])
	r.at += int64(n)
	return n, err
}

func (r *recordItems) Close() error { return r.file.Close() }

// damaged turns an error of reading into a fault of the archive. Errors of the operating system are not
// the archive's fault and stay what they are, as does the end.
func damaged(name string, err error) error {
	var system *os.PathError
	switch {
	case err == io.EOF, errors.As(err, &system):
		return err
	}
	f := schemas.NewFault(schemas.StageIngest, schemas.ReasonUnknownFormat,
		"the rest of %s cannot be read; repair the archive and read it under another name", name)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		f.Reason = schemas.ReasonTruncated
	case kindOf(name) == tarballZ && !errors.Is(err, tar.ErrHeader):
		f.Reason = schemas.ReasonBadGzip
	}
	f.Err = err
	return f
}
