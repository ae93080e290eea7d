// Package disktest is a file system in memory for tests: it fails on demand, and it can lose what was
// not synced, as a machine that loses power does.
package disktest

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/galaxalign/galaxalign/sink/internal/disk"
)

// Op names an operation that can be made to fail.
type Op string

// The operations.
const (
	OpCreate   Op = "create" // OpenFile with O_CREATE
	OpOpen     Op = "open"
	OpWrite    Op = "write" // half of the bytes are written before the failure
	OpTruncate Op = "truncate"
	OpSync     Op = "sync"
	OpRename   Op = "rename"
	OpRemove   Op = "remove"
	OpMkdir    Op = "mkdir"
	OpSyncDir  Op = "syncdir"
)

// FS is the file system. The zero FS is empty and ready. It is safe for concurrent use.
type FS struct {
	// Fail, when set, is asked before each operation, one at a time; an error makes the operation fail.
	// Once the file system is in use, SetFail changes it.
	Fail func(op Op, path string) error

	mu   sync.Mutex
	dirs map[string]*dir
}

// node is a file: what readers see, and what would survive the loss of power.
type node struct {
	data, synced []byte
}

// dir is a folder: its entries now, and those whose names are durable.
type dir struct {
	files, synced map[string]*node
	durable       bool // the folder's own name
}

var _ disk.FS = (*FS)(nil)

// SetFail replaces Fail.
func (f *FS) SetFail(fail func(op Op, path string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Fail = fail
}

func (f *FS) fail(op Op, path string) error {
	if f.Fail == nil {
		return nil
	}
	if err := f.Fail(op, path); err != nil {
		return &os.PathError{Op: string(op), Path: path, Err: err}
	}
	return nil
}

func notExist(op Op, path string) error {
	return &os.PathError{Op: string(op), Path: path, Err: fs.ErrNotExist}
}

// OpenFile opens or makes a file.
func (f *FS) OpenFile(path string, flag int) (disk.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	op := OpOpen
	if flag&os.O_CREATE != 0 {
		op = OpCreate
	}
	if err := f.fail(op, path); err != nil {
		return nil, err
	}
	d := f.dirs[filepath.Dir(path)]
	if d == nil {
		return nil, notExist(op, path)
	}
	n := d.files[filepath.Base(path)]
	switch {
	case n == nil && op == OpOpen:
		return nil, notExist(op, path)
	case n == nil:
		n = &node{}
		d.files[filepath.Base(path)] = n
	case flag&os.O_EXCL != 0:
		return nil, &os.PathError{Op: string(op), Path: path, Err: fs.ErrExist}
	}
	if flag&os.O_TRUNC != 0 {
		n.data = nil
	}
	return &file{fs: f, n: n, path: path}, nil
}

// Rename moves a file.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail(OpRename, to); err != nil {
		return err
	}
	source, target := f.dirs[filepath.Dir(from)], f.dirs[filepath.Dir(to)]
	if source == nil || target == nil || source.files[filepath.Base(from)] == nil {
		return notExist(OpRename, from)
	}
	target.files[filepath.Base(to)] = source.files[filepath.Base(from)]
	delete(source.files, filepath.Base(from))
	return nil
}

// Remove deletes a file.
func (f *FS) Remove(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail(OpRemove, path); err != nil {
		return err
	}
	d := f.dirs[filepath.Dir(path)]
	if d == nil || d.files[filepath.Base(path)] == nil {
		return notExist(OpRemove, path)
	}
	delete(d.files, filepath.Base(path))
	return nil
}

// MkdirAll makes a folder and its parents.
func (f *FS) MkdirAll(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail(OpMkdir, path); err != nil {
		return err
	}
	if f.dirs == nil {
		f.dirs = map[string]*dir{}
	}
	for p := path; f.dirs[p] == nil; p = filepath.Dir(p) {
		f.dirs[p] = &dir{files: map[string]*node{}, synced: map[string]*node{}}
	}
	return nil
}

