package ort

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// childVar tells the test binary that it is the child of TestNothingIsReported.
const childVar = "GALAXALIGN_TEST_TELEMETRY_CHILD"

// TestNothingIsReported opens the library and runs a graph in a process of its own, because the library
// decides about telemetry once a process, and looks for the device id and the queue of events that it
// keeps where telemetry is on.
func TestNothingIsReported(t *testing.T) {
	lib, err := Locate(t.Context(), Options{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTelemetryChild$", "-test.v")
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, telemetryVar+"=") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(cmd.Env, childVar+"=1", EnvVar+"="+lib.Path, "HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"))
	if output, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(output), "--- PASS") {
		t.Fatalf("child: %v\n%s", err, output)
	}
	err = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			t.Errorf("the library wrote %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTelemetryChild(t *testing.T) {
	if os.Getenv(childVar) == "" {
		t.Skip("runs as the child of TestNothingIsReported")
	}
	s := openAdd(t, openRuntime(t))
	row := Tensor{Shape: []int64{1, 2}, Float32: []float32{1, 2}}
	if _, err := s.Run([]Tensor{row, row}); err != nil {
		t.Fatal(err)
	}
}

func TestTheUsersTelemetryChoiceStands(t *testing.T) {
	t.Setenv(telemetryVar, "0")
	if err := silence(); err != nil {
		t.Fatal(err)
	}
	if v := os.Getenv(telemetryVar); v != "0" {
		t.Errorf("the variable became %q", v)
	}
}
