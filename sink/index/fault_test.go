package index

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
	"github.com/galaxalign/galaxalign/sink/internal/disk/disktest"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

var quiet = WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))

// thorough returns the number of draws of a random test: many where GALAXALIGN_THOROUGH is set.
func thorough(few, many uint64) uint64 {
	if os.Getenv("GALAXALIGN_THOROUGH") != "" {
		return many
	}
	return few
}

// scenario writes batches of five, each tried up to tries times, with a rewrite of the log after every
// third, and returns how many records were acknowledged.
func scenario(t *testing.T, x *Index, m *schemas.ModelInfo, batches, tries int) (acked int, last error) {
	t.Helper()
	var report sink.Report
	for i := range batches {
		for range tries {
			if last = x.Write(t.Context(), sinktest.Batch(m, 5*i, 5), &report); last == nil {
				break
			}
		}
		if last != nil {
			return acked, last
		}
		acked += 5
		if i%3 == 2 {
			_ = x.compact() // a failure must cost nothing
		}
	}
	return acked, nil
}

// checkHeld opens the index on a healthy file system and wants every acknowledged record, and nothing
// that was never written.
func checkHeld(t *testing.T, fs disk.FS, cfg Config, acked, total int) {
	t.Helper()
	x := open(t, cfg, WithFS(fs), quiet)
	for i, r := range sinktest.Records(cfg.Model, 0, total) {
		got, err := x.Get(t.Context(), r.ID)
		switch {
		case errors.Is(err, sink.ErrNotFound) && i >= acked:
		case err != nil:
			t.Fatalf("record %d of %d acknowledged: %v", i, acked, err)
		case got[0] != r.Embedding[0] || got[1] != r.Embedding[1]:
			t.Fatalf("record %d has another embedding", i)
		}
	}
	if r := mustWrite(t, x, sinktest.Batch(cfg.Model, 0, total)); len(r.Duplicate) < acked {
		t.Fatalf("%d duplicates of %d acknowledged", len(r.Duplicate), acked)
	}
	if x.Len() != total {
		t.Fatalf("%d records held, want %d", x.Len(), total)
	}
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestEachOperationFailsInTurn(t *testing.T) {
	const batches, total = 9, 45
	for _, forever := range []bool{false, true} {
		for n := 1; ; n++ {
			cfg := Config{Dir: t.TempDir(), Model: sinktest.Model(2)}
			fs := &disktest.FS{}
			ops := 0
			fs.Fail = func(disktest.Op, string) error {
				if ops++; ops == n || forever && ops > n {
					return syscall.ENOSPC
				}
				return nil
			}
			acked := 0
			x, err := Open(cfg, WithFS(fs), quiet)
			if err == nil {
				var last error
				if acked, last = scenario(t, x, cfg.Model, batches, 3); last != nil && !forever {
					t.Fatalf("operation %d failed once and the write did not recover: %v", n, last)
				} else if last != nil && !sink.Retryable(last) {
					t.Fatalf("operation %d: a full disk gives %v, which cannot be retried", n, last)
				}
				if err := x.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			done := ops < n
			fs.Fail = nil
			checkHeld(t, fs, cfg, acked, total)
			if done {
				t.Logf("%d operations, forever %v", n-1, forever)
				break
			}
		}
	}
}

// frozenFrom makes the n-th operation and all after it fail: the disk stays as the first n-1 left it.
func frozenFrom(n int) func(disktest.Op, string) error {
	ops := 0
	return func(disktest.Op, string) error {
		if ops++; ops >= n {
			return syscall.EIO
		}
		return nil
	}
}

// TestPowerIsLostTwice ends the process or the power at the n-th operation, for every n, starts again,
// and takes the power away at an operation drawn at random.
func TestPowerIsLostTwice(t *testing.T) {
	const batches, operations = 9, 70
	draws := thorough(2, 12)
	for n := 1; n <= operations; n++ {
		cfg := Config{Dir: t.TempDir(), Model: sinktest.Model(2)}
		run := func(fs *disktest.FS) (acked int) {
			x, err := Open(cfg, WithFS(fs), quiet)
			if err != nil {
				return 0
			}
			acked, _ = scenario(t, x, cfg.Model, batches, 1)
			if err := x.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			return acked
		}
		fs := &disktest.FS{Fail: frozenFrom(n)}
		acked := run(fs)
		for seed := range draws {
			rng := rand.New(rand.NewPCG(seed, uint64(n)))
			second := fs.ProcessDeath()
			if seed%2 == 0 {
				second = fs.PowerLoss(cfg.Dir, rng)
			}
			second.Fail = frozenFrom(1 + rng.IntN(20))
			again := run(second)
			checkHeld(t, second.PowerLoss(cfg.Dir, rng), cfg, max(acked, again), 5*batches)
		}
	}
}

// TestARewriteThatMayHaveStayed fails a rewrite of the log after its rename, and the removal of what it
// left: writing to the old log from then on would be lost, because the next Open takes the newer one.
func TestARewriteThatMayHaveStayed(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Model: sinktest.Model(2)}
	fs := &disktest.FS{}
	x := open(t, cfg, WithFS(fs), quiet)
	mustWrite(t, x, sinktest.Batch(cfg.Model, 0, 10))
	fs.Fail = func(op disktest.Op, _ string) error {
		if op == disktest.OpSyncDir || op == disktest.OpRemove {
			return syscall.EIO
		}
		return nil
	}
	if err := x.compact(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("error %v, want EIO", err)
	}
	var report sink.Report
	if err := x.Write(t.Context(), sinktest.Batch(cfg.Model, 10, 10), &report); !sink.Retryable(err) {
		t.Fatalf("error %v, want one to be retried until a rewrite succeeds", err)
	}
	fs.Fail = nil
	mustWrite(t, x, sinktest.Batch(cfg.Model, 10, 10))
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkHeld(t, fs, cfg, 20, 20)
}

func TestLossOfPower(t *testing.T) {
	for seed := range thorough(60, 1000) {
		rng := rand.New(rand.NewPCG(seed, 11))
		cfg := Config{Dir: t.TempDir(), Model: sinktest.Model(2)}
		fs := &disktest.FS{}
		rate := 5 + rng.IntN(40)
		fs.Fail = func(disktest.Op, string) error {
			if rng.IntN(rate) == 0 {
				return syscall.EIO
			}
			return nil
		}
		batches, acked := 1+rng.IntN(12), 0
		x, err := Open(cfg, WithFS(fs), quiet)
		if err == nil {
			acked, _ = scenario(t, x, cfg.Model, batches, 10)
			if err := x.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			checkHeld(t, fs.PowerLoss(cfg.Dir, rng), cfg, acked, 5*batches)
		})
	}
}
