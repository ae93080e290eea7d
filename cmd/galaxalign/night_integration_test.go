//go:build integration

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/ingest/kafka"
	"github.com/galaxalign/galaxalign/ingest/simulate"
	"github.com/galaxalign/galaxalign/schemas/shareddata"
	"github.com/galaxalign/galaxalign/sink/alerts"
	"github.com/galaxalign/galaxalign/sink/milvus"
)

// acaiFeatures are the scalar inputs of the ACAI classifiers, in the order of their columns.
const acaiFeatures = "drb,diffmaglim,ra,dec,magpsf,sigmapsf,chipsf,fwhm,sky,chinr,sharpnr,sgscore1,distpsnr1," +
	"sgscore2,distpsnr2,sgscore3,distpsnr3,ndethist,ncovhist,scorr,nmtchps,clrcoeff,clrcounc,neargaia,neargaiabright"

const (
	nightPackets = 20_000
	nightDamaged = 20
	mostMemory   = 700 << 20 // resident, of a run
	finished     = "galaxalign_messages_finished_total"
)

// shared returns a path in the shared data, or "" where that is absent.
func shared(t *testing.T, rel string) (path string) {
	t.Helper()
	t.Run("shared data", func(t *testing.T) { path = shareddata.Path(t, rel) })
	return path
}

