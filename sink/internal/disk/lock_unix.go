//go:build unix

package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrLocked says that another process, or another sink of this one, uses the folder.
var ErrLocked = errors.New("the folder is in use")

// Lock is a folder held for one owner.
type Lock struct{ f *os.File }

// LockDir makes the folder and takes it for this owner, by flock on a file "_lock" in it. The system
// gives the lock up when the process dies. The error is ErrLocked, with the process that has it, or an
// error of the file system.
func LockDir(dir string) (*Lock, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "_lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &os.PathError{Op: "flock", Path: path, Err: err}
		}
		holder, _ := os.ReadFile(path) // only to name the holder; empty when it cannot be read
		return nil, fmt.Errorf("%w: %s is held by process %s: stop it, or give each process a folder of its own",
			ErrLocked, dir, strings.TrimSpace(string(holder)))
	}
	// The process number only serves the message above: the lock holds without it, on a full disk too.
	if f.Truncate(0) == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return &Lock{f: f}, nil
}

// makeDir makes a folder and the parents it lacks, and makes the new names durable.
func makeDir(dir string) error {
	var parents []string // of the folders to be made
	for p := filepath.Clean(dir); ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); !errors.Is(err, os.ErrNotExist) {
			break // there, or unreadable, which MkdirAll will report
		}
		parents = append(parents, filepath.Dir(p))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, p := range parents {
		if err := (OS{}).SyncDir(p); err != nil {
			return err
		}
	}
	return nil
}

// Release gives the folder up. The file stays: removing it would let two owners lock different files.
func (l *Lock) Release() error { return l.f.Close() }
