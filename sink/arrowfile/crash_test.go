//go:build unix

package arrowfile

import (
	"testing"

	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// TestKilledWhileWriting has child processes write batches and die by SIGKILL while the sealer is at work.
func TestKilledWhileWriting(t *testing.T) {
	dir, acked := sinktest.Lives(t, 6, func(dir string) sink.Sink {
		s, err := Open(Config{Dir: dir, MaxRows: 120})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, func(sink.Sink, int, int) {})
	if acked < 300 {
		t.Fatalf("only %d records acknowledged over six lives", acked)
	}
	s := open(t, Config{Dir: dir})
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, dir)
	// The batch that was being written at the last death may be there or not.
	want := sinktest.Records(sinktest.Model(8), 0, len(got))
	if len(got) < acked || len(got) > acked+sinktest.LifeBatch {
		t.Fatalf("%d records on disk, %d acknowledged", len(got), acked)
	}
	sinktest.CheckRecords(t, got, want, sinktest.AllFields)
	if left := leftovers(t, dir); len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}
}
