package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"

	"github.com/galaxalign/galaxalign/schemas"
)

// row is what the tests look at of a record in a file.
type row struct {
	id, survey, object, observation, hash string
	embedding                             int // values
}

// sealed lists the files of a folder that readers take: those with the extension, without names that
// begin with an underscore or a dot.
func sealed(t *testing.T, dir, extension string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), "_") || strings.HasPrefix(d.Name(), ".")
		if hidden && d.IsDir() {
			return filepath.SkipDir
		}
		if !hidden && !d.IsDir() && filepath.Ext(path) == extension {
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// readArrow reads every sealed Arrow file below dir.
func readArrow(t *testing.T, dir string) []row {
	t.Helper()
	var rows []row
	for _, path := range sealed(t, dir, ".arrow") {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ipc.NewFileReader(f)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for i := range r.NumRecords() {
			record, err := r.Record(i)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			rows = appendRows(t, rows, record)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// readParquet reads every sealed Parquet file below dir.
func readParquet(t *testing.T, dir string) []row {
	t.Helper()
	var rows []row
	for _, path := range sealed(t, dir, ".parquet") {
		rows = readParquetFile(t, rows, path)
	}
	return rows
}

func readParquetFile(t *testing.T, rows []row, path string) []row {
	t.Helper()
	pf, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer pf.Close()
	r, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: 1 << 16}, memory.DefaultAllocator)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	table, err := r.ReadTable(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer table.Release()
	records := array.NewTableReader(table, 1<<16)
	defer records.Release()
	for records.Next() {
		rows = appendRows(t, rows, records.Record())
	}
	return rows
}

func appendRows(t *testing.T, rows []row, r arrow.Record) []row {
	t.Helper()
	column := func(name string) arrow.Array {
		at := r.Schema().FieldIndices(name)
		if len(at) != 1 {
			t.Fatalf("no column %s in %v", name, r.Schema())
		}
		return r.Column(at[0])
	}
	text := func(name string) *array.String { return column(name).(*array.String) }
	ids, surveys, objects, observations := text("record_id"), text("survey"), text("object_id"), text("observation_id")
	hashes, embeddings := text("model_hash"), column("embedding").(*array.List)
	for i := range int(r.NumRows()) {
		begin, end := embeddings.ValueOffsets(i)
		rows = append(rows, row{
			id: strings.Clone(ids.Value(i)), survey: strings.Clone(surveys.Value(i)), object: strings.Clone(objects.Value(i)),
			observation: strings.Clone(observations.Value(i)), hash: strings.Clone(hashes.Value(i)), embedding: int(end - begin),
		})
	}
	return rows
}

// distinct checks that every row is the only one of its record and object and has the identity that its
// contents give it; it returns the record ids by object.
func distinct(t *testing.T, what string, rows []row, embedding int) map[string]string {
	t.Helper()
	byID, byObject := map[string]bool{}, map[string]string{}
	for _, r := range rows {
		if byID[r.id] {
			t.Errorf("%s: record %s of %s is there twice", what, r.id, r.object)
		}
		byID[r.id] = true
		if _, twice := byObject[r.object]; twice {
			t.Errorf("%s: object %s is there twice", what, r.object)
		}
		byObject[r.object] = r.id
		if want := schemas.MakeRecordID(r.survey, []byte(r.object), []byte(r.observation), r.hash).String(); r.id != want {
			t.Errorf("%s: record %s of %s should be %s", what, r.id, r.object, want)
		}
		if r.embedding != embedding {
			t.Errorf("%s: record %s has an embedding of %d values, want %d", what, r.id, r.embedding, embedding)
		}
	}
	return byObject
}

// sameObjects reports the first differences between the objects that should be there and those that are.
func sameObjects(t *testing.T, what string, got map[string]string, want map[string]bool) {
	t.Helper()
	missing, extra := 0, 0
	for object := range want {
		if _, ok := got[object]; !ok {
			if missing++; missing <= 3 {
				t.Errorf("%s: %s is missing", what, object)
			}
		}
	}
	for object := range got {
		if !want[object] {
			if extra++; extra <= 3 {
				t.Errorf("%s: %s should not be there", what, object)
			}
		}
	}
	if missing+extra > 0 {
		t.Errorf("%s: %d of %d missing, %d too many", what, missing, len(want), extra)
	}
}
