package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
	"github.com/galaxalign/galaxalign/sink/internal/disk/disktest"
)

// frame makes a frame with that payload.
func frame(payload string) []byte {
	return append(make([]byte, disk.HeadSize), payload...)
}

// scan reads every payload of a log.
func scan(fs disk.FS, path string) (payloads []string, err error) {
	_, err = disk.ScanFile(fs, path, func(p []byte) error {
		payloads = append(payloads, string(p))
		return nil
	})
	return payloads, err
}

func mustCreate(t testing.TB, fs disk.FS, path string) *disk.Log {
	t.Helper()
	if err := fs.MkdirAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	l, err := disk.CreateLog(fs, path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLogOnTheRealDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := mustCreate(t, disk.OS{}, path)
	want := []string{"", "a", strings.Repeat("b", 100_000)}
	for _, p := range want {
		if err := l.Append(frame(p)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := disk.OpenLog(disk.OS{}, path, l.Size())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(frame("after")); err != nil {
		t.Fatal(err)
	}
	got, err := scan(disk.OS{}, path)
	if err != nil || strings.Join(got, "|") != strings.Join(append(want, "after"), "|") {
		t.Fatalf("read %d payloads (%v), want %d", len(got), err, len(want)+1)
	}
	if _, err := disk.CreateLog(disk.OS{}, path); !errors.Is(err, os.ErrExist) {
		t.Fatalf("creating over a log: error %v, want ErrExist", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// logBytes returns three frames and where each ends.
func logBytes() (data []byte, ends []int) {
	for _, p := range []string{"first", "the second", "third!"} {
		f := frame(p)
		disk.SealFrame(f)
		data = append(data, f...)
		ends = append(ends, len(data))
	}
	return data, ends
}

func TestTornTailAtEveryByte(t *testing.T) {
	data, ends := logBytes()
	for n := range len(data) + 1 {
		want := 0
		for _, e := range ends {
			if e <= n {
				want++
			}
		}
		got := 0
		good, err := disk.Scan("log", bytes.NewReader(data), int64(n), func([]byte) error { got++; return nil })
		if err != nil || got != want || want > 0 && good != int64(ends[want-1]) {
			t.Fatalf("cut at %d: %d frames, good to %d, %v; want %d", n, got, good, err, want)
		}
	}
}

func TestDamageAtEveryByte(t *testing.T) {
	data, ends := logBytes()
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 0x40
		got := 0
		_, err := disk.Scan("log", bytes.NewReader(bad), int64(len(bad)), func([]byte) error { got++; return nil })
		var damage *disk.DamageError
		switch {
		case i >= ends[1]: // in the last frame: looks like a torn tail
			if err != nil || got != 2 {
				t.Fatalf("byte %d: %d frames, %v; want two and no error", i, got, err)
			}
		case !errors.As(err, &damage):
			t.Fatalf("byte %d: %d frames, error %v, want a DamageError", i, got, err)
		case damage.Position > int64(i) || damage.Next <= int64(i):
			t.Fatalf("byte %d: damage reported from %d to %d", i, damage.Position, damage.Next)
		}
	}
}

// TestFailuresLoseNothing draws which operations fail and checks, also after a loss of power, that what
// was acknowledged is there in order and that anything else was at least written.
func TestFailuresLoseNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		rng := rand.New(rand.NewPCG(seed, 1))
		rate := rapid.IntRange(2, 12).Draw(rt, "one operation in")
		fs := &disktest.FS{}
		l := mustCreate(t, fs, "/d/log-0")
		paths := []string{"/d/log-0"}
		var acked []string
		fs.Fail = func(op disktest.Op, path string) error {
			if rng.IntN(rate) == 0 {
				return syscall.EIO
			}
			return nil
		}
		for i := range rapid.IntRange(1, 40).Draw(rt, "appends") {
			payload := fmt.Sprintf("payload %d", i)
			for range 20 {
				if l.Broken() {
					path := fmt.Sprintf("/d/log-%d", len(paths))
					next, err := disk.CreateLog(fs, path)
					if err != nil {
						continue
					}
					l, paths = next, append(paths, path)
				}
				if l.Append(frame(payload)) == nil {
					acked = append(acked, payload)
					break
				}
			}
		}
		fs.Fail = nil
		after := fs.PowerLoss("/d", rng)
		for name, state := range map[string]*disktest.FS{"as it is": fs, "after a loss of power": after} {
			checkAcked(rt, name, state, paths, acked)
		}
	})
}

func checkAcked(rt *rapid.T, name string, fs *disktest.FS, paths, acked []string) {
	rt.Helper()
	var all []string
	for _, path := range paths {
		got, err := scan(fs, path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			rt.Fatalf("%s: %v", name, err)
		}
		all = append(all, got...)
	}
	k := 0
	for _, p := range all {
		if k < len(acked) && p == acked[k] {
			k++
		}
	}
	if k < len(acked) {
		rt.Fatalf("%s: %q was acknowledged and is gone or out of order: %q", name, acked[k], all)
	}
}

func TestAFullDiskLeavesTheLogAsItWas(t *testing.T) {
	fs := &disktest.FS{}
	l := mustCreate(t, fs, "/d/log")
	if err := l.Append(frame("one")); err != nil {
		t.Fatal(err)
	}
	size := l.Size()
	fs.Fail = func(op disktest.Op, _ string) error {
		if op == disktest.OpWrite {
			return syscall.ENOSPC
		}
		return nil
	}
	err := l.Append(frame("two"))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "/d/log") {
		t.Fatalf("error %v, want ENOSPC with the path", err)
	}
	if n, _ := fs.Size("/d/log"); n != size || l.Broken() {
		t.Fatalf("the file has %d bytes, want %d; broken %v", n, size, l.Broken())
	}
	fs.Fail = nil
	if err := l.Append(frame("two")); err != nil {
		t.Fatal(err)
	}
	if got, err := scan(fs, "/d/log"); err != nil || strings.Join(got, "|") != "one|two" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestAFailedSyncClosesTheLog(t *testing.T) {
	fs := &disktest.FS{}
	l := mustCreate(t, fs, "/d/log")
	fs.Fail = func(op disktest.Op, _ string) error {
		if op == disktest.OpSync {
			return syscall.EIO
		}
		return nil
	}
	if err := l.Append(frame("lost")); !errors.Is(err, syscall.EIO) || !l.Broken() {
		t.Fatalf("error %v, broken %v: want EIO and a broken log", err, l.Broken())
	}
	fs.Fail = nil
	if err := l.Append(frame("more")); !errors.Is(err, disk.ErrBroken) {
		t.Fatalf("error %v, want ErrBroken: a later sync may lie", err)
	}
}

func TestReplaceIsAllOrNothing(t *testing.T) {
	for fail := 0; ; fail++ {
		fs := &disktest.FS{}
		if err := fs.MkdirAll("/d"); err != nil {
			t.Fatal(err)
		}
		content := func(text string) func(disk.File) error {
			return func(f disk.File) error { _, err := f.Write([]byte(text)); return err }
		}
		if err := disk.Replace(fs, "/d/tmp", "/d/file", content("old")); err != nil {
			t.Fatal(err)
		}
		ops := 0
		fs.Fail = func(op disktest.Op, _ string) error {
			if ops++; ops == fail+1 {
				return syscall.EIO
			}
			return nil
		}
		err := disk.Replace(fs, "/d/tmp", "/d/file", content("new"))
		if fail >= ops { // nothing was left to fail
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		if err == nil {
			t.Fatalf("operation %d failed and Replace did not", fail)
		}
		for seed := range uint64(50) {
			state := fs.PowerLoss("/d", rand.New(rand.NewPCG(seed, 2)))
			f, err := state.OpenFile("/d/file", os.O_RDONLY)
			if err != nil {
				t.Fatalf("operation %d failed and the file is gone: %v", fail, err)
			}
			buf := make([]byte, 8)
			n, _ := f.Read(buf)
			if got := string(buf[:n]); got != "old" && got != "new" {
				t.Fatalf("operation %d failed and the file holds %q", fail, got)
			}
		}
		if _, err := fs.Size("/d/tmp"); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("operation %d failed and the temporary file stays", fail)
		}
	}
}

func TestLockNamesItsHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	l, err := disk.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := disk.LockDir(dir); !errors.Is(err, disk.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("error %v, want ErrLocked with folder and process", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	l, err = disk.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestModelDirIsPlain(t *testing.T) {
	for _, c := range []struct {
		name, version, hash, want string
	}{
		{"starter", "1.2.0", "0123456789abcdef", "starter-1.2.0-0123456789ab"},
		{"../../etc", "v 1/2", "ab", "etc-v_1_2-ab"},
		{"_hidden", ".", "", "hidden-x-x"},
		{"星系", strings.Repeat("9", 100), "0", "x-" + strings.Repeat("9", 64) + "-0"},
	} {
		got := disk.ModelDir(&schemas.ModelInfo{Name: c.name, Version: c.version, Hash: c.hash})
		if got != c.want {
			t.Errorf("%q %q %q: %s, want %s", c.name, c.version, c.hash, got, c.want)
		}
	}
}

// FuzzScan feeds a log of any bytes: no panic, no frame that is not whole, and what was good can be
// scanned again.
func FuzzScan(f *testing.F) {
	data, _ := logBytes()
	f.Add(data)
	f.Add(data[:len(data)-3])
	f.Add(append(bytes.Repeat([]byte{0}, 7), data...))
	f.Fuzz(func(t *testing.T, data []byte) {
		var again []byte
		good, err := disk.Scan("log", bytes.NewReader(data), int64(len(data)), func(p []byte) error {
			fr := frame(string(p))
			disk.SealFrame(fr)
			again = append(again, fr...)
			return nil
		})
		if !bytes.Equal(again, data[:good]) {
			t.Fatalf("the frames read are not the first %d bytes", good)
		}
		var damage *disk.DamageError
		if err != nil && !errors.As(err, &damage) {
			t.Fatalf("error %v", err)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	l := mustCreate(b, disk.OS{}, filepath.Join(b.TempDir(), "log"))
	defer l.Close()
	f := frame(strings.Repeat("x", 1<<20))
	b.SetBytes(1 << 20)
	for b.Loop() {
		if err := l.Append(f); err != nil {
			b.Fatal(err)
		}
	}
}
