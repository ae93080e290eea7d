//go:build integration

package parquet

import (
	"testing"

	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/arrowfile"
	"github.com/galaxalign/galaxalign/sink/internal/readback"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// TestOtherReaders has pyarrow, pandas and, where it is installed, DuckDB read three files and an open
// segment that they must not see.
func TestOtherReaders(t *testing.T) {
	dir := t.TempDir()
	m := sinktest.Model(512)
	s, err := Open(arrowfile.Config{Dir: dir, MaxRows: 600})
	if err != nil {
		t.Fatal(err)
	}
	var report sink.Report
	for i := range 15 {
		if err := s.Write(t.Context(), sinktest.Batch(m, 100*i, 100), &report); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(arrowfile.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), sinktest.Batch(m, 5000, 10), &report); err != nil {
		t.Fatal(err)
	}
	readback.Check(t, "../arrowfile/testdata/readback.py", dir, "parquet", sinktest.Records(m, 0, 1500))
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
