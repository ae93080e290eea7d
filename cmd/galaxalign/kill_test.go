package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/ingest/kafka"
	"github.com/galaxalign/galaxalign/ingest/simulate"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/index"
)

// traffic is what a test publishes, and what has to come of it.
type traffic struct {
	messages []kafka.Message
	good     map[string]bool   // objects that must have a record
	damaged  map[string][]byte // payloads that must be in the dead letters, by key
	repeats  int
}

// mixed takes packets and spoils one in 61 (cut short, emptied, or garbage in turn) and repeats one in 89.
func mixed(packets []simulate.Packet) *traffic {
	v := &traffic{good: map[string]bool{}, damaged: map[string][]byte{}}
	for i, p := range packets {
		m := kafka.Message{Key: p.Key, Value: p.Value, Time: p.Time}
		if i%61 == 60 {
			switch i / 61 % 3 {
			case 0:
				m.Value = m.Value[:len(m.Value)/2]
			case 1:
				m.Value = nil
			case 2:
				m.Value = []byte("no picture at all")
			}
			v.damaged[string(p.Key)] = m.Value
		} else {
			v.good[p.ObjectID] = true
		}
		v.messages = append(v.messages, m)
		if i%89 == 88 && v.good[p.ObjectID] {
			v.messages = append(v.messages, m)
			v.repeats++
		}
	}
	return v
}

// TestKill kills the command again and again in the middle of its work, and then looks for every message.
// The windows are kept small, so that the work takes seconds, and files are sealed all the time, so that
// kills meet every step.
func TestKill(t *testing.T) {
	const source, dead = "cutouts", "cutouts-dead"
	rng := seeded(t)
	dir, model := t.TempDir(), starterBundle(t)
	broker := embeddedBroker(t, map[string]int32{source: 4, dead: 1})
	sent := mixed(skies(t, simulate.Config{Seed: rng.Uint64(), Size: 32, Distinct: 40}, 1500))
	publish(t, []string{broker}, source, sent.messages)
	cfg := save(t, dir, "kill.yaml", fmt.Appendf(nil, killConfig, broker, source, model.Dir,
		filepath.Join(dir, "arrow"), filepath.Join(dir, "parquet"), filepath.Join(dir, "index"), dead))

	for crashes := 0; crashes < 3; {
		if crashRun(t, rng, cfg, len(sent.messages)) {
			crashes++
			distinct(t, "Arrow after a crash", readArrow(t, filepath.Join(dir, "arrow")), 64)
		}
	}
	last := start(t, "run", "-c", cfg)
	drained(t, last.page(t), len(sent.messages))
	if status := last.stop(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if a := readAccount(t, last.stdout.String()); a.received == 0 || a.givenBack != 0 {
		t.Errorf("the last run counts %+v", a)
	}

	rows := distinct(t, "Arrow", readArrow(t, filepath.Join(dir, "arrow")), 64)
	sameObjects(t, "Arrow", rows, sent.good)
	sameObjects(t, "Parquet", distinct(t, "Parquet", readParquet(t, filepath.Join(dir, "parquet")), 64), sent.good)
	checkIndex(t, filepath.Join(dir, "index"), model, rows)
	letters := checkLetters(t, broker, dead, source, sent.damaged)
	t.Logf("%d messages: %d objects, %d repeats, %d damaged in %d letters; %d Arrow files", len(sent.messages),
		len(sent.good), sent.repeats, len(sent.damaged), letters, len(sealed(t, filepath.Join(dir, "arrow"), ".arrow")))
}

const killConfig = `
source:
  survey: simulated
  kafka:
    brokers: [%s]
    topics: [%s]
    group: kill
    window_messages: 16
    commit_interval: 50ms
    session_timeout: 1s
models: [{bundle: %q}]
pipeline: {batch_rows: 8, batch_wait: 5ms, flush_rows: 24, flush_wait: 50ms}
sinks:
  arrow: {dir: %q, max_rows: 150, max_age: 1s}
  parquet: {dir: %q, max_rows: 200, max_age: 1s}
  index: {dir: %q}
dead_letters: {topic: %s}
http: {listen: 127.0.0.1:0}
`

// crashRun starts the command and kills it: mostly in the middle of the stream, now and then while it
// starts. It reports whether messages had been written and others had not, so that the kill was one that
// counts.
func crashRun(t *testing.T, rng *rand.Rand, cfg string, total int) bool {
	t.Helper()
	c := start(t, "run", "-c", cfg)
	if rng.IntN(4) == 0 {
		pause := time.Duration(rng.IntN(400)) * time.Millisecond
		time.Sleep(pause) // the instant of the crash
		c.kill(t)
		t.Logf("killed %s after the start", pause)
		return false
	}
	address, enough := c.page(t), 20+rng.IntN(300)
	var m metrics
	await(t, time.Minute, "messages to be written", func() bool {
		var err error
		if m, err = scrape(address); err != nil {
			t.Fatal(err)
		}
		return m.sum("galaxalign_messages_finished_total") >= float64(enough)
	})
	time.Sleep(time.Duration(rng.IntN(30)) * time.Millisecond) // the instant of the crash
	c.kill(t)
	committed := int(m.sum("galaxalign_partition_committed_offset"))
	t.Logf("killed with %.0f finished in this run, %.0f in flight, %d of %d committed", m.sum("galaxalign_messages_finished_total"),
		m["galaxalign_messages_in_flight"], committed, total)
	if committed >= total {
		t.Fatal("everything was done before the kill: the test needs more messages")
	}
	return true
}

// drained waits until everything published has been committed.
func drained(t *testing.T, address string, total int) metrics {
	t.Helper()
	var m metrics
	await(t, time.Minute, "every message to be committed", func() bool {
		var err error
		if m, err = scrape(address); err != nil {
			t.Fatal(err)
		}
		if !m.balanced() {
			t.Errorf("/metrics does not balance: %v", m)
		}
		return int(m.sum("galaxalign_partition_committed_offset")) == total && m["galaxalign_messages_in_flight"] == 0
	})
	return m
}

// checkIndex opens the index that a run left behind and looks for every record.
func checkIndex(t *testing.T, dir string, b *bundle.Bundle, byObject map[string]string) {
	t.Helper()
	x, err := index.Open(index.Config{Dir: filepath.Join(dir, b.Manifest.Name), Model: b.Info()})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close(t.Context())
	if x.Len() != len(byObject) {
		t.Errorf("the index holds %d records, Arrow %d", x.Len(), len(byObject))
	}
	for object, text := range byObject {
		id, err := schemas.ParseRecordID(text)
		if err == nil {
			_, err = x.Get(t.Context(), id)
		}
		if err != nil {
			t.Errorf("index: %s: %v", object, err)
		}
	}
}
