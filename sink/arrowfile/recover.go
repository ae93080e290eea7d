package arrowfile

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
)

// recover learns what the folder holds and seals the segments that were left open.
func (s *Sink) recover() error {
	entries, err := s.fs.ReadDir(s.cfg.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		set := &fileSet{dir: filepath.Join(s.cfg.Dir, e.Name())}
		skipped, err := set.listSealed(s.fs, s.format)
		for _, reason := range skipped {
			s.log.Warn("file left out of the duplicate check", "sink", s.Name(), "error", reason)
		}
		if err != nil {
			return err
		}
		s.sets[e.Name()] = set
	}
	if err := s.loadNewestIDs(); err != nil {
		return err
	}
	for _, name := range sortedKeys(s.sets) {
		if err := s.recoverSet(s.sets[name]); err != nil {
			return err
		}
	}
	return nil
}

// loadNewestIDs fills the id table from the newest files of all models until Horizon is reached. Older
// files enter first, so that they are the first to be forgotten.
func (s *Sink) loadNewestIDs() error {
	var files []*sealedFile
	for _, set := range s.sets {
		for i := range set.files {
			files = append(files, &set.files[i])
		}
	}
	slices.SortFunc(files, func(a, b *sealedFile) int {
		return strings.Compare(filepath.Base(b.path), filepath.Base(a.path))
	})
	rows, n := 0, 0
	for n < len(files) && rows < s.cfg.Horizon {
		for _, r := range files[n].ranges {
			rows += int(r.Rows)
		}
		n++
	}
	for _, f := range slices.Backward(files[:n]) {
		f.born = s.ids.Generation()
		if err := readIDs(s.fs, s.format, f.path, s.ids.Add); err != nil {
			s.log.Warn("file left out of the duplicate check", "sink", s.Name(), "error", err)
			continue
		}
		f.known = true
	}
	return nil
}

// recoverSet removes what was being sealed and seals the segments of one model, oldest first.
func (s *Sink) recoverSet(set *fileSet) error {
	entries, err := s.fs.ReadDir(set.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), openPrefix) && strings.HasSuffix(e.Name(), sealingSuffix) {
			if err := s.fs.Remove(filepath.Join(set.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(strings.TrimPrefix(e.Name(), openPrefix), openExtension)
		if !ok || !isSegmentID(id) {
			continue
		}
		set.lastID = max(set.lastID, id)
		if err := s.recoverSegment(set, id); err != nil {
			return err
		}
	}
	return nil
}

// recoverSegment seals one segment up to its last whole batch, unless its file is already there.
func (s *Sink) recoverSegment(set *fileSet, id string) error {
	seg := &segment{set: set, id: id, opened: time.Now(), born: s.ids.Generation(), skip: map[int]bool{}}
	sealedPath := seg.sealedPath(s.format.Extension())
	if slices.ContainsFunc(set.files, func(f sealedFile) bool { return f.path == sealedPath }) {
		// The crash may have come before the new name was durable.
		if err := s.fs.SyncDir(filepath.Dir(sealedPath)); err != nil {
			return err
		}
		return s.fs.Remove(seg.path())
	}
	good, err := disk.ScanFile(s.fs, seg.path(), func([]byte) error { return nil })
	if err != nil {
		return err
	}
	if seg.log, err = disk.OpenLog(s.fs, seg.path(), good); err != nil {
		return err
	}
	if err := s.account(seg); err != nil {
		return errors.Join(err, seg.log.Close())
	}
	s.waiting = append(s.waiting, seg)
	if err := s.sealOne(context.Background(), seg); err != nil {
		return errors.Join(fmt.Errorf("recover: %w", err), seg.log.Close())
	}
	return nil
}

// account counts the rows of a recovered segment and marks those that are durable elsewhere: a write
// whose sync failed can leave a batch behind that was then written to the next segment as well.
func (s *Sink) account(seg *segment) error {
	return seg.records(func(rec arrow.Record) error {
		rows, err := originsOf(rec)
		if err != nil {
			return err
		}
		for i := range int(rec.NumRows()) {
			r := schemas.Record{Origin: schemas.Origin{
				Topic: rows.topics.Value(i), Partition: rows.partitions.Value(i), Offset: rows.offsets.Value(i),
			}}
			if r.ID, err = parseID(rows.ids, i); err != nil {
				return err
			}
			known := seg.ids.Has(r.ID)
			if !known {
				if known, err = s.known(seg.set, &r); err != nil {
					return err
				}
			}
			if known {
				seg.skip[seg.rows] = true
			} else {
				s.ids.Add(r.ID)
				seg.ids.Add(r.ID)
				seg.spans.add(r.Origin.Topic, r.Origin.Partition, r.Origin.Offset)
			}
			seg.rows++
		}
		return nil
	})
}

func sortedKeys(m map[string]*fileSet) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
