package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// asCommand in the environment makes the test binary be the command, so that a test can start it as a
// process of its own and kill it.
const asCommand = "GALAXALIGN_TEST_AS_COMMAND"

// seedVariable repeats a run whose seed was logged.
const seedVariable = "GALAXALIGN_TEST_SEED"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(run())
	}
	goleak.VerifyTestMain(m)
}

// seeded returns a random source whose seed is logged.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s=%d", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// command runs a command line inside this process and returns what it printed.
func command(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(io.Discard)
	err = root.ExecuteContext(t.Context())
	return out.String(), err
}

// must is command where an error ends the test.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command(t, args...)
	if err != nil {
		t.Fatalf("galaxalign %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// contains reports every text that is not in out.
func contains(t *testing.T, out string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("%q is not in:\n%s", text, out)
		}
	}
}

// save writes a file and returns its path.
func save(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// starterBundle unpacks the starter model into a folder of the test's own.
func starterBundle(t *testing.T) *bundle.Bundle {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "starter")
	if err := starter.Unpack(dir); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// skies draws n packets.
func skies(t *testing.T, cfg simulate.Config, n int) []simulate.Packet {
	t.Helper()
	survey, err := simulate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]simulate.Packet, n)
	for i := range out {
		if out[i], err = survey.Next(uint64(i)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}
