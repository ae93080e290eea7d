//go:build integration

package parquet

import (
	"testing"

	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/arrowfile"
	"github.com/galaxalign/galaxalign/sink/internal/readback"
)

// TestOtherReaders has pyarrow, pandas and, where it is installed, DuckDB read three files and an open
// segment that they must not see.
func TestOtherReaders(t *testing.T) {
	readback.Run(t, "../arrowfile/testdata/readback.py", "parquet", func(dir string, maxRows int) sink.Sink {
		s, err := Open(arrowfile.Config{Dir: dir, MaxRows: maxRows})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
