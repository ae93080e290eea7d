package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigExample checks that the example is complete: given a bundle, it has no fault.
func TestConfigExample(t *testing.T) {
	text := strings.Replace(must(t, "config", "example"), "bundles/starter", starterBundle(t).Dir, 1)
	file := save(t, t.TempDir(), "night.yaml", []byte(text))
	contains(t, must(t, "config", "check", "-c", file), "night.yaml: no faults")
}

// TestConfigCheck lists the faults of a file that has many, each with its line, its key and a way out.
func TestConfigCheck(t *testing.T) {
	file := save(t, t.TempDir(), "bad.yaml", []byte(`source:
  format: fitz
  kafka:
    brokers: [localhost]
    topics: [cutouts]
    window_bytes: 1MiB
    sesion_timeout: 5s
models:
  - bundle: /nowhere/at/all
    device: gpu
pipeline: {batch_rows: many, flush_wait: 0s}
sinks:
  arrow: {dir: out, max_bytes: 1KiB}
  alerts: {topic: cutouts, min_probability: 2}
dead_letters: {topic: cutouts}
log: {level: loud}
`))
	_, err := command(t, "config", "check", "-c", file)
	if err == nil {
		t.Fatal("no fault found")
	}
	lines := strings.Split(err.Error(), "\n")
	want := []string{
		`bad.yaml: 13 faults`,
		`  line 2: source.format: "fitz" is not known; did you mean "fits"?`,
		`  line 4: source.kafka.brokers[0]: "localhost" is not host:port; write for example 127.0.0.1:9092`,
		`  line 6: source.kafka.window_bytes: smaller than two fetches, so fetching would stall; use at least twice max_fetch`,
		`  line 7: source.kafka.sesion_timeout: unknown key; did you mean "session_timeout"?`,
		`  line 9: models[0].bundle: bundle "/nowhere/at/all/manifest.json" cannot be read: `,
		`  line 10: models[0].device: "gpu" is not a device; write cpu or cuda:0`,
		`  line 11: pipeline.batch_rows: "many" is not a whole number`,
		`  line 11: pipeline.flush_wait: must be positive; 200ms is usual`,
		`  line 13: sinks.arrow.max_bytes: under 1MiB makes far too many files; 256MiB is usual`,
		`  line 14: sinks.alerts.min_probability: out of range; use 0 to 1`,
		`  line 14: sinks.alerts.topic: is also read from: every alert would come back as input; use another topic`,
		`  line 15: dead_letters.topic: is also read from: every dead letter would come back as input; use another topic`,
		`  line 16: log.level: "loud" is not known; write one of debug, info, warn, error`,
	}
	for i, w := range want {
		if i >= len(lines) || !strings.Contains(lines[i], w) {
			t.Errorf("line %d does not say %q", i, w)
		}
	}
	if len(lines) != len(want) || t.Failed() {
		t.Errorf("all of it:\n%s", err)
	}
}

// TestErrors starts the command as a shell does: whatever goes wrong, the exit status is 1 and the message
// names what is wrong and what to do.
func TestErrors(t *testing.T) {
	dir := t.TempDir()
	model := starterBundle(t).Dir
	config := func(name, more string) string {
		return save(t, dir, name, fmt.Appendf(nil, "models: [{bundle: %q}]\nsinks: {arrow: {dir: %q}}\ndead_letters: {dir: %q}\n%s",
			model, filepath.Join(dir, "arrow"), filepath.Join(dir, "dead"), more))
	}
	files, taken := config("files.yaml", ""), config("taken.yaml", "http: {listen: 203.0.113.1:80}\n")
	broken := save(t, dir, "sky/broken.fits", []byte("SIMPLE  =                    F"))
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"no such command":    {[]string{"classify"}, []string{`unknown command "classify"`}},
		"no file given":      {[]string{"run"}, []string{`required flag(s) "config" not set`}},
		"no such file":       {[]string{"run", "-c", filepath.Join(dir, "absent.yaml")}, []string{"configuration: open ", "absent.yaml: no such file"}},
		"nothing to read":    {[]string{"run", "-c", files}, []string{"files.yaml: source.kafka: no brokers and topics to read; galaxalign backfill reads files"}},
		"no paths":           {[]string{"backfill", "-c", files}, []string{"requires at least 1 arg"}},
		"no such path":       {[]string{"backfill", "-c", files, filepath.Join(dir, "absent")}, []string{"absent: no such file"}},
		"address not ours":   {[]string{"backfill", "-c", taken, filepath.Dir(broken)}, []string{"http.listen: ", "203.0.113.1:80", "port"}},
		"no vector store":    {[]string{"search", "-c", files, "--like", strings.Repeat("0", 32)}, []string{"no vector store is configured: set sinks.index.dir or sinks.milvus.address"}},
		"search for nothing": {[]string{"search", "-c", files}, []string{"at least one of the flags in the group [like image] is required"}},
		"search for both":    {[]string{"search", "-c", files, "--like", "0", "--image", "x"}, []string{"none of the others can be"}},
		"bad search": {[]string{"search", "-c", files, "--like", "0", "--after", "monday", "--cone", "1,2"},
			[]string{`--after "monday" is not a time: write 2026-01-02T03:04:05Z`, "--cone needs RA,DEC,RADIUS in degrees, degrees and arcsec"}},
		"not an image":     {[]string{"inspect", broken}, []string{"broken.fits: ", "ingest"}},
		"recipe alone":     {[]string{"inspect", broken, "--recipe", "braai"}, []string{"recipe png"}},
		"no such recipe":   {[]string{"inspect", broken, "--recipe", "brai", "--png", filepath.Join(dir, "x.png")}, []string{`recipe "brai" is neither built in nor a file`}},
		"unknown format":   {[]string{"simulate", "--format", "lsst", "--out", dir}, []string{`--format "lsst" is not known: write fits or ztf`}},
		"nowhere to go":    {[]string{"simulate"}, []string{"give --brokers and --topic to publish, --out to write files, or --sheet for a picture"}},
		"size of a stamp":  {[]string{"simulate", "--size", "7", "--out", dir}, []string{"7"}},
		"not a bundle":     {[]string{"bundle", "show", dir}, []string{"manifest.json"}},
		"not a model":      {[]string{"bundle", "import", broken, filepath.Join(dir, "new")}, []string{"import ", "broken.fits", "malformed"}},
		"too few payloads": {[]string{"bench", "-n", "3", "--batch-rows", "16"}, []string{"3 payloads do not fill a batch of 16"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, c.args...)
			if status := p.wait(t); status != 1 {
				t.Errorf("exit status %d, want 1", status)
			}
			said := p.stderr.String()
			if !strings.Contains(said, "galaxalign: ") || strings.Contains(said, "Usage:") || strings.Contains(said, "goroutine ") {
				t.Errorf("not a message for a person:\n%s", said)
			}
			contains(t, said, c.want...)
		})
	}
}
