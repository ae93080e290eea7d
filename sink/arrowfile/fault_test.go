package arrowfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/ipc"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
	"github.com/galaxalign/galaxalign/sink/internal/disk/disktest"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

var quiet = WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))

// readAllFS decodes every sealed file of a file system in memory.
func readAllFS(t *testing.T, fs disk.FS, dir string) []schemas.Record {
	t.Helper()
	entries, err := fs.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []schemas.Record
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			out = append(out, readAllFS(t, fs, path)...)
		} else if strings.HasSuffix(path, ".arrow") {
			out = append(out, readFileFS(t, fs, path)...)
		}
	}
	return out
}

func readFileFS(t *testing.T, fs disk.FS, path string) (out []schemas.Record) {
	t.Helper()
	err := withFile(fs, path, func(r Reader) error {
		f, err := ipc.NewFileReader(r)
		if err != nil {
			return err
		}
		for i := range f.NumRecords() {
			rec, err := f.RecordAt(i)
			if err != nil {
				return err
			}
			if out, err = schemas.DecodeArrow(rec, out); err != nil {
				return err
			}
		}
		return f.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// scenario writes batches of five until stop says so, trying each up to tries times, and returns the
// number of records acknowledged: they are always the first ones.
func scenario(ctx context.Context, s *Sink, m *schemas.ModelInfo, batches, tries int) (acked int, last error) {
	var report sink.Report
	for i := range batches {
		for range tries {
			if last = s.Write(ctx, sinktest.Batch(m, 5*i, 5), &report); last == nil {
				break
			}
			awaitSealer(s)
		}
		if last != nil {
			return acked, last
		}
		acked += 5
	}
	return acked, nil
}

// awaitSealer waits for another attempt of the sealer when it is what stops the writer.
func awaitSealer(s *Sink) {
	s.mu.Lock()
	attempt, stopped := s.attempt, len(s.waiting) >= maxUnsealed
	s.signal()
	s.mu.Unlock()
	if stopped {
		<-attempt
	}
}

// checkExactlyOnce opens the folder on a healthy file system, writes everything again, and wants each
// record once.
func checkExactlyOnce(t *testing.T, fs *disktest.FS, dir string, m *schemas.ModelInfo, acked, total int) {
	t.Helper()
	s := open(t, Config{Dir: dir, MaxRows: 12}, WithFS(fs), quiet)
	var report sink.Report
	if err := s.Write(t.Context(), sinktest.Batch(m, 0, total), &report); err != nil {
		t.Fatal(err)
	}
	known := map[int]bool{}
	for _, i := range report.Duplicate {
		known[i] = true
	}
	for i := range acked {
		if !known[i] {
			t.Fatalf("record %d was acknowledged and has to be written again", i)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	sinktest.CheckRecords(t, readAllFS(t, fs, dir), sinktest.Records(m, 0, total), sinktest.AllFields)
	s = open(t, Config{Dir: dir}, WithFS(fs), quiet)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkTidy(t, fs, dir)
}

// checkTidy wants no segment and no unfinished file.
func checkTidy(t *testing.T, fs disk.FS, dir string) {
	t.Helper()
	entries, err := fs.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			checkTidy(t, fs, filepath.Join(dir, e.Name()))
		} else if strings.HasPrefix(e.Name(), openPrefix) {
			t.Fatalf("%s was left in %s", e.Name(), dir)
		}
	}
}

// TestEachOperationFailsInTurn lets the n-th operation on the disk fail, once, or it and all after it,
// for every n that a run of rotations, seals and a restart has, and then has the process die.
func TestEachOperationFailsInTurn(t *testing.T) {
	const batches, total = 9, 45
	for _, forever := range []bool{false, true} {
		for n := int64(1); ; n++ {
			dir, m := t.TempDir(), sinktest.Model(2)
			fs := &disktest.FS{}
			var ops atomic.Int64
			fs.Fail = func(disktest.Op, string) error {
				if k := ops.Add(1); k == n || forever && k > n {
					return syscall.ENOSPC
				}
				return nil
			}
			acked := 0
			s, err := Open(Config{Dir: dir, MaxRows: 12}, WithFS(fs), quiet)
			if err == nil {
				tries := 3
				var last error
				if acked, last = scenario(t.Context(), s, m, batches, tries); last != nil && !forever {
					t.Fatalf("operation %d failed once and the write did not recover: %v", n, last)
				} else if last != nil && !sink.Retryable(last) {
					t.Fatalf("operation %d: a full disk gives %v, which cannot be retried", n, last)
				}
				if err := s.Abandon(); err != nil {
					t.Fatal(err)
				}
			}
			done := ops.Load() < n
			fs.Fail = nil
			checkExactlyOnce(t, fs, dir, m, acked, total)
			if done {
				t.Logf("%d operations, forever %v", n-1, forever)
				break
			}
		}
	}
}

// TestLossOfPower draws failures and the moment the power goes, many times over.
func TestLossOfPower(t *testing.T) {
	runs := uint64(120)
	if testing.Short() {
		runs = 30
	}
	for seed := range runs {
		rng := rand.New(rand.NewPCG(seed, 9))
		dir, m := t.TempDir(), sinktest.Model(2)
		fs := &disktest.FS{}
		rate := 8 + rng.IntN(60)
		failRNG := rand.New(rand.NewPCG(seed, 10))
		fs.Fail = func(disktest.Op, string) error {
			if failRNG.IntN(rate) == 0 {
				return syscall.EIO
			}
			return nil
		}
		acked := 0
		batches := 1 + rng.IntN(12)
		s, err := Open(Config{Dir: dir, MaxRows: 12}, WithFS(fs), quiet)
		if err == nil {
			acked, _ = scenario(t.Context(), s, m, batches, 10)
		}
		after := fs.PowerLoss(dir, rng)
		if err == nil {
			if err := s.Abandon(); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			checkExactlyOnce(t, after, dir, m, acked, 5*batches)
		})
	}
}

// TestADiskThatTakesNoFilesStopsTheWriter lets appends through and no seal: segments must not pile up.
func TestADiskThatTakesNoFilesStopsTheWriter(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(2)
	fs := &disktest.FS{}
	var broken atomic.Bool
	broken.Store(true)
	fs.Fail = func(op disktest.Op, path string) error {
		if broken.Load() && strings.HasSuffix(path, sealingSuffix) {
			return syscall.EDQUOT
		}
		return nil
	}
	s := open(t, Config{Dir: dir, MaxRows: 5}, WithFS(fs), quiet)
	acked, err := scenario(t.Context(), s, m, 50, 1)
	if !errors.Is(err, syscall.EDQUOT) || !sink.Retryable(err) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("error %v, want EDQUOT with the path", err)
	}
	if acked != 5*maxUnsealed {
		t.Fatalf("%d records acknowledged before the writer stopped, want %d", acked, 5*maxUnsealed)
	}
	broken.Store(false)
	s.signal()
	f, err := sink.NewFanout(sink.FanoutConfig{}, s)
	if err != nil {
		t.Fatal(err)
	}
	var result sink.Result
	if err := f.Write(t.Context(), sinktest.Batch(m, 0, 50), &result); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	sinktest.CheckRecords(t, readAllFS(t, fs, dir), sinktest.Records(m, 0, 50), sinktest.AllFields)
}

// TestCloseWithoutTimeLeavesSegmentsForTheNextOpen ends the context before anything is sealed.
func TestCloseWithoutTimeLeavesSegmentsForTheNextOpen(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(2)
	s := open(t, Config{Dir: dir})
	if _, err := scenario(t.Context(), s, m, 4, 1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want Canceled", err)
	}
	if n := len(readAll(t, dir)); n != 0 {
		t.Fatalf("%d records visible, want none yet", n)
	}
	s = open(t, Config{Dir: dir})
	sinktest.CheckRecords(t, readAll(t, dir), sinktest.Records(m, 0, 20), sinktest.AllFields)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
