package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// File is an open file. Sync makes its contents and its length durable.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Seeker
	Truncate(size int64) error
	Sync() error
	Close() error
}

// FS is the part of a file system the sinks use. Errors carry the path, as package os gives them.
type FS interface {
	OpenFile(path string, flag int) (File, error)
	Rename(from, to string) error
	Remove(path string) error
	MkdirAll(path string) error
	ReadDir(path string) ([]os.DirEntry, error)
	Size(path string) (int64, error)
	// SyncDir makes the names in a folder durable.
	SyncDir(path string) error
}

// OS is the file system of the operating system. Files are made with mode 0644, folders with 0755.
type OS struct{}

type osFile struct{ *os.File }

// Sync flushes data and length, leaving out times where the system allows it.
func (f osFile) Sync() error {
	if err := datasync(f.File); err != nil {
		return &os.PathError{Op: "fdatasync", Path: f.Name(), Err: err}
	}
	return nil
}

// OpenFile opens a file.
func (OS) OpenFile(path string, flag int) (File, error) {
	f, err := os.OpenFile(path, flag, 0o644)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Rename replaces to by from.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove deletes a file.
func (OS) Remove(path string) error { return os.Remove(path) }

// MkdirAll makes a folder and its parents.
func (OS) MkdirAll(path string) error { return os.MkdirAll(path, 0o755) }

// ReadDir lists a folder, sorted by name.
func (OS) ReadDir(path string) ([]os.DirEntry, error) { return os.ReadDir(path) }

// Size returns the length of a file.
func (OS) Size(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// SyncDir flushes a folder.
func (OS) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		_ = d.Close() // the failed sync is the error that matters
		return err
	}
	return d.Close()
}

// Replace writes a file so that a reader sees the old one or the whole new one, also after a crash:
// temporary name, sync, rename, folder sync. write fills the temporary file. On an error nothing is
// left behind.
func Replace(fs FS, temporary, path string, write func(File) error) error {
	f, err := fs.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_RDWR)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = fs.Rename(temporary, path)
	}
	if err != nil {
		if removeErr := fs.Remove(temporary); removeErr != nil && !errors.Is(removeErr, os.ErrNotExist) {
			return fmt.Errorf("%w (and the temporary file stays: %w)", err, removeErr)
		}
		return err
	}
	return fs.SyncDir(filepath.Dir(path))
}
