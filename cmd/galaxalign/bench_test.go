package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// TestBench measures a little and checks that what is printed is complete.
func TestBench(t *testing.T) {
	broker := embeddedBroker(t, map[string]int32{"sky": 2})
	sent := mixed(skies(t, simulate.Config{Seed: 2, Distinct: 4}, 48))
	publish(t, []string{broker}, "sky", sent.messages)
	profile := filepath.Join(t.TempDir(), "cpu")
	out := must(t, "bench", "-n", "48", "--batch-rows", "8", "--brokers", broker, "--topic", "sky", "--json", "--cpuprofile", profile)
	var r benchReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Model != "starter" || r.Stages == nil || r.EndToEnd == nil {
		t.Fatalf("the report is %s", out)
	}
	if r.Stages.Cutouts != 48 || r.Stages.Sum() <= 0 || r.EndToEnd.Cutouts != 48 || r.EndToEnd.PerSecond <= 0 {
		t.Errorf("the report is %s", out)
	}
}

// TestVersion prints what a report of a defect needs.
func TestVersion(t *testing.T) {
	contains(t, must(t, "version"), "galaxalign ", "commit ", "record schema 1", "ONNX Runtime "+ort.Version)
	contains(t, must(t, "runtime", "fetch"), "onnxruntime", "version "+ort.Version, "SHA-256 ")
}
