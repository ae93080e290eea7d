package arrowfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
	"github.com/galaxalign/galaxalign/sink/internal/idset"
)

// The names of files that are not yet for readers.
const (
	openPrefix      = "_"
	openExtension   = ".open"
	sealingSuffix   = ".sealing"
	segmentIDLayout = "20060102T150405.000000Z" // UTC; sorts by time, names the date folder
)

// segment is a log of record batches on its way to becoming a file.
type segment struct {
	set    *fileSet
	id     string
	log    *disk.Log
	opened time.Time
	born   uint64 // generation of the id set when the first row was added
	rows   int
	spans  offsetSpans
	ids    idset.Table // of all rows but those in skip
	// skip marks rows, counted over the whole segment, that are durable elsewhere; only recovery finds
	// such rows.
	skip map[int]bool
}

// path of the open log.
func (s *segment) path() string {
	return filepath.Join(s.set.dir, openPrefix+s.id+openExtension)
}

// sealedPath is where the file of this segment goes.
func (s *segment) sealedPath(extension string) string {
	return filepath.Join(s.set.dir, segmentDate(s.id), s.id+extension)
}

// segmentDate returns the date folder of a segment: yyyy-mm-dd.
func segmentDate(id string) string { return id[0:4] + "-" + id[4:6] + "-" + id[6:8] }

// isSegmentID reports whether a name has the form of a segment's.
func isSegmentID(id string) bool {
	_, err := time.Parse(segmentIDLayout, id)
	return err == nil
}

// kept returns the number of rows that go into the sealed file.
func (s *segment) kept() int { return s.rows - len(s.skip) }

// records visits the record batches of the segment in order. A record is valid during the visit.
func (s *segment) records(visit func(arrow.Record) error) error {
	return readStream(s.log.Path(), s.log.Reader(), visit)
}

// readStream visits the record batches of the IPC stream that the frames carry.
func readStream(path string, frames *disk.Reader, visit func(arrow.Record) error) error {
	return guard(path, func() error {
		stream, err := ipc.NewReader(&frameStream{frames: frames})
		if errors.Is(err, io.EOF) {
			return nil // not even the first frame was acknowledged
		}
		if err != nil {
			return err
		}
		defer stream.Release()
		if _, err := schemas.ModelFromMetadata(stream.Schema().Metadata()); err != nil {
			return err
		}
		for stream.Next() {
			if stream.Record().NumRows() == 0 {
				continue
			}
			if err := visit(stream.Record()); err != nil {
				return err
			}
		}
		if err := stream.Err(); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	})
}

// frameStream joins the payloads of frames to one stream.
type frameStream struct {
	frames *disk.Reader
	rest   []byte
}

func (f *frameStream) Read(p []byte) (int, error) {
	for len(f.rest) == 0 {
		payload, err := f.frames.Next()
		if err != nil {
			return 0, err
		}
		f.rest = payload
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// rowOrigins gives the ids and origins of the rows of a record.
type rowOrigins struct {
	ids, topics *array.String
	partitions  *array.Int32
	offsets     *array.Int64
}

func originsOf(rec arrow.Record) (rowOrigins, error) {
	var o rowOrigins
	var errs [4]error
	o.ids, errs[0] = column[*array.String](rec, "record_id")
	o.topics, errs[1] = column[*array.String](rec, "topic")
	o.partitions, errs[2] = column[*array.Int32](rec, "partition")
	o.offsets, errs[3] = column[*array.Int64](rec, "offset")
	return o, errors.Join(errs[:]...)
}

// newSegment opens an empty segment and makes its first frame durable.
func newSegment(fs disk.FS, set *fileSet, enc *encoder, now time.Time) (*segment, error) {
	s := &segment{set: set, id: set.nextID(now), opened: now}
	if err := fs.MkdirAll(set.dir); err != nil {
		return nil, err
	}
	if err := fs.SyncDir(filepath.Dir(set.dir)); err != nil { // the name of the model's folder
		return nil, err
	}
	log, err := disk.CreateLog(fs, s.path())
	if err != nil {
		return nil, err
	}
	frame, err := enc.begin()
	if err == nil {
		err = log.Append(frame)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open segment: %w", err), log.Close(), ignoreAbsent(fs.Remove(s.path())))
	}
	s.log = log
	return s, nil
}

func ignoreAbsent(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
