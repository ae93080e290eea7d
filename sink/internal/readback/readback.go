// Package readback compares what readers of other languages find in a folder of records with what was
// written, for the integration tests of the file sinks.
package readback

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
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

// Check runs the script on the folder; kind is "arrow" or "parquet". It skips without an interpreter.
func Check(t *testing.T, script, folder, kind string, records []schemas.Record) {
	t.Helper()
	python := os.Getenv(EnvPython)
	if python == "" {
		t.Skipf("set %s to a Python interpreter with pyarrow", EnvPython)
	}
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
	out, err := exec.CommandContext(context.Background(), python, script, folder, expected, kind).CombinedOutput()
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
