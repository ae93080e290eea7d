package arrowfile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
)

// maxBatchRows bounds the record batches (IPC) and row groups (Parquet) of sealed files.
const maxBatchRows = 65_536

// seal rewrites a segment as an immutable file and returns what to remember of it; ok is false when the
// segment holds no rows of its own and no file was made. The segment's log still exists afterwards.
func seal(ctx context.Context, fs disk.FS, format Format, s *segment) (file sealedFile, ok bool, err error) {
	if s.kept() == 0 {
		return file, false, nil
	}
	path := s.sealedPath(format.Extension())
	if err := fs.MkdirAll(filepath.Dir(path)); err != nil {
		return file, false, err
	}
	if err := fs.SyncDir(s.set.dir); err != nil { // the name of the date folder
		return file, false, err
	}
	temporary := filepath.Join(s.set.dir, openPrefix+s.id+sealingSuffix)
	err = disk.Replace(fs, temporary, path, func(f disk.File) error {
		return guard(temporary, func() error { return writeSealed(ctx, format, s, f) })
	})
	if err != nil {
		return file, false, fmt.Errorf("seal segment %s: %w", s.path(), err)
	}
	return sealedFile{path: path, ranges: s.spans.sorted(), born: s.born, known: true}, true, nil
}

// writeSealed writes the rows of the segment to w in the format.
func writeSealed(ctx context.Context, format Format, s *segment, f disk.File) error {
	out := newSealWriter(f)
	batches := &rebatcher{s: s, limit: batchRows(s, format.BatchBytes()), open: func(schema *arrow.Schema) (Writer, error) {
		return format.NewWriter(out, schema)
	}}
	row := 0
	err := s.records(func(rec arrow.Record) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		first := row
		row += int(rec.NumRows())
		return batches.add(rec, first)
	})
	if err == nil {
		err = batches.finish()
	}
	batches.release()
	if err := errors.Join(err, out.flush()); err != nil {
		return err
	}
	// The Parquet writer's Close hides some errors, so the file has to show that it can be read.
	if _, err := format.Metadata(f); err != nil {
		return fmt.Errorf("the file just written cannot be read: %w", err)
	}
	return nil
}

// batchRows is the number of rows that come to size bytes at this segment's mean row size.
func batchRows(s *segment, size int) int {
	mean := max(1, int(s.log.Size())/max(1, s.rows))
	return min(max(1, size/mean), maxBatchRows)
}

// rebatcher joins the small batches of a segment to large ones, leaving out rows to skip.
type rebatcher struct {
	s       *segment
	limit   int
	open    func(*arrow.Schema) (Writer, error)
	w       Writer
	schema  *arrow.Schema
	parts   []arrow.Record
	pending int // rows in parts
}

// add takes the rows of rec, the first of which is row number first of the segment.
func (b *rebatcher) add(rec arrow.Record, first int) error {
	if b.w == nil {
		if err := b.start(rec.Schema()); err != nil {
			return err
		}
	}
	n := int(rec.NumRows())
	for lo := 0; lo < n; {
		if b.s.skip[first+lo] {
			lo++
			continue
		}
		hi := lo + 1
		for hi < n && !b.s.skip[first+hi] && b.pending+hi-lo < b.limit {
			hi++
		}
		b.parts = append(b.parts, rec.NewSlice(int64(lo), int64(hi)))
		b.pending += hi - lo
		lo = hi
		if b.pending >= b.limit {
			if err := b.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// start opens the file with the segment's schema and what is known of the whole segment.
func (b *rebatcher) start(schema *arrow.Schema) error {
	offsets, err := b.s.spans.json()
	if err != nil {
		return err
	}
	old := schema.Metadata()
	md := arrow.NewMetadata(
		append(append([]string(nil), old.Keys()...), MetaRows, MetaSegment, MetaOffsets),
		append(append([]string(nil), old.Values()...), strconv.Itoa(b.s.kept()), b.s.id, offsets),
	)
	b.schema = arrow.NewSchema(schema.Fields(), &md)
	b.w, err = b.open(b.schema)
	return err
}

// flush writes the pending rows as one batch.
func (b *rebatcher) flush() error {
	if b.pending == 0 {
		return nil
	}
	cols := make([]arrow.Array, b.schema.NumFields())
	defer func() {
		for _, c := range cols {
			if c != nil {
				c.Release()
			}
		}
	}()
	for i := range cols {
		var err error
		if cols[i], err = b.join(i); err != nil {
			return fmt.Errorf("column %s: %w", b.schema.Field(i).Name, err)
		}
	}
	rec := array.NewRecord(b.schema, cols, int64(b.pending))
	defer rec.Release()
	b.release()
	return b.w.Write(rec)
}

// join concatenates one column of the parts.
func (b *rebatcher) join(col int) (arrow.Array, error) {
	chunks := make([]arrow.Array, len(b.parts))
	for i, p := range b.parts {
		chunks[i] = p.Column(col)
	}
	return array.Concatenate(chunks, memory.DefaultAllocator)
}

// finish writes what is left and completes the file.
func (b *rebatcher) finish() error {
	if b.w == nil {
		return fmt.Errorf("segment %s holds no record, %d were acknowledged", b.s.path(), b.s.kept())
	}
	if err := b.flush(); err != nil {
		return err
	}
	return b.w.Close()
}

// release lets go of the pending parts.
func (b *rebatcher) release() {
	for _, p := range b.parts {
		p.Release()
	}
	b.parts, b.pending = b.parts[:0], 0
}

// sealWriter buffers a file that is written from start to end and keeps the first error: the Parquet
// writer drops errors between row groups, and nothing written after one may count.
type sealWriter struct {
	w   *bufio.Writer
	pos int64
	err error
}

func newSealWriter(w io.Writer) *sealWriter {
	return &sealWriter{w: bufio.NewWriterSize(w, 1<<20)}
}

// Write appends.
func (s *sealWriter) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.pos += int64(n)
	s.err = err
	return n, err
}

// Seek only tells the position, which is what the IPC writer asks for.
func (s *sealWriter) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return s.pos, errors.New("the file is written from start to end")
	}
	return s.pos, nil
}

func (s *sealWriter) flush() error {
	if s.err != nil {
		return s.err
	}
	return s.w.Flush()
}

// addRows enters the rows of a batch into the segment's account.
func (s *segment) addRows(records []schemas.Record, kept []int) {
	for _, i := range kept {
		s.ids.Add(records[i].ID)
		o := &records[i].Origin
		s.spans.add(o.Topic, o.Partition, o.Offset)
	}
	s.rows += len(kept)
}
