package parquet

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"go.uber.org/goleak"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/arrowfile"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// folder is a Backend on a folder of its own.
type folder struct{ cfg arrowfile.Config }

func (f *folder) Open(t *testing.T) sink.Sink {
	s, err := Open(f.cfg)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Abandon() })
	return s
}

func (f *folder) Crash(t *testing.T, s sink.Sink) {
	if err := s.(*arrowfile.Sink).Abandon(); err != nil {
		t.Fatal(err)
	}
}

func (f *folder) Read(t *testing.T) []schemas.Record {
	var out []schemas.Record
	for _, path := range parquetFiles(t, f.cfg.Dir) {
		out = append(out, readFile(t, path)...)
	}
	return out
}

func parquetFiles(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".parquet") {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// readFile decodes one file through the Arrow schema stored in it.
func readFile(t *testing.T, path string) []schemas.Record {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := file.NewParquetReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	pq, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: 100}, memory.DefaultAllocator)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	records, err := pq.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer records.Release()
	var out []schemas.Record
	schema, err := pq.Schema() // the record reader's own schema lacks the metadata
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for records.Next() {
		rec := array.NewRecord(schema, records.Record().Columns(), records.Record().NumRows())
		if out, err = schemas.DecodeArrow(rec, out); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		rec.Release()
	}
	return out
}

func TestParquetFilesConform(t *testing.T) {
	for name, maxRows := range map[string]int{"OneFile": 0, "ManyFiles": 70} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, sinktest.Harness{
				New: func(t *testing.T, _ *schemas.ModelInfo) sinktest.Backend {
					return &folder{cfg: arrowfile.Config{Dir: t.TempDir(), MaxRows: maxRows, Horizon: 50}}
				},
				Features: sinktest.Features{Remembers: sinktest.Durable, Fields: sinktest.AllFields},
			})
		})
	}
}
