package arrowfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
	"github.com/galaxalign/galaxalign/sink/internal/idset"
)

// fileSet is the folder of one model: its open segment and what is known of its sealed files.
type fileSet struct {
	dir    string
	model  *schemas.ModelInfo // of the encoder and the open segment; nil before the first Write
	enc    *encoder
	open   *segment // nil when none is open
	files  []sealedFile
	lastID string
}

// sealedFile is what the sink remembers of a file it may have to look into.
type sealedFile struct {
	path   string
	ranges []Range
	// born is the generation of the id set when the first of the file's ids was added; known is false
	// when not all of them were.
	born  uint64
	known bool
}

// inSet reports whether ids still holds every id of the file, so that there is no need to look.
func (f *sealedFile) inSet(ids *idset.Set) bool {
	return f.known && ids.Generation() <= f.born+1
}

// nextID names a segment after the time, later than every name before.
func (f *fileSet) nextID(now time.Time) string {
	id := now.UTC().Format(segmentIDLayout)
	if id <= f.lastID {
		last, err := time.Parse(segmentIDLayout, f.lastID)
		if err == nil {
			id = last.Add(time.Microsecond).Format(segmentIDLayout)
		}
	}
	f.lastID = id
	return id
}

// sealed records a new file.
func (f *fileSet) sealed(file sealedFile) { f.files = append(f.files, file) }

// forget drops files that are gone from the disk.
func (f *fileSet) forget(path string) {
	f.files = slices.DeleteFunc(f.files, func(s sealedFile) bool { return s.path == path })
}

// modelMatches reports whether m is the model of the open encoder.
func (f *fileSet) modelMatches(m *schemas.ModelInfo) bool {
	o := f.model
	return o != nil && o.Name == m.Name && o.Version == m.Version && o.Hash == m.Hash &&
		o.RecipeHash == m.RecipeHash && o.Embedding == m.Embedding && slices.Equal(o.Classes, m.Classes)
}

// listSealed finds the sealed files of a model folder and reads their ranges. Files of another origin
// or version are left alone and returned as skipped, one sentence each.
func (f *fileSet) listSealed(fs disk.FS, format Format) (skipped []error, err error) {
	days, err := fs.ReadDir(f.dir)
	if err != nil {
		return nil, err
	}
	for _, day := range days {
		if !day.IsDir() {
			continue
		}
		entries, err := fs.ReadDir(filepath.Join(f.dir, day.Name()))
		if err != nil {
			return skipped, err
		}
		for _, e := range entries {
			id, ok := strings.CutSuffix(e.Name(), format.Extension())
			if !ok || !isSegmentID(id) {
				continue
			}
			f.lastID = max(f.lastID, id)
			path := filepath.Join(f.dir, day.Name(), e.Name())
			ranges, err := readRanges(fs, format, path)
			if err != nil {
				skipped = append(skipped, err)
				continue
			}
			f.sealed(sealedFile{path: path, ranges: ranges})
		}
	}
	slices.SortFunc(f.files, func(a, b sealedFile) int { return strings.Compare(a.path, b.path) })
	return skipped, nil
}

// readRanges reads the offset ranges out of a sealed file.
func readRanges(fs disk.FS, format Format, path string) (ranges []Range, err error) {
	err = withFile(fs, path, func(r Reader) error {
		md, err := format.Metadata(r)
		if err != nil {
			return err
		}
		v, ok := md.GetValue(MetaOffsets)
		if !ok {
			return fmt.Errorf("no metadata %s: the file was not written by this sink", MetaOffsets)
		}
		ranges, err = ParseRanges(v)
		return err
	})
	return ranges, err
}

// readIDs visits the record ids of a sealed file.
func readIDs(fs disk.FS, format Format, path string, visit func(schemas.RecordID)) error {
	return withFile(fs, path, func(r Reader) error {
		return format.RecordIDs(r, idVisitor(visit))
	})
}

// withFile opens a file for reading and guards what read does with it.
func withFile(fs disk.FS, path string, read func(Reader) error) error {
	file, err := fs.OpenFile(path, os.O_RDONLY)
	if err != nil {
		return err
	}
	return errors.Join(guard(path, func() error { return read(file) }), file.Close())
}
