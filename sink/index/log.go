package index

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
)

const (
	logPrefix    = "vectors-"
	logExtension = ".log"
	logTemporary = "_vectors.rewriting"
	logVersion   = 1
	// rewriteEntries is the number of entries in one frame of a rewritten log.
	rewriteEntries = 1024
)

// header is the first frame of a log, as JSON.
type header struct {
	Version   int    `json:"version"`
	Model     string `json:"model"`
	ModelHash string `json:"model_hash"`
	Embedding int    `json:"embedding"`
}

// vectorLog is the log of one generation.
type vectorLog struct {
	fs         disk.FS
	dir        string
	model      *schemas.ModelInfo
	generation int
	log        *disk.Log
	entries    int // in the log, replaced and dropped ones included
}

// openLog opens the newest generation, or makes the first, and visits its entries.
func openLog(fs disk.FS, dir string, m *schemas.ModelInfo, visit func(*entry) error) (*vectorLog, error) {
	l := &vectorLog{fs: fs, dir: filepath.Join(dir, disk.ModelDir(m)), model: m, generation: 1}
	if err := fs.MkdirAll(l.dir); err != nil {
		return nil, err
	}
	if err := fs.SyncDir(dir); err != nil {
		return nil, err
	}
	generations, err := l.tidy()
	if err != nil {
		return nil, err
	}
	if len(generations) == 0 {
		return l, l.create()
	}
	l.generation = generations[len(generations)-1]
	return l, l.read(visit)
}

// tidy deletes an unfinished rewrite and all generations but the newest, and returns those found,
// ascending.
func (l *vectorLog) tidy() (generations []int, err error) {
	files, err := l.fs.ReadDir(l.dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.Name() == logTemporary {
			if err := l.fs.Remove(filepath.Join(l.dir, logTemporary)); err != nil {
				return nil, err
			}
		}
		number := strings.TrimSuffix(strings.TrimPrefix(f.Name(), logPrefix), logExtension)
		if n, err := strconv.Atoi(number); err == nil && f.Name() == logName(n) {
			generations = append(generations, n)
		}
	}
	slices.Sort(generations)
	if len(generations) > 1 {
		// The crash may have come before the newest name was durable.
		if err := l.fs.SyncDir(l.dir); err != nil {
			return nil, err
		}
	}
	for i := 0; i < len(generations)-1; i++ {
		if err := l.fs.Remove(filepath.Join(l.dir, logName(generations[i]))); err != nil {
			return nil, err
		}
	}
	return generations, nil
}

func logName(generation int) string {
	return fmt.Sprintf("%s%06d%s", logPrefix, generation, logExtension)
}

func (l *vectorLog) path() string { return filepath.Join(l.dir, logName(l.generation)) }

// create makes an empty log with its header. A file left by a crash before the header was durable has
// been replaced, because it is written under a temporary name.
func (l *vectorLog) create() error {
	return l.writeFile(newStore(l.model.Embedding, 1))
}

// read visits the entries of the log and opens it for appending.
func (l *vectorLog) read(visit func(*entry) error) error {
	first := true
	good, err := disk.ScanFile(l.fs, l.path(), func(payload []byte) error {
		if first {
			first = false
			return l.checkHeader(payload)
		}
		err := decodeEntries(payload, l.model.Embedding, func(e *entry) error {
			l.entries++
			return visit(e)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", l.path(), err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if first {
		return fmt.Errorf("%s: no header: the file is not a vector log; move it away to begin anew", l.path())
	}
	l.log, err = disk.OpenLog(l.fs, l.path(), good)
	return err
}

func (l *vectorLog) checkHeader(payload []byte) error {
	var h header
	if err := json.Unmarshal(payload, &h); err != nil {
		return fmt.Errorf("%s: header: %w", l.path(), err)
	}
	if want := l.header(); h != want {
		return fmt.Errorf("%s: the log is %+v, the configuration asks for %+v: give the model a folder of its own", l.path(), h, want)
	}
	return nil
}

func (l *vectorLog) header() header {
	return header{Version: logVersion, Model: l.model.Name, ModelHash: l.model.Hash, Embedding: l.model.Embedding}
}

// beginFrame empties a frame, keeping its memory and the room for its head.
func (l *vectorLog) beginFrame(frame []byte) []byte {
	if cap(frame) < disk.HeadSize {
		frame = make([]byte, 0, 4096)
	}
	return frame[:disk.HeadSize]
}

// append makes a frame of n entries durable.
func (l *vectorLog) append(frame []byte, n int) error {
	if err := l.log.Append(frame); err != nil {
		return err
	}
	l.entries += n
	return nil
}

func (l *vectorLog) broken() bool { return l.log.Broken() }

// rewrite writes the entries of the store as the next generation and returns it, open for appending.
func (l *vectorLog) rewrite(s *store) (*vectorLog, error) {
	next := &vectorLog{fs: l.fs, dir: l.dir, model: l.model, generation: l.generation + 1}
	return next, next.writeFile(s)
}

// discard makes sure that no file of a generation whose rewrite failed is left.
func (l *vectorLog) discard(next *vectorLog) error {
	if err := l.fs.Remove(next.path()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return l.fs.SyncDir(l.dir)
}

// writeFile writes header and entries to the file of this generation and opens it for appending.
func (l *vectorLog) writeFile(s *store) error {
	var size int64
	err := disk.Replace(l.fs, filepath.Join(l.dir, logTemporary), l.path(), func(f disk.File) error {
		put := func(frame []byte) error {
			disk.SealFrame(frame)
			n, err := f.Write(frame)
			size += int64(n)
			return err
		}
		text, err := json.Marshal(l.header())
		if err != nil {
			return err
		}
		frame := append(l.beginFrame(nil), text...)
		if err := put(frame); err != nil {
			return err
		}
		frame = l.beginFrame(frame)
		err = s.each(func(e *entry) error {
			frame = appendEntry(frame, e)
			if l.entries++; l.entries%rewriteEntries != 0 {
				return nil
			}
			err := put(frame)
			frame = l.beginFrame(frame)
			return err
		})
		if err == nil && len(frame) > disk.HeadSize {
			err = put(frame)
		}
		return err
	})
	if err != nil {
		return err
	}
	l.log, err = disk.OpenLog(l.fs, l.path(), size)
	return err
}

func (l *vectorLog) close() error {
	if l.log == nil {
		return nil
	}
	return l.log.Close()
}

// remove closes and deletes the log of an old generation.
func (l *vectorLog) remove() error {
	err := l.log.Close()
	if removeErr := l.fs.Remove(l.path()); !errors.Is(removeErr, os.ErrNotExist) {
		err = errors.Join(err, removeErr)
	}
	return err
}
