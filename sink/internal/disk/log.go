package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// HeadSize is the number of bytes in front of a frame's payload: magic, payload length and CRC-32C of
// length and payload, each a little-endian uint32.
const HeadSize = 12

const (
	frameMagic = 0x31465847 // "GXF1" in the file
	// maxFrame bounds what a damaged length can make a reader allocate; a record batch stays far below.
	maxFrame = 1 << 30
)

// ErrBroken says that the log can take no more frames because what a failed write left could not be
// taken back. What was acknowledged before is safe.
var ErrBroken = errors.New("the log is closed to writing after a failed write")

// Log is an append-only file of frames. It is not safe for concurrent use.
//
// Steps of Append: write the frame behind the last good one, sync, acknowledge. When a step fails, the
// file is cut back to its last good length, so that the same frame can be tried again. After a failed
// sync the log also closes itself to writing, because the system may have dropped the dirty pages and
// would report the next sync of the same file as a success.
type Log struct {
	fs     FS
	path   string
	f      File
	good   int64 // length of the acknowledged frames
	broken bool
}

// CreateLog makes an empty log that must not exist yet, and makes its name durable.
func CreateLog(fs FS, path string) (*Log, error) {
	f, err := fs.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR)
	if err != nil {
		return nil, err
	}
	if err := fs.SyncDir(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, f.Close(), fs.Remove(path))
	}
	return &Log{fs: fs, path: path, f: f}, nil
}

// OpenLog opens a log to append to it, cutting off what lies behind good, which Scan returned.
func OpenLog(fs FS, path string, good int64) (*Log, error) {
	f, err := fs.OpenFile(path, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	l := &Log{fs: fs, path: path, f: f, good: good}
	if err := l.rollback(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// Path returns the path of the file.
func (l *Log) Path() string { return l.path }

// Size returns the length of the acknowledged frames in bytes.
func (l *Log) Size() int64 { return l.good }

// Broken reports whether the log has closed itself to writing.
func (l *Log) Broken() bool { return l.broken }

// Append makes a frame durable. frame is HeadSize bytes for the log to fill, then the payload. On an
// error nothing was acknowledged and the frame can be tried again, here or, when Broken, on a new log.
func (l *Log) Append(frame []byte) error {
	if l.broken {
		return fmt.Errorf("%s: %w", l.path, ErrBroken)
	}
	if n := len(frame) - HeadSize; n < 0 || n > maxFrame {
		return fmt.Errorf("%s: a frame of %d bytes: want at most %d", l.path, n, maxFrame)
	}
	SealFrame(frame)
	if _, err := l.f.Write(frame); err != nil {
		if back := l.rollback(); back != nil {
			l.broken = true
			return fmt.Errorf("%w (and cutting the file back failed: %w)", err, back)
		}
		return err
	}
	if err := l.f.Sync(); err != nil {
		l.broken = true
		return errors.Join(err, l.rollback())
	}
	l.good += int64(len(frame))
	return nil
}

// rollback cuts the file to its last good length.
func (l *Log) rollback() error {
	if err := l.f.Truncate(l.good); err != nil {
		return err
	}
	_, err := l.f.Seek(l.good, io.SeekStart)
	return err
}

// Reader reads the acknowledged frames from the start. It stays valid while the log is open.
func (l *Log) Reader() *Reader { return NewReader(l.path, l.f, l.good) }

// Close closes the file.
func (l *Log) Close() error { return l.f.Close() }

// SealFrame fills the head of a frame whose payload starts at HeadSize.
func SealFrame(frame []byte) {
	binary.LittleEndian.PutUint32(frame[0:], frameMagic)
	binary.LittleEndian.PutUint32(frame[4:], uint32(len(frame)-HeadSize))
	binary.LittleEndian.PutUint32(frame[8:], checksum(frame[4:8], frame[HeadSize:]))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(length, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, payload)
}
