package arrowfile

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/internal/idset"
)

// lookup finds records in older files: the offset ranges say which file may hold a record, its ids say
// whether it does. The ranges alone would not do: a topic made anew counts from zero again.
type lookup struct {
	limit  int
	loaded []loadedFile // most recently used first
}

type loadedFile struct {
	path string
	ids  *idset.Table
}

// known reports whether the record is durable already.
func (s *Sink) known(set *fileSet, r *schemas.Record) (bool, error) {
	if s.ids.Has(r.ID) || s.inUnsealed(set, r.ID) {
		return true, nil
	}
	return s.lookup.inFiles(s, set, r)
}

// inUnsealed looks into the segments whose ids the id table may have forgotten.
func (s *Sink) inUnsealed(set *fileSet, id schemas.RecordID) bool {
	has := func(seg *segment) bool {
		return seg != nil && s.ids.Generation() > seg.born+1 && seg.ids.Has(id)
	}
	return has(set.open) || slices.ContainsFunc(s.waiting, has)
}

// inFiles reports whether a sealed file of the set holds the record, looking only into files whose ids
// are not all in the id table.
func (l *lookup) inFiles(s *Sink, set *fileSet, r *schemas.Record) (bool, error) {
	for i := len(set.files) - 1; i >= 0; i-- {
		f := &set.files[i]
		if f.inSet(s.ids) || !covers(f.ranges, &r.Origin) {
			continue
		}
		ids, err := l.load(s, f.path)
		if errors.Is(err, fs.ErrNotExist) {
			set.forget(f.path) // moved away by someone: its records are no longer ours to know
			continue
		}
		if err != nil {
			return false, err
		}
		if ids.Has(r.ID) {
			return true, nil
		}
	}
	return false, nil
}

// load returns the ids of a file, from memory where it was used lately.
func (l *lookup) load(s *Sink, path string) (*idset.Table, error) {
	at := slices.IndexFunc(l.loaded, func(f loadedFile) bool { return f.path == path })
	if at >= 0 {
		f := l.loaded[at]
		copy(l.loaded[1:at+1], l.loaded[:at])
		l.loaded[0] = f
		return f.ids, nil
	}
	f := loadedFile{path: path, ids: new(idset.Table)}
	if err := readIDs(s.fs, s.format, path, func(id schemas.RecordID) { f.ids.Add(id) }); err != nil {
		return nil, err
	}
	l.loaded = slices.Insert(l.loaded[:min(len(l.loaded), l.limit-1)], 0, f)
	return f.ids, nil
}
