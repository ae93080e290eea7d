//go:build unix

package index

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
const envChild = "INDEX_CRASH_CHILD"

// TestKilledWhileWriting has a child process write batches, say which are acknowledged, and kill itself
// with SIGKILL, over several lives.
func TestKilledWhileWriting(t *testing.T) {
	if spec := os.Getenv(envChild); spec != "" {
		child(t, spec)
		return
	}
	dir := t.TempDir()
	acked := 0
	for life := range 4 {
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
	m := sinktest.Model(8)
	x := open(t, Config{Dir: parts[0], Model: m})
	var report sink.Report
	for i := range batches {
		if err := x.Write(t.Context(), sinktest.Batch(m, first+50*i, 50), &report); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("acked %d\n", first+50*(i+1))
		if i == batches/2 {
			if err := x.compact(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {} // until the signal arrives
}
