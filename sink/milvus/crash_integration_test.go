//go:build integration

package milvus

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// script drives the local Milvus server of a folder.
func script(t *testing.T, verb, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("../../deploy/local/milvus.sh", append([]string{verb, dir}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("milvus.sh %s: %v\n%s", verb, err, out)
	}
}

// A server is killed while batches are written to it and started again on its data. The sink goes on
// with the connection it has, and every row that was ever acknowledged is there, once.
func TestRealServerKilledWhileWriting(t *testing.T) {
	port := os.Getenv("GALAXALIGN_MILVUS_CRASH")
	if port == "" {
		t.Skip("GALAXALIGN_MILVUS_CRASH is not set: give the first of twelve free ports for a server of this test's own")
	}
	const rows, killAfter, goOnFor = 50, 25, 10
	dir := t.TempDir()
	script(t, "start", dir, port)
	t.Cleanup(func() { script(t, "stop", dir, "--kill", "--wipe") })

	m := sinktest.Model(128)
	cfg := Config{Address: "127.0.0.1:" + port, Timeout: 5 * time.Second}
	s := open(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	midway, restarted := make(chan struct{}), make(chan struct{})
	batches, failed := 0, 0
	var writer sync.WaitGroup
	writer.Go(func() {
		var r sink.Report
		for left := goOnFor; left > 0 && ctx.Err() == nil; batches++ {
			for b := sinktest.Batch(m, batches*rows, rows); s.Write(ctx, b, &r) != nil && ctx.Err() == nil; {
				failed++
			}
			if batches == killAfter {
				close(midway)
			}
			select {
			case <-restarted:
				left--
			default:
			}
		}
	})
	<-midway
	script(t, "stop", dir, "--kill")
	script(t, "start", dir, port)
	close(restarted)
	writer.Wait()
	if ctx.Err() != nil {
		t.Fatal("the batches were not acknowledged in time")
	}
	if failed == 0 {
		t.Error("no write failed: the server was not killed in the middle")
	}
	t.Logf("%d batches acknowledged, %d writes failed and were tried again", batches, failed)
	store := table{cfg: cfg, model: m, await: waitReady}
	start := time.Now()
	waitReady(t, s.Searcher(m))
	t.Logf("ready %v after the last write", time.Since(start).Round(time.Second))
	wantCount(t, s.Searcher(m), int64(batches*rows))
	sinktest.CheckRecords(t, store.Read(t), sinktest.Records(m, 0, batches*rows), kept.Fields)
}
