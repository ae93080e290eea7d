//go:build unix

package index

import (
	"testing"

	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// TestKilledWhileWriting has child processes write batches, rewrite the log in between, and die by
// SIGKILL.
func TestKilledWhileWriting(t *testing.T) {
	dir, acked := sinktest.Lives(t, 4, func(dir string) sink.Sink {
		return open(t, Config{Dir: dir, Model: sinktest.Model(8)})
	}, func(s sink.Sink, i, n int) {
		if i == n/2 {
			if err := s.(*Index).compact(); err != nil {
				t.Fatal(err)
			}
		}
	})
	if acked < 200 {
		t.Fatalf("only %d records acknowledged over four lives", acked)
	}
	checkHeldOnDisk(t, Config{Dir: dir, Model: sinktest.Model(8)}, acked)
}

func checkHeldOnDisk(t *testing.T, cfg Config, acked int) {
	t.Helper()
	x := open(t, cfg)
	defer x.Close(t.Context())
	if r := mustWrite(t, x, sinktest.Batch(cfg.Model, 0, acked)); len(r.Duplicate) != acked {
		t.Fatalf("%d of %d acknowledged records are held", len(r.Duplicate), acked)
	}
}
