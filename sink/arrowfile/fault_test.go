package arrowfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
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

// thorough returns the number of draws of a random test: many where GALAXALIGN_THOROUGH is set.
func thorough(few, many uint64) uint64 {
	if os.Getenv("GALAXALIGN_THOROUGH") != "" {
		return many
	}
	return few
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

// frozenFrom makes the n-th operation and all after it fail: the disk stays as the first n-1 left it.
func frozenFrom(n int64) func(disktest.Op, string) error {
	var ops atomic.Int64
	return func(disktest.Op, string) error {
		if ops.Add(1) >= n {
			return syscall.EIO
		}
		return nil
	}
}

// TestPowerIsLostTwice ends the process or the power at the n-th operation, for every n, starts again,
// and takes the power away at an operation drawn at random, often within the recovery.
func TestPowerIsLostTwice(t *testing.T) {
	const batches, operations = 9, 60
	draws := thorough(2, 12)
	m := sinktest.Model(2)
	for n := int64(1); n <= operations; n++ {
		dir := t.TempDir()
		cfg := Config{Dir: dir, MaxRows: 12}
		fs := &disktest.FS{Fail: frozenFrom(n)}
		acked := 0
		if s, err := Open(cfg, WithFS(fs), quiet); err == nil {
			acked, _ = scenario(t.Context(), s, m, batches, 1)
			if err := s.Abandon(); err != nil {
				t.Fatal(err)
			}
		}
		for seed := range draws {
			rng := rand.New(rand.NewPCG(seed, uint64(n)))
			second := fs.ProcessDeath()
			if seed%2 == 0 {
				second = fs.PowerLoss(dir, rng)
			}
			second.Fail = frozenFrom(1 + rng.Int64N(20))
			ackedNow := acked
			if s, err := Open(cfg, WithFS(second), quiet); err == nil {
				again, _ := scenario(t.Context(), s, m, batches, 1)
				ackedNow = max(acked, again)
				if err := s.Abandon(); err != nil {
					t.Fatal(err)
				}
			}
			checkExactlyOnce(t, second.PowerLoss(dir, rng), dir, m, ackedNow, 5*batches)
			if t.Failed() {
				t.Fatalf("power lost at operation %d, seed %d", n, seed)
			}
		}
	}
}

// TestABatchThatCouldNotBeTakenBack leaves a whole batch behind that was not acknowledged (its sync
// failed, and so did cutting it off), has it written again to the next segment, and lets the process
// die: recovery finds the batch twice.
func TestABatchThatCouldNotBeTakenBack(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(2)
	fs := &disktest.FS{}
	s := open(t, Config{Dir: dir}, WithFS(fs), quiet)
	mustWrite(t, s, sinktest.Batch(m, 0, 5))
	fs.SetFail(func(op disktest.Op, path string) error {
		if strings.HasSuffix(path, openExtension) && (op == disktest.OpSync || op == disktest.OpTruncate) {
			return syscall.EIO
		}
		return nil
	})
	var report sink.Report
	if err := s.Write(t.Context(), sinktest.Batch(m, 5, 5), &report); !errors.Is(err, syscall.EIO) {
		t.Fatalf("error %v, want EIO", err)
	}
	fs.SetFail(func(_ disktest.Op, path string) error { // nothing is sealed before the process dies
		if strings.HasSuffix(path, sealingSuffix) {
			return syscall.EIO
		}
		return nil
	})
	mustWrite(t, s, sinktest.Batch(m, 5, 5))
	mustWrite(t, s, sinktest.Batch(m, 8, 7))
	if err := s.Abandon(); err != nil {
		t.Fatal(err)
	}
	fs.SetFail(nil)
	checkExactlyOnce(t, fs, dir, m, 15, 15)
}

// TestLossOfPower draws failures and the moment the power goes, many times over.
func TestLossOfPower(t *testing.T) {
	for seed := range thorough(60, 1000) {
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
