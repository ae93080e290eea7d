package parquet

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/arrowfile"
	"github.com/galaxalign/galaxalign/sink/internal/disk/disktest"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// written makes one file of n records and returns its path.
func written(t *testing.T, m *schemas.ModelInfo, n int) string {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(arrowfile.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var report sink.Report
	if err := s.Write(t.Context(), sinktest.Batch(m, 0, n), &report); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return parquetFiles(t, dir)[0]
}

// TestColumnsAreStoredAsStated looks at compression and encodings of every column chunk.
func TestColumnsAreStoredAsStated(t *testing.T) {
	f, err := file.OpenParquetFile(written(t, sinktest.Model(64), 500), false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.NumRows() != 500 {
		t.Fatalf("%d rows, want 500", f.NumRows())
	}
	dictionary := map[string]bool{}
	for _, name := range repeating {
		dictionary[name] = true
	}
	group := f.MetaData().RowGroup(0)
	for i := range group.NumColumns() {
		chunk, err := group.ColumnChunk(i)
		if err != nil {
			t.Fatal(err)
		}
		name := chunk.PathInSchema().String()
		if chunk.Compression() != compress.Codecs.Zstd {
			t.Errorf("column %s is compressed with %v, want zstd", name, chunk.Compression())
		}
		if chunk.HasDictionaryPage() != dictionary[name] {
			t.Errorf("column %s has a dictionary: %v, want %v", name, chunk.HasDictionaryPage(), dictionary[name])
		}
	}
	for i := range f.MetaData().Schema.NumColumns() {
		if c := f.MetaData().Schema.Column(i); c.PhysicalType() == parquet.Types.FixedLenByteArray {
			t.Errorf("column %s is fixed length: readers would not see a list", c.Path())
		}
	}
}

func TestMetadataIsThereForEveryReader(t *testing.T) {
	m := sinktest.Model(4)
	f, err := file.OpenParquetFile(written(t, m, 30), false)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kv := f.MetaData().KeyValueMetadata()
	for key, want := range map[string]string{
		schemas.MetaModelHash: m.Hash, schemas.MetaEmbedding: "4", arrowfile.MetaRows: "30",
	} {
		if got := kv.FindValue(key); got == nil || *got != want {
			t.Errorf("%s is %v, want %s", key, got, want)
		}
	}
	if kv.FindValue("ARROW:schema") == nil {
		t.Error("the Arrow schema is not stored")
	}
}

// seekBuffer is a file in memory that tells its position.
type seekBuffer struct{ bytes.Buffer }

func (f *seekBuffer) Seek(int64, int) (int64, error) { return int64(f.Len()), nil }

// TestAWriteThatFailsInTheMiddle lets each write of a file of several row groups fail in turn. The
// Parquet writer drops such errors between row groups and in Close; the sink must not.
func TestAWriteThatFailsInTheMiddle(t *testing.T) {
	m := sinktest.Model(512)
	batch := sinktest.Batch(m, 0, 1500) // 3 MB that do not compress
	for n := 1; ; n++ {
		fs, dir, writes := &disktest.FS{}, t.TempDir(), 0
		fs.Fail = func(op disktest.Op, path string) error {
			if op == disktest.OpWrite && strings.HasSuffix(path, ".sealing") {
				if writes++; writes == n {
					return syscall.ENOSPC
				}
			}
			return nil
		}
		s, err := Open(arrowfile.Config{Dir: dir}, arrowfile.WithFS(fs))
		if err != nil {
			t.Fatal(err)
		}
		var report sink.Report
		if err := s.Write(t.Context(), batch, &report); err != nil {
			t.Fatal(err)
		}
		err = s.Close(t.Context())
		if writes < n {
			if err != nil || n < 3 {
				t.Fatalf("%d writes, error %v: want several writes and no error", writes, err)
			}
			return
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("write %d failed and Close says %v", n, err)
		}
		if s, err = Open(arrowfile.Config{Dir: dir}, arrowfile.WithFS(fs)); err != nil {
			t.Fatal(err)
		}
		if err := s.Write(t.Context(), batch, &report); err != nil || len(report.Duplicate) != 1500 {
			t.Fatalf("write %d failed: %d of 1,500 records kept, %v", n, len(report.Duplicate), err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnIncompleteFileIsNoticed cuts a file and damages its count of rows: Metadata, which sealing asks
// before it believes a file, must refuse both.
func TestAnIncompleteFileIsNoticed(t *testing.T) {
	data, err := os.ReadFile(written(t, sinktest.Model(4), 30))
	if err != nil {
		t.Fatal(err)
	}
	read := func(data []byte) (err error) {
		defer func() {
			if p := recover(); p != nil { // the sink guards its readers in the same way
				err = errors.New("panic")
			}
		}()
		_, err = Format{}.Metadata(bytes.NewReader(data))
		return err
	}
	if err := read(data); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 4, 100, len(data) / 2, len(data) - 1} {
		if read(data[:n]) == nil {
			t.Errorf("a file cut at byte %d of %d was accepted", n, len(data))
		}
	}
}

func TestRowsThatAreMissingAreNoticed(t *testing.T) {
	m := sinktest.Model(4)
	b := schemas.NewBuilder(m)
	for _, r := range sinktest.Records(m, 0, 10) {
		if err := b.Append(&r); err != nil {
			t.Fatal(err)
		}
	}
	md := schemas.ModelMetadata(m)
	md = arrow.NewMetadata(append(md.Keys(), arrowfile.MetaRows), append(md.Values(), "11"))
	schema := arrow.NewSchema(b.Schema().Fields(), &md)
	var out seekBuffer
	w, err := Format{}.NewWriter(&out, schema)
	if err != nil {
		t.Fatal(err)
	}
	inner := b.Record()
	defer inner.Release()
	rec := array.NewRecord(schema, inner.Columns(), inner.NumRows())
	defer rec.Release()
	if err := errors.Join(w.Write(rec), w.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := (Format{}).Metadata(bytes.NewReader(out.Bytes())); err == nil || !strings.Contains(err.Error(), "10 rows") {
		t.Fatalf("error %v, want one that counts the rows", err)
	}
}