// nightModel imports the real ACAI classifier, with what goes into its last layers as the embedding;
// without the shared data, a tiny classifier of the same stamps.
func nightModel(t *testing.T, dir string) *bundle.Bundle {
	t.Helper()
	folder := filepath.Join(dir, "bundle")
	args := []string{"bundle", "import", tinyModel(t, dir), folder, "--recipe", "braai", "--classes", "bogus,real", "--embedding", "features"}
	if acai := shared(t, "data/onnx/boom-history/acai_h.d1_dnn_20201130.onnx"); acai != "" {
		args = []string{"bundle", "import", acai, folder, "--name", "acai_h", "--recipe", "braai", "--features", acaiFeatures,
			"--classes", "other,hosted", "--embedding", "model/concatenate/concat:0"}
	}
	t.Log(must(t, args...))
	b, err := bundle.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// damage spoils a packet in one of the ways that packets arrive spoilt.
func damage(value []byte, way int) []byte {
	switch way % 5 {
	case 0:
		return value[:len(value)/2]
	case 1:
		return nil
	case 2:
		return []byte("not a packet at all")
	case 3: // a stamp whose checksum is wrong
		out := append([]byte(nil), value...)
		out[len(out)/2] ^= 0x40
		return out
	default: // the schema is cut, the rest is there
		return append(append([]byte(nil), value[:100]...), value[1000:]...)
	}
}

// publishNight sends the simulated packets, the real ones and the damaged ones, in random order within
// each batch, and returns what has to come of them.
func publishNight(t *testing.T, rng *rand.Rand, broker, topic string) *traffic {
	t.Helper()
	survey, err := simulate.New(simulate.Config{Seed: rng.Uint64(), Format: simulate.FormatZTF, Distinct: 800})
	if err != nil {
		t.Fatal(err)
	}
	v := &traffic{good: map[string]bool{}, damaged: map[string][]byte{}}
	const batch = nightPackets / nightDamaged
	for first := 0; first < nightPackets; first += batch {
		v.messages = v.messages[:0]
		for i := first; i < first+batch; i++ {
			p, err := survey.Next(uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			if i == first {
				p.Value = damage(p.Value, i/batch)
				v.damaged[string(p.Key)] = p.Value
			} else {
				v.good[p.ObjectID] = true
			}
			v.messages = append(v.messages, kafka.Message{Key: p.Key, Value: p.Value})
		}
		rng.Shuffle(batch, func(i, j int) { v.messages[i], v.messages[j] = v.messages[j], v.messages[i] })
		publish(t, []string{broker}, topic, v.messages)
	}
	v.messages = nil
	v.realPackets(t)
	publish(t, []string{broker}, topic, v.messages)
	return v
}

// realPackets adds every real ZTF packet of the shared data, and each a second time.
func (v *traffic) realPackets(t *testing.T) {
	t.Helper()
	dir := shared(t, "data/alerts/boom/ztf")
	if dir == "" {
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.avro"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		value, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(must(t, "inspect", file), `object "`)
		object, _, _ := strings.Cut(rest, `"`)
		v.good[object] = true
		m := kafka.Message{Key: []byte(object), Value: value}
		v.messages = append(v.messages, m, m)
		v.repeats++
	}
}

const nightConfig = `
source: {kafka: {brokers: [%q], topics: [%s], group: %s, session_timeout: 6s}}
models: [{bundle: %q}]
sinks:
  arrow: {dir: %q, max_rows: 3000}
  parquet: {dir: %q, max_rows: 5000}
  milvus: {address: %s, collection: %s}
  alerts: {topic: %s}
dead_letters: {topic: %s}
http: {listen: 127.0.0.1:0}
log: {level: error}
`

// TestNight carries a night through real services, with two crashes in the middle, and then asks every
// destination for every packet, with readers of other projects too.
func TestNight(t *testing.T) {
	broker, address := realKafka(t), realMilvus(t)
	python := service(t, "GALAXALIGN_PYTHON", "deploy/local/python.sh prints one with the readers in it")
	rng, dir := seeded(t), t.TempDir()
	source, dead, out, prefix := unique("ztf"), unique("dead"), unique("alerts"), unique("night")
	newTopics(t, broker, kafka.Topic{Name: source, Partitions: 8}, kafka.Topic{Name: dead, Partitions: 1}, kafka.Topic{Name: out, Partitions: 4})
	model := nightModel(t, dir)
	table := openCollection(t, address, milvus.AliasName(prefix, model.Info()))
	began := time.Now()
	sent := publishNight(t, rng, broker, source)
	total := nightPackets + 2*sent.repeats
	t.Logf("published %d in %s", total, time.Since(began).Round(time.Millisecond))

	arrow, parquet := filepath.Join(dir, "arrow"), filepath.Join(dir, "parquet")
	cfg := save(t, dir, "night.yaml", fmt.Appendf(nil, nightConfig, broker, source, unique("group"), model.Dir, arrow, parquet, address, prefix, out, dead))
	memory := 0
	for _, share := range []float64{0.3, 0.65} {
		memory = max(memory, crashNight(t, cfg, int(float64(total)*(share+0.1*(rng.Float64()-0.5)))))
	}
	memory = max(memory, finishNight(t, cfg, total))
	t.Logf("most resident memory %d MiB", memory>>20)
	if memory > mostMemory && !raceDetector() {
		t.Errorf("%d MiB were resident, want %d at most", memory>>20, mostMemory>>20)
	}

	embedding := model.Info().Embedding
	rows := distinct(t, "Arrow", readArrow(t, arrow), embedding)
	sameObjects(t, "Arrow", rows, sent.good)
	sameObjects(t, "Parquet", distinct(t, "Parquet", readParquet(t, parquet), embedding), sent.good)
	if n := table.count(t); n != len(rows) {
		t.Errorf("Milvus counts %d, Arrow %d", n, len(rows))
	}
	letters := checkLetters(t, broker, dead, source, sent.damaged)
	alerted := checkAlerts(t, broker, out, rows)
	t.Logf("%d records, %d damaged in %d letters, %d alerts", len(rows), len(sent.damaged), letters, alerted)
	runReaders(t, python, "--arrow", arrow, "--parquet", parquet, "--milvus", address, "--collection", table.alias,
		"--rows", strconv.Itoa(len(sent.good)), "--embedding", strconv.Itoa(embedding), "--classes", strings.Join(model.Manifest.Classes, ","))
}

// crashNight runs until so many messages are committed, kills the command, and returns its peak memory.
func crashNight(t *testing.T, cfg string, enough int) int {
	t.Helper()
	c := start(t, "run", "-c", cfg)
	m := watchNight(t, c.page(t), enough)
	memory := c.peakMemory(t)
	c.kill(t)
	t.Logf("killed with %.0f committed, %d written in this run, %.0f in flight", m.sum("galaxalign_partition_committed_offset"),
		m.outcome("written"), m["galaxalign_messages_in_flight"])
	return memory
}

// watchNight waits until so many messages are committed; every scrape has to balance. It logs the rate
// from the first message finished to the last.
func watchNight(t *testing.T, address string, enough int) metrics {
	t.Helper()
	var m metrics
	var began time.Time
	before := 0.0
	await(t, 5*time.Minute, fmt.Sprintf("%d messages to be committed", enough), func() bool {
		var err error
		if m, err = scrape(address); err != nil {
			t.Fatal(err)
		}
		if !m.balanced() {
			t.Errorf("/metrics does not balance: %v", m)
		}
		if began.IsZero() && m.sum(finished) > 0 {
			began, before = time.Now(), m.sum(finished)
		}
		return int(m.sum("galaxalign_partition_committed_offset")) >= enough
	})
	t.Logf("%.0f messages a second", (m.sum(finished)-before)/time.Since(began).Seconds())
	return m
}

// finishNight runs to the end, stops the command in order and compares its summary with its metrics.
func finishNight(t *testing.T, cfg string, total int) int {
	t.Helper()
	c := start(t, "run", "-c", cfg)
	address := c.page(t)
	m := watchNight(t, address, total)
	if code, body, err := get(address + "/readyz"); err != nil || code != 200 {
		t.Errorf("/readyz: %d %v %s", code, err, body)
	}
	memory := c.peakMemory(t)
	if status := c.stop(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
	a := readAccount(t, c.stdout.String())
	if a.written != m.outcome("written") || a.duplicates != m.outcome("duplicate") || a.quarantined != m.outcome("quarantined") || a.givenBack != 0 {
		t.Errorf("the summary says %+v, /metrics %v", a, m)
	}
	t.Log(c.stdout.String())
	return memory
}

// peakMemory is the most resident memory that the process has had, in bytes.
func (c *child) peakMemory(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		t.Skipf("peak memory is read from /proc: %v", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kib int
	if _, err := fmt.Sscanf(rest, "%d kB", &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// raceDetector reports whether this binary, and so the command, carries the race detector, which takes
// several times the memory.
func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// checkAlerts compares the alert topic with the records, dropping what it has seen as consumers do. It
// returns how many alerts there are.
func checkAlerts(t *testing.T, broker, topic string, byObject map[string]string) int {
	t.Helper()
	seen := map[string]string{}
	sent := readTopic(t, broker, topic)
	for _, m := range sent {
		for _, h := range m.Headers {
			if h.Key == alerts.HeaderRecordID {
				seen[string(m.Key)] = string(h.Value)
			}
		}
	}
	wrong := 0
	for object, id := range byObject {
		if seen[object] != id {
			if wrong++; wrong <= 3 {
				t.Errorf("the alert of %s is of record %q, want %s", object, seen[object], id)
			}
		}
	}
	if wrong > 0 || len(seen) != len(byObject) {
		t.Errorf("alerts of %d objects, %d records, %d wrong", len(seen), len(byObject), wrong)
	}
	return len(sent)
}

// runReaders runs the script that reads everything with other projects' readers.
func runReaders(t *testing.T, python string, args ...string) {
	t.Helper()
	began := time.Now()
	out, err := exec.CommandContext(t.Context(), python, append([]string{"testdata/readers.py"}, args...)...).CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "OK") {
		t.Errorf("readers.py: %v\n%s", err, out)
		return
	}
	t.Logf("readers.py, %s:\n%s", time.Since(began).Round(time.Millisecond), out)
}
