// Package readback compares what readers of other languages find in a folder of records with what was
// written, for the integration tests of the file sinks.
package readback

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// EnvPython names the environment variable with the Python interpreter that has pyarrow.
const EnvPython = "GALAXALIGN_PYTHON"

type row struct {
	ID          string    `json:"id"`
	ObjectID    string    `json:"object_id"`
	RA          *float64  `json:"ra"`
	ObservedUS  *int64    `json:"observed_us"`
	Label       string    `json:"label"`
	Probability float32   `json:"probability"`
	Embedding   []float32 `json:"embedding"`
	Path        *string   `json:"path"`
}

// Run writes three files and an open segment that readers must not see, then has the script read the
// folder; kind is "arrow" or "parquet". open opens the sink over a folder, with files of at most maxRows
// rows, 0 for its default. Run skips without an interpreter.
func Run(t *testing.T, script, kind string, open func(dir string, maxRows int) sink.Sink) {
	t.Helper()
	python := os.Getenv(EnvPython)
	if python == "" {
		t.Skipf("set %s to a Python interpreter with pyarrow", EnvPython)
	}
	dir, m := t.TempDir(), sinktest.Model(512)
	s := open(dir, 600)
	for i := range 15 {
		write(t, s, sinktest.Batch(m, 100*i, 100))
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s = open(dir, 0)
	write(t, s, sinktest.Batch(m, 5000, 10))
	check(t, python, script, dir, kind, sinktest.Records(m, 0, 1500))
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, s sink.Sink, b *sink.Batch) {
	t.Helper()
	if err := s.Write(t.Context(), b, &sink.Report{}); err != nil {
		t.Fatal(err)
	}
}

// check runs the script on the folder.
func check(t *testing.T, python, script, folder, kind string, records []schemas.Record) {
	t.Helper()
	rows := make([]row, len(records))
	for i := range records {
		rows[i] = makeRow(&records[i])
	}
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	expected := filepath.Join(t.TempDir(), "expected.json")
	if err := os.WriteFile(expected, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, script, folder, expected, kind).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func makeRow(r *schemas.Record) row {
	out := row{
		ID: r.ID.String(), ObjectID: string(r.ObjectID), Label: r.Model.Classes[r.Label],
		Probability: r.Probability, Embedding: r.Embedding,
	}
	if !math.IsNaN(r.RA) {
		out.RA = &r.RA
	}
	if !r.ObservedAt.IsZero() {
		us := r.ObservedAt.UnixMicro()
		out.ObservedUS = &us
	}
	if r.Origin.Path != "" {
		out.Path = &r.Origin.Path
	}
	return out
}
