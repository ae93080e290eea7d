//go:build integration

package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/ingest/kafka"
	"github.com/galaxalign/galaxalign/ingest/simulate"
	"github.com/galaxalign/galaxalign/sink/milvus"
)

// The small windows make 4,000 messages last long enough for an outage in the middle.
const outageConfig = `
source:
  survey: simulated
  kafka: {brokers: [%q], topics: [%s], group: %s, session_timeout: 6s, window_messages: 32, commit_interval: 100ms}
models: [{bundle: %q}]
pipeline: {flush_rows: 32, flush_wait: 50ms}
sinks:
  arrow: {dir: %q}
  %s
dead_letters: {topic: %s}
http: {listen: 127.0.0.1:0}
`

const outageMessages = 4000

// outage is a run with a service behind a proxy.
type outage struct {
	line    *proxy
	address string // of the page
	child   *child
	said    string // in /readyz while the line is cut
}

// troubled waits until /readyz names the trouble.
func (o *outage) troubled(t *testing.T) {
	t.Helper()
	began := time.Now()
	await(t, time.Minute, "/readyz to say "+o.said, func() bool {
		code, body, err := get(o.address + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		if code == http.StatusServiceUnavailable && strings.Contains(body, o.said) {
			t.Logf("after %s /readyz said: %s", time.Since(began).Round(10*time.Millisecond), strings.TrimSpace(body))
			return true
		}
		return false
	})
}

// metrics reads the metrics, which have to balance.
func (o *outage) metrics(t *testing.T) metrics {
	t.Helper()
	m, err := scrape(o.address)
	if err != nil {
		t.Fatal(err)
	}
	if !m.balanced() {
		t.Errorf("/metrics does not balance: %v", m)
	}
	return m
}

// recovered waits until /readyz is content again and more messages have been written than before.
func (o *outage) recovered(t *testing.T, before int) {
	t.Helper()
	began := time.Now()
	await(t, time.Minute, "the run to recover", func() bool {
		code, _, err := get(o.address + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		return code == http.StatusOK && o.metrics(t).outcome("written") > before
	})
	t.Logf("recovered after %s", time.Since(began).Round(10*time.Millisecond))
}

// live takes the run through an outage from the start, one in the middle, and to its end.
func (o *outage) live(t *testing.T, sent *traffic) {
	t.Helper()
	o.troubled(t)
	if m := o.metrics(t); m.outcome("written") != 0 || m.outcome("given_back") != 0 {
		t.Errorf("without the service: %d written, %d given back", m.outcome("written"), m.outcome("given_back"))
	}
	o.line.set(true)
	o.recovered(t, 0)

	o.line.set(false)
	o.troubled(t)
	before := o.metrics(t)
	if before.outcome("written") >= len(sent.good) {
		t.Fatal("everything was done before the second outage: the test needs more messages")
	}
	o.line.set(true)
	o.recovered(t, before.outcome("written"))

	drained(t, o.address, len(sent.messages))
	if status := o.child.stop(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	a := readAccount(t, o.child.stdout.String())
	t.Logf("%+v", a)
	if a.givenBack != 0 || a.written != len(sent.good) || a.received < len(sent.messages) {
		t.Errorf("the account is %+v of %d messages, %d good", a, len(sent.messages), len(sent.good))
	}
}

// newOutage publishes messages and starts a run whose line is cut.
func newOutage(t *testing.T, line *proxy, cfg, said string) *outage {
	t.Helper()
	began := time.Now()
	o := &outage{line: line, said: said, child: start(t, "run", "-c", cfg)}
	o.address = o.child.page(t)
	t.Logf("the page was up after %s", time.Since(began).Round(10*time.Millisecond))
	return o
}

// cutouts are small FITS cutouts, damaged ones and repeats among them.
func cutouts(t *testing.T) *traffic {
	t.Helper()
	return mixed(skies(t, simulate.Config{Seed: 8, Size: 32, Distinct: 40}, outageMessages))
}

// TestOutageOfMilvus starts without Milvus and loses it again in the middle: the run waits, says so, drops
// nothing, and goes on by itself.
func TestOutageOfMilvus(t *testing.T) {
	address, dir, model := realMilvus(t), t.TempDir(), starterBundle(t)
	broker := embeddedBroker(t, map[string]int32{"cutouts": 4, "dead": 1})
	prefix, sent := unique("outage"), cutouts(t)
	table := openCollection(t, address, milvus.AliasName(prefix, model.Info()))
	publish(t, []string{broker}, "cutouts", sent.messages)
	line := newProxy(t, address)
	cfg := save(t, dir, "outage.yaml", fmt.Appendf(nil, outageConfig, broker, "cutouts", "outage", model.Dir, filepath.Join(dir, "arrow"),
		fmt.Sprintf("milvus: {address: %q, collection: %s}", line.address, prefix), "dead"))
	newOutage(t, line, cfg, "sink milvus: ").live(t, sent)
	checkFiles(t, dir, model, sent)
	if n := table.count(t); n != len(sent.good) {
		t.Errorf("Milvus counts %d, want %d", n, len(sent.good))
	}
	checkLetters(t, broker, "dead", "cutouts", sent.damaged)
}

// TestOutageOfKafka does the same with the broker, which the messages come from and the alerts and dead
// letters go to.
func TestOutageOfKafka(t *testing.T) {
	broker, dir, model := realKafka(t), t.TempDir(), starterBundle(t)
	source, dead, out, sent := unique("cutouts"), unique("dead"), unique("alerts"), cutouts(t)
	newTopics(t, broker, kafka.Topic{Name: source, Partitions: 4}, kafka.Topic{Name: dead, Partitions: 1}, kafka.Topic{Name: out, Partitions: 4})
	publish(t, []string{broker}, source, sent.messages)
	line := newKafkaProxy(t, broker)
	cfg := save(t, dir, "outage.yaml", fmt.Appendf(nil, outageConfig, line.address, source, unique("group"), model.Dir,
		filepath.Join(dir, "arrow"), "alerts: {topic: "+out+"}", dead))
	newOutage(t, line, cfg, "source "+source).live(t, sent)
	rows := checkFiles(t, dir, model, sent)
	checkAlerts(t, broker, out, rows)
	checkLetters(t, broker, dead, source, sent.damaged)
}

// checkFiles compares the Arrow files with what was sent.
func checkFiles(t *testing.T, dir string, model *bundle.Bundle, sent *traffic) map[string]string {
	t.Helper()
	rows := distinct(t, "Arrow", readArrow(t, filepath.Join(dir, "arrow")), model.Info().Embedding)
	sameObjects(t, "Arrow", rows, sent.good)
	return rows
}
