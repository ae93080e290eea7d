package sinktest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/galaxalign/galaxalign/sink"
)

// LifeBatch is the number of records in each batch that a life writes: what may be on disk beyond the
// last acknowledgement.
const LifeBatch = 50

// lifeEnv tells a child process of Lives what to write.
const lifeEnv = "GALAXALIGN_SINKTEST_LIFE"

// life is the work of one child process.
type life struct {
	Dir            string
	First, Batches int
}

// Lives has child processes write records of Model(8), one process after the other into the folder dir.
// Each goes on from the last acknowledged batch but one, as an uncommitted offset would have it, writes 3,
// 5, 7, ... batches and kills itself with SIGKILL. open opens the sink in the child; after is called there
// after batch i of n. Lives returns the number of records acknowledged. The child runs the calling test
// again, so the test must do nothing before it calls Lives.
func Lives(t *testing.T, lives int, open func(dir string) sink.Sink, after func(s sink.Sink, i, n int)) (dir string, acked int) {
	t.Helper()
	if spec := os.Getenv(lifeEnv); spec != "" {
		live(t, spec, open, after)
	}
	dir = t.TempDir()
	for n := range lives {
		spec, err := json.Marshal(life{dir, max(0, acked-LifeBatch), 3 + 2*n})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), lifeEnv+"="+string(spec))
		out, err := cmd.CombinedOutput()
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if err == nil || !ok || status.Signal() != syscall.SIGKILL {
			t.Fatalf("the child did not die by SIGKILL: %v\n%s", err, out)
		}
		acked = lastAcknowledged(t, string(out), acked)
	}
	return dir, acked
}

// lastAcknowledged reads how many records a child had acknowledged when it died.
func lastAcknowledged(t *testing.T, out string, acked int) int {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		if n, ok := strings.CutPrefix(lines.Text(), "acked "); ok {
			var err error
			if acked, err = strconv.Atoi(n); err != nil {
				t.Fatal(err)
			}
		}
	}
	return acked
}

// live is the child: it does not return.
func live(t *testing.T, spec string, open func(dir string) sink.Sink, after func(s sink.Sink, i, n int)) {
	var work life
	if err := json.Unmarshal([]byte(spec), &work); err != nil {
		t.Fatal(err)
	}
	s := open(work.Dir)
	m := Model(8)
	var report sink.Report
	for i := range work.Batches {
		if err := s.Write(t.Context(), Batch(m, work.First+LifeBatch*i, LifeBatch), &report); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("acked %d\n", work.First+LifeBatch*(i+1))
		after(s, i, work.Batches)
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Kill(); err != nil {
		t.Fatal(err)
	}
	select {} // until the signal arrives
}
