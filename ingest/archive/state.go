package archive

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// state is what the state file says: the next offset to deliver, and the file of the walk it lies in or
// follows, by its number, the offset of its first item, and the fingerprint of the walk up to it.
type state struct {
	Version int       `json:"version"`
	Next    int64     `json:"next"`
	Files   int       `json:"files"` // of the walk that were begun, the last being File; 0 before the first
	File    string    `json:"file"`
	Start   int64     `json:"start"`
	Chain   string    `json:"chain"`
	At      time.Time `json:"at"`
}

const stateVersion = 1

// readState reads a state file; none is the state of the beginning.
func readState(name string) (state, error) {
	s := state{Version: stateVersion}
	if name == "" {
		return s, nil
	}
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("archive: %w", err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("archive: state file %s is damaged, remove it to read the archive from the beginning: %w", name, err)
	}
	if s.Version != stateVersion || s.Next < s.Start || s.Start < 0 || s.Files < 0 || s.Files == 0 && s.Next != 0 {
		return s, fmt.Errorf("archive: state file %s is not one of this version (%d), remove it to read the archive from the beginning", name, stateVersion)
	}
	return s, nil
}

// fits checks that the walk begins as the state says.
func (s state) fits(name string, files []file) error {
	if s.Files == 0 {
		return nil
	}
	if s.Files <= len(files) && hex.EncodeToString(files[s.Files-1].chain[:]) == s.Chain {
		return nil
	}
	return fmt.Errorf("archive: %w: %s tells of %d files up to %s, of which at least one was added, removed, renamed or written to, or the include patterns are others; restore them, or remove the state file to read everything from the beginning",
		ErrChanged, name, s.Files, s.File)
}

// write makes the state durable: under another name, synchronised, renamed, and the folder synchronised.
func (s state) write(name string) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return writeDurably(name, append(b, '\n'))
}

// writeDurably puts b under name so that a crash leaves the old content or the new one.
func writeDurably(name string, b []byte) error {
	if err := replace(name, b); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

// replace writes b under a temporary name beside name, synchronises it and renames it.
func replace(name string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// syncFolder makes renames in a folder durable.
func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
