package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest/simulate"
)

const stopConfig = `
source: {survey: simulated, kafka: {brokers: [%q], topics: [cutouts], group: stop, session_timeout: 1s}}
models: [{bundle: %q}]
pipeline: {drain_timeout: %s}
sinks: {arrow: {dir: %q}%s}
dead_letters: {topic: cutouts-dead}
http: {listen: 127.0.0.1:0}
log: {level: error}
`

// deaf is the address of something that takes connections and never answers.
func deaf(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// TestStopWithoutASink stops runs whose Milvus does not answer. The first has a second to finish and gives
// back what it cannot; the next would wait for long but is told twice; the last has no such sink, and
// finds every message where the others left it.
func TestStopWithoutASink(t *testing.T) {
	dir, model := t.TempDir(), starterBundle(t)
	broker := embeddedBroker(t, map[string]int32{"cutouts": 2, "cutouts-dead": 1})
	sent := mixed(skies(t, simulate.Config{Seed: 6, Size: 32, Distinct: 10}, 200))
	publish(t, []string{broker}, "cutouts", sent.messages)
	config := func(name, drain, more string) string {
		return save(t, dir, name, fmt.Appendf(nil, stopConfig, broker, model.Dir, drain, filepath.Join(dir, "arrow"), more))
	}
	milvus := fmt.Sprintf(", milvus: {address: %q}", deaf(t))
	stopGivingBack(t, config("given.yaml", "1s", milvus))
	stopTwice(t, config("twice.yaml", "10m", milvus))

	c := start(t, "run", "-c", config("whole.yaml", "20s", ""))
	drained(t, c.page(t), len(sent.messages))
	if status := c.stop(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	sameObjects(t, "Arrow", distinct(t, "Arrow", readArrow(t, filepath.Join(dir, "arrow")), 64), sent.good)
	checkLetters(t, broker, "cutouts-dead", "cutouts", sent.damaged)
}

// waiting starts a run and lets it get as far as the sink.
func waiting(t *testing.T, cfg string) *child {
	t.Helper()
	c := start(t, "run", "-c", cfg)
	address := c.page(t)
	await(t, time.Minute, "messages to be in flight", func() bool {
		m, err := scrape(address)
		if err != nil {
			t.Fatal(err)
		}
		return m.stage("classified") > 0
	})
	return c
}

// stopGivingBack stops a run that has a second to drain.
func stopGivingBack(t *testing.T, cfg string) {
	t.Helper()
	c := waiting(t, cfg)
	began := time.Now()
	status := c.stop(t)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("stopped after %s, had 1 s to drain", took)
	}
	a := readAccount(t, c.stdout.String())
	t.Logf("exit status %d, %+v", status, a)
	if a.written != 0 || a.givenBack == 0 {
		t.Errorf("the account is %+v", a)
	}
	contains(t, c.stdout.String(), "will be read again by the next run")
}

// stopTwice asks a run that would drain for long to stop, until it has ended.
func stopTwice(t *testing.T, cfg string) {
	t.Helper()
	c := waiting(t, cfg)
	for told := 1; ; told++ {
		_ = c.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
		select {
		case <-c.ended:
			if told < 2 || c.err == nil || !strings.Contains(c.err.Error(), "terminated") {
				t.Errorf("ended with %v after being told %d times", c.err, told)
			}
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}
