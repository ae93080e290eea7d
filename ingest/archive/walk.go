package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// file is one file of the walk: an item, or an archive of items.
type file struct {
	path    string
	size    int64
	modTime time.Time
	// chain is the fingerprint of the walk up to and with this file: SHA-256 over the chain before it,
	// its path, size and modification time.
	chain [sha256.Size]byte
}

// walker lists files in the order of the walk.
type walker struct {
	include []string
	skip    string // the state file, which may lie in a folder of the archive
	files   []file
	chain   [sha256.Size]byte
}

// walk lists the files of cfg, in an order that depends on their names alone.
func walk(cfg Config) ([]file, error) {
	w := &walker{include: cfg.Include, skip: absolute(cfg.StateFile)}
	w.link(strings.Join(cfg.Include, "\x00"), 0, time.Time{}) // other patterns give items other offsets
	for _, root := range cfg.Paths {
		info, err := os.Stat(root)
		if err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		if !info.IsDir() {
			if !info.Mode().IsRegular() {
				return nil, fmt.Errorf("archive: %s is neither a file nor a folder", root)
			}
			w.add(root, info)
			continue
		}
		if err := w.folder(root); err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
	}
	return w.files, nil
}

func absolute(name string) string {
	if name == "" {
		return ""
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return name
	}
	return abs
}

// folder adds the files under root in lexical order, which is the order of filepath.WalkDir.
func (w *walker) folder(root string) error {
	return filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != root && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir(), w.skip != "" && absolute(name) == w.skip:
			return nil
		}
		info, err := os.Stat(name) // through a link to a file
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() && (kindOf(name) != single || included(w.include, entry.Name())) {
			w.add(name, info)
		}
		return nil
	})
}

func (w *walker) add(name string, info fs.FileInfo) {
	w.link(name, info.Size(), info.ModTime())
	w.files = append(w.files, file{path: name, size: info.Size(), modTime: info.ModTime(), chain: w.chain})
}

// link lengthens the chain of fingerprints.
func (w *walker) link(name string, size int64, modTime time.Time) {
	b := append([]byte(nil), w.chain[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint64(b, uint64(size))
	b = binary.BigEndian.AppendUint64(b, uint64(modTime.UnixNano()))
	w.chain = sha256.Sum256(b)
}

// included reports whether an item of that base name is to be read.
func included(patterns []string, base string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, base); ok {
			return true
		}
	}
	return len(patterns) == 0
}

// kind is how a file holds items.
type kind uint8

const (
	single   kind = iota // it is one
	tarball              // tar
	tarballZ             // tar in gzip
	prefixed             // records, each after its length as a little-endian uint32
)

// kindOf tells the kind by name.
func kindOf(name string) kind {
	name = strings.ToLower(name)
	switch {
	case strings.HasSuffix(name, ".tar"):
		return tarball
	case strings.HasSuffix(name, ".tar.gz"), strings.HasSuffix(name, ".tgz"):
		return tarballZ
	case strings.HasSuffix(name, ".lp"):
		return prefixed
	}
	return single
}