// ReadDir lists a folder by name; one that was never made is empty.
func (f *FS) ReadDir(path string) ([]os.DirEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []os.DirEntry
	if d := f.dirs[path]; d != nil {
		for name := range d.files {
			out = append(out, entry{name: name})
		}
	}
	for p := range f.dirs {
		if p != path && filepath.Dir(p) == path {
			out = append(out, entry{name: filepath.Base(p), dir: true})
		}
	}
	slices.SortFunc(out, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

// Size returns the length of a file.
func (f *FS) Size(path string) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.dirs[filepath.Dir(path)]
	if d == nil || d.files[filepath.Base(path)] == nil {
		return 0, notExist(OpOpen, path)
	}
	return int64(len(d.files[filepath.Base(path)].data)), nil
}

// SyncDir makes the names in a folder durable, those of its folders included.
func (f *FS) SyncDir(path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail(OpSyncDir, path); err != nil {
		return err
	}
	if d := f.dirs[path]; d != nil {
		d.synced = maps.Clone(d.files)
	}
	for p, d := range f.dirs {
		if p != path && filepath.Dir(p) == path {
			d.durable = true
		}
	}
	return nil
}

// PowerLoss returns what is left after the machine loses power now. root is a folder that was there
// before. What was synced survives; of the rest, each folder keeps its new names or has its old ones, a
// folder whose own name was not synced may be gone, and each file keeps all, none or a part of its new
// bytes.
func (f *FS) PowerLoss(root string, rng *rand.Rand) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := &FS{dirs: map[string]*dir{}}
	for _, path := range slices.Sorted(maps.Keys(f.dirs)) { // parents come first
		d := f.dirs[path]
		inRoot := strings.HasPrefix(path, root+string(filepath.Separator))
		if inRoot && (!d.durable && rng.IntN(2) == 0 || after.dirs[filepath.Dir(path)] == nil) {
			continue
		}
		names := d.synced
		if rng.IntN(2) == 0 {
			names = d.files
		}
		left := &dir{files: map[string]*node{}, durable: true}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			data := names[name].survivor(rng)
			left.files[name] = &node{data: data, synced: slices.Clone(data)}
		}
		left.synced = maps.Clone(left.files)
		after.dirs[path] = left
	}
	return after
}

// ProcessDeath returns what is left after the process alone dies now: everything written, with the same
// parts of it still to be synced.
func (f *FS) ProcessDeath() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := &FS{dirs: map[string]*dir{}}
	copies := map[*node]*node{}
	clone := func(files map[string]*node) map[string]*node {
		out := make(map[string]*node, len(files))
		for name, n := range files {
			if copies[n] == nil {
				copies[n] = &node{data: slices.Clone(n.data), synced: slices.Clone(n.synced)}
			}
			out[name] = copies[n]
		}
		return out
	}
	for path, d := range f.dirs {
		after.dirs[path] = &dir{files: clone(d.files), synced: clone(d.synced), durable: d.durable}
	}
	return after
}

// survivor draws what is left of a file's bytes.
func (n *node) survivor(rng *rand.Rand) []byte {
	switch rng.IntN(3) {
	case 0:
		return slices.Clone(n.synced)
	case 1:
		return slices.Clone(n.data)
	}
	if len(n.data) <= len(n.synced) {
		return slices.Clone(n.synced)
	}
	torn := slices.Clone(n.data[:len(n.synced)+rng.IntN(len(n.data)-len(n.synced)+1)])
	if tail := torn[len(n.synced):]; len(tail) > 0 && rng.IntN(2) == 0 {
		clear(tail[rng.IntN(len(tail)):]) // the length was written and the bytes were not
	}
	return torn
}

// entry is a name in a folder.
type entry struct {
	name string
	dir  bool
}

func (e entry) Name() string { return e.name }
func (e entry) IsDir() bool  { return e.dir }
func (e entry) Type() fs.FileMode {
	if e.dir {
		return fs.ModeDir
	}
	return 0
}
func (e entry) Info() (fs.FileInfo, error) { return info{e}, nil }

type info struct{ entry }

func (i info) Size() int64        { return 0 }
func (i info) Mode() fs.FileMode  { return i.Type() }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }

// file is an open file.
type file struct {
	fs   *FS
	n    *node
	path string
	pos  int64
}

func (h *file) Read(p []byte) (int, error) {
	n, err := h.ReadAt(p, h.pos)
	h.pos += int64(n)
	if n > 0 {
		return n, nil
	}
	return n, err
}

func (h *file) ReadAt(p []byte, pos int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if pos >= int64(len(h.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.n.data[pos:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *file) Write(p []byte) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	err := h.fs.fail(OpWrite, h.path)
	if err != nil {
		p = p[:len(p)/2]
	}
	if grow := int(h.pos) + len(p) - len(h.n.data); grow > 0 {
		h.n.data = append(h.n.data, make([]byte, grow)...)
	}
	copy(h.n.data[h.pos:], p)
	h.pos += int64(len(p))
	return len(p), err
}

func (h *file) Seek(offset int64, whence int) (int64, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += h.pos
	case io.SeekEnd:
		offset += int64(len(h.n.data))
	}
	if offset < 0 {
		return h.pos, errors.New("seek before the start")
	}
	h.pos = offset
	return h.pos, nil
}

func (h *file) Truncate(size int64) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.fs.fail(OpTruncate, h.path); err != nil {
		return err
	}
	h.n.data = slices.Clone(h.n.data[:min(size, int64(len(h.n.data)))])
	return nil
}

func (h *file) Sync() error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.fs.fail(OpSync, h.path); err != nil {
		return err
	}
	h.n.synced = slices.Clone(h.n.data)
	return nil
}

func (h *file) Close() error { return nil }
