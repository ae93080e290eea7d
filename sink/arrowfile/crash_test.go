//go:build unix

package arrowfile

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// envChild tells the test binary to be the process that dies: "folder,first record,batches before death".
const envChild = "ARROWFILE_CRASH_CHILD"

// TestKilledWhileWriting has a child process write batches, say which are acknowledged, and kill itself
// with SIGKILL while the sealer is at work; then the next child goes on from the last acknowledged
// record but one batch, as an uncommitted offset would have it.
func TestKilledWhileWriting(t *testing.T) {
	if spec := os.Getenv(envChild); spec != "" {
		child(t, spec)
		return
	}
	dir := t.TempDir()
	acked := 0
	for life := range 6 {
		spec := fmt.Sprintf("%s,%d,%d", dir, max(0, acked-50), 3+2*life)
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledWhileWriting$", "-test.v")
		cmd.Env = append(os.Environ(), envChild+"="+spec)
		out, err := cmd.CombinedOutput()
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if err == nil || !ok || status.Signal() != syscall.SIGKILL {
			t.Fatalf("the child did not die by SIGKILL: %v\n%s", err, out)
		}
		lines := bufio.NewScanner(strings.NewReader(string(out)))
		for lines.Scan() {
			if n, ok := strings.CutPrefix(lines.Text(), "acked "); ok {
				if acked, err = strconv.Atoi(n); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
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
	if len(got) < acked || len(got) > acked+50 {
		t.Fatalf("%d records on disk, %d acknowledged", len(got), acked)
	}
	sinktest.CheckRecords(t, got, want, sinktest.AllFields)
	if left := leftovers(t, dir); len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}
}

func child(t *testing.T, spec string) {
	parts := strings.Split(spec, ",")
	first, err := strconv.Atoi(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	batches, err := strconv.Atoi(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(Config{Dir: parts[0], MaxRows: 120})
	if err != nil {
		t.Fatal(err)
	}
	m := sinktest.Model(8)
	var report sink.Report
	for i := range batches {
		if err := s.Write(t.Context(), sinktest.Batch(m, first+50*i, 50), &report); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("acked %d\n", first+50*(i+1))
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {} // until the signal arrives
}
