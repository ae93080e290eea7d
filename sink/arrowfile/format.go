package arrowfile

import (
	"errors"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// Format is the immutable file format that segments are sealed into.
type Format interface {
	// Name identifies the sink in metrics and logs, "arrow" or "parquet".
	Name() string
	// Extension is the ending of sealed files, with its dot.
	Extension() string
	// NewWriter begins a file; the schema's metadata goes into it. Close of the writer completes the
	// file and leaves w open.
	NewWriter(w io.WriteSeeker, schema *arrow.Schema) (Writer, error)
	// BatchBytes is the size a record batch or row group aims at: large enough for readers to spend
	// their time on data. Sealing needs about three times as much memory.
	BatchBytes() int
	// Metadata reads the schema metadata of a file, and refuses a file that is not complete.
	Metadata(r Reader) (arrow.Metadata, error)
	// RecordIDs visits the record_id column of a file, in the order of its rows. The array is valid
	// during the visit.
	RecordIDs(r Reader, visit func(*array.String) error) error
}

// Writer writes the record batches of one file.
type Writer interface {
	Write(arrow.Record) error
	Close() error
}

// Reader is a file to read from any place.
type Reader interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

// IPC is the Arrow IPC file format, uncompressed so that readers can map it into memory.
type IPC struct{}

// Name returns "arrow".
func (IPC) Name() string { return "arrow" }

// Extension returns ".arrow".
func (IPC) Extension() string { return ".arrow" }

// BatchBytes returns 16 MiB.
func (IPC) BatchBytes() int { return 16 << 20 }

// NewWriter begins an IPC file.
func (IPC) NewWriter(w io.WriteSeeker, schema *arrow.Schema) (Writer, error) {
	return ipc.NewFileWriter(w, ipc.WithSchema(schema))
}

// Metadata reads the footer.
func (IPC) Metadata(r Reader) (arrow.Metadata, error) {
	f, err := ipc.NewFileReader(r)
	if err != nil {
		return arrow.Metadata{}, err
	}
	md := f.Schema().Metadata()
	return md, f.Close()
}

// RecordIDs reads the head of each record batch only: record_id is the first column.
func (IPC) RecordIDs(r Reader, visit func(*array.String) error) error {
	f, err := ipc.NewFileReader(headReader{r})
	if err != nil {
		return err
	}
	for i := range f.NumRecords() {
		rec, err := f.RecordAt(i)
		if err != nil {
			return errors.Join(err, f.Close())
		}
		ids, err := stringColumn(rec, "record_id")
		if err == nil {
			err = visit(ids)
		}
		rec.Release()
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// headBytes is how much of one read is taken from the file: the ids and offsets of maxBatchRows rows,
// 36 bytes each, with room for padding. Footers and batch headers are far smaller.
const headBytes = 36*maxBatchRows + 4096

// headReader reads only the head of each long read and leaves the rest zero, because the Arrow reader
// fetches whole record batches and the caller wants their first column: zero offsets make the other
// columns empty or null.
type headReader struct{ Reader }

// ReadAt reads up to headBytes and reports the whole length.
func (r headReader) ReadAt(p []byte, pos int64) (int, error) {
	if len(p) <= headBytes {
		return r.Reader.ReadAt(p, pos)
	}
	n, err := r.Reader.ReadAt(p[:headBytes], pos)
	if n < headBytes {
		return n, err
	}
	return len(p), nil
}
