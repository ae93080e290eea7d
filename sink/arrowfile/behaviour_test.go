package arrowfile

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

func mustWrite(t testing.TB, s *Sink, b *sink.Batch) sink.Report {
	t.Helper()
	var r sink.Report
	if err := s.Write(t.Context(), b, &r); err != nil {
		t.Fatalf("write: %v", err)
	}
	return r
}

func mustClose(t testing.TB, s *Sink) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// metadata reads the schema metadata of a file.
func metadata(t *testing.T, path string) map[string]string {
	t.Helper()
	var md arrow.Metadata
	err := withFile(disk.OS{}, path, func(r Reader) (err error) {
		md, err = IPC{}.Metadata(r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return md.ToMap()
}

func TestFilesSayWhatTheyHold(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(4)
	s := open(t, Config{Dir: dir})
	mustWrite(t, s, sinktest.Batch(m, 10, 20))
	mustClose(t, s)
	files := sealedFiles(t, dir, ".arrow")
	if len(files) != 1 {
		t.Fatalf("files %v, want one", files)
	}
	md := metadata(t, files[0])
	id := strings.TrimSuffix(filepath.Base(files[0]), ".arrow")
	want := map[string]string{
		schemas.MetaModel: m.Name, schemas.MetaModelHash: m.Hash, schemas.MetaEmbedding: "4",
		MetaRows: "20", MetaSegment: id,
		MetaOffsets: `[{"topic":"alerts","partition":0,"first":12,"last":27,"rows":6},` +
			`{"topic":"alerts","partition":1,"first":10,"last":28,"rows":7},` +
			`{"topic":"alerts","partition":2,"first":11,"last":29,"rows":7}]`,
	}
	for key, value := range want {
		if md[key] != value {
			t.Errorf("%s is %s, want %s", key, md[key], value)
		}
	}
	if rel, _ := filepath.Rel(dir, files[0]); rel != filepath.Join("starter-1.2.0-001122334455", segmentDate(id), id+".arrow") {
		t.Errorf("the file is at %s", rel)
	}
}

// TestReadersSeeSealedFilesOnly follows a segment through its life in fake time.
func TestReadersSeeSealedFilesOnly(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := sinktest.Model(4)
		s := open(t, Config{Dir: dir, MaxAge: 15 * time.Minute})
		mustWrite(t, s, sinktest.Batch(m, 0, 10))
		time.Sleep(14 * time.Minute)
		mustWrite(t, s, sinktest.Batch(m, 10, 10))
		synctest.Wait()
		if n := len(readAll(t, dir)); n != 0 {
			t.Fatalf("%d records visible before their segment is old enough", n)
		}
		if left := leftovers(t, dir); len(left) != 1 {
			t.Fatalf("segments %v, want one", left)
		}
		time.Sleep(time.Minute)
		s.mu.Lock()
		attempt := s.attempt
		sealed := len(s.waiting) == 0 && len(leftovers(t, dir)) == 0
		s.mu.Unlock()
		if !sealed {
			<-attempt
		}
		sinktest.CheckRecords(t, readAll(t, dir), sinktest.Records(m, 0, 20), sinktest.AllFields)
		mustWrite(t, s, sinktest.Batch(m, 20, 5))
		mustClose(t, s)
		sinktest.CheckRecords(t, readAll(t, dir), sinktest.Records(m, 0, 25), sinktest.AllFields)
	})
}

func TestSegmentsAreSealedBySize(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(64)
	s := open(t, Config{Dir: dir, MaxBytes: 100_000})
	for i := range 20 {
		mustWrite(t, s, sinktest.Batch(m, 50*i, 50))
	}
	mustClose(t, s)
	files := sealedFiles(t, dir, ".arrow")
	if len(files) < 5 {
		t.Fatalf("%d files of 700 kB in segments of 100 kB", len(files))
	}
	for i := 1; i < len(files); i++ { // names sort by age
		a, b := readFile(t, files[i-1]), readFile(t, files[i])
		if a[len(a)-1].Origin.Offset+1 != b[0].Origin.Offset {
			t.Fatalf("file %d does not go on where the one before ends", i)
		}
	}
}

// TestRecordsKeepTheirOrder reads one file of many batches.
func TestRecordsKeepTheirOrder(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(2)
	s := open(t, Config{Dir: dir})
	for i := range 30 {
		mustWrite(t, s, sinktest.Batch(m, 7*i, 7))
	}
	mustClose(t, s)
	for i, r := range readAll(t, dir) {
		if r.Origin.Offset != int64(i) {
			t.Fatalf("row %d holds record %d", i, r.Origin.Offset)
		}
	}
}

// TestReplayOlderThanTheHorizon replays records whose ids have been forgotten: the offset ranges find
// their files.
func TestReplayOlderThanTheHorizon(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(2)
	s := open(t, Config{Dir: dir, MaxRows: 100, Horizon: 50, LookupFiles: 1})
	for i := range 20 {
		mustWrite(t, s, sinktest.Batch(m, 50*i, 50))
	}
	for restart := range 2 {
		for i := range 20 {
			if r := mustWrite(t, s, sinktest.Batch(m, 50*i, 50)); len(r.Duplicate) != 50 {
				t.Fatalf("restart %d, batch %d: %d duplicates, want 50", restart, i, len(r.Duplicate))
			}
		}
		mustClose(t, s)
		s = open(t, Config{Dir: dir, MaxRows: 100, Horizon: 50, LookupFiles: 1})
	}
	mustClose(t, s)
	sinktest.CheckRecords(t, readAll(t, dir), sinktest.Records(m, 0, 1000), sinktest.AllFields)
}

// TestReplayWithinAnOpenSegment replays records whose ids have been forgotten while their segment is
// still open.
func TestReplayWithinAnOpenSegment(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(2)
	s := open(t, Config{Dir: dir, Horizon: 10})
	for i := range 10 {
		mustWrite(t, s, sinktest.Batch(m, 20*i, 20))
	}
	if r := mustWrite(t, s, sinktest.Batch(m, 0, 200)); len(r.Duplicate) != 200 {
		t.Fatalf("%d duplicates, want 200", len(r.Duplicate))
	}
	mustClose(t, s)
}

// TestOffsetsOfATopicMadeAnew writes other records under offsets that files cover: they are not
// duplicates, the ids decide.
func TestOffsetsOfATopicMadeAnew(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(2)
	s := open(t, Config{Dir: dir, MaxRows: 50, Horizon: 10})
	for i := range 4 {
		mustWrite(t, s, sinktest.Batch(m, 50*i, 50))
	}
	mustClose(t, s)
	s = open(t, Config{Dir: dir, MaxRows: 50, Horizon: 10})
	b := sinktest.Batch(m, 1000, 100)
	for i := range b.Records {
		b.Records[i].Origin.Offset = int64(i)
	}
	if r := mustWrite(t, s, b); r.Written != 100 {
		t.Fatalf("%d of 100 new records written: offsets alone made duplicates", r.Written)
	}
	mustClose(t, s)
}

// TestAFileMovedAwayIsForgotten takes a sealed file out of the folder while the sink is open.
func TestAFileMovedAwayIsForgotten(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(2)
	s := open(t, Config{Dir: dir, MaxRows: 50, Horizon: 10})
	for i := range 6 {
		mustWrite(t, s, sinktest.Batch(m, 50*i, 50))
	}
	mustClose(t, s)
	s = open(t, Config{Dir: dir, MaxRows: 50, Horizon: 10})
	if err := os.Remove(sealedFiles(t, dir, ".arrow")[0]); err != nil {
		t.Fatal(err)
	}
	if r := mustWrite(t, s, sinktest.Batch(m, 0, 100)); r.Written != 50 || len(r.Duplicate) != 50 {
		t.Fatalf("%d written, %d duplicates, want 50 of each", r.Written, len(r.Duplicate))
	}
	mustClose(t, s)
}

func TestModelsHaveFoldersOfTheirOwn(t *testing.T) {
	dir := t.TempDir()
	a, b := sinktest.Model(4), sinktest.Model(0)
	b.Name, b.Hash = "other", "ff"+a.Hash[2:]
	recipe := *a
	recipe.RecipeHash = a.Hash // the same folder, another schema
	s := open(t, Config{Dir: dir})
	for i := range 6 {
		mustWrite(t, s, sinktest.Batch(a, 10*i, 10))
		mustWrite(t, s, sinktest.Batch(b, 10*i, 10))
	}
	mustWrite(t, s, sinktest.Batch(&recipe, 60, 10))
	mustClose(t, s)
	files := sealedFiles(t, dir, ".arrow")
	if len(files) != 3 {
		t.Fatalf("files %v, want three", files)
	}
	var want []schemas.Record
	want = append(append(append(want, sinktest.Records(a, 0, 60)...), sinktest.Records(b, 0, 60)...), sinktest.Records(&recipe, 60, 10)...)
	sinktest.CheckRecords(t, readAll(t, dir), want, sinktest.AllFields)
	for _, f := range files {
		md := metadata(t, f)
		for _, r := range readFile(t, f) {
			if md[schemas.MetaModelHash] != r.Model.Hash || md[schemas.MetaRecipeHash] != r.Model.RecipeHash {
				t.Fatalf("%s holds a record of another model or recipe", f)
			}
		}
	}
}

func TestOneOwnerOfTheFolder(t *testing.T) {
	cfg := Config{Dir: t.TempDir()}
	s := open(t, cfg)
	if _, err := Open(cfg); !errors.Is(err, disk.ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Fatalf("error %v, want ErrLocked with the process", err)
	}
	mustClose(t, s)
	mustClose(t, open(t, cfg))
}

// TestDamageInASegmentIsAnError flips a byte of what was acknowledged.
func TestDamageInASegmentIsAnError(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(2)
	s := open(t, Config{Dir: dir})
	mustWrite(t, s, sinktest.Batch(m, 0, 10))
	mustWrite(t, s, sinktest.Batch(m, 10, 10))
	if err := s.Abandon(); err != nil {
		t.Fatal(err)
	}
	path := leftovers(t, dir)[0]
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var damage *disk.DamageError
	if _, err := Open(Config{Dir: dir}); !errors.As(err, &damage) || damage.Path != path {
		t.Fatalf("error %v, want a DamageError of %s", err, path)
	}
	if err := os.Rename(path, path+".kept"); err != nil { // the way out that the error names
		t.Fatal(err)
	}
	mustClose(t, open(t, Config{Dir: dir}))
}

// TestForeignFilesAreLeftAlone puts files that are not ours where ours are.
func TestForeignFilesAreLeftAlone(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(2)
	s := open(t, Config{Dir: dir})
	mustWrite(t, s, sinktest.Batch(m, 0, 10))
	mustClose(t, s)
	day := filepath.Dir(sealedFiles(t, dir, ".arrow")[0])
	foreign := []string{
		filepath.Join(dir, "README"), filepath.Join(day, "notes.arrow"),
		filepath.Join(day, "20200101T000000.000000Z.arrow"), filepath.Join(filepath.Dir(day), "_other.open"),
	}
	for _, path := range foreign {
		if err := os.WriteFile(path, []byte("ARROW1 not quite"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, Config{Dir: dir}, quiet)
	if r := mustWrite(t, s, sinktest.Batch(m, 0, 20)); r.Written != 10 {
		t.Fatalf("%d written, want 10", r.Written)
	}
	mustClose(t, s)
	for _, path := range foreign {
		if text, err := os.ReadFile(path); err != nil || string(text) != "ARROW1 not quite" {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
}

// TestSealedBatchesAreLarge joins the small batches of many writes.
func TestSealedBatchesAreLarge(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(0)
	s := open(t, Config{Dir: dir})
	for i := range 40 {
		mustWrite(t, s, sinktest.Batch(m, 10*i, 10))
	}
	mustClose(t, s)
	f, err := os.Open(sealedFiles(t, dir, ".arrow")[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := ipc.NewFileReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.NumRecords() != 1 {
		t.Fatalf("%d record batches for 400 small records, want one", r.NumRecords())
	}
}

// countingReader counts the bytes asked of a file.
type countingReader struct {
	Reader
	n int64
}

func (r *countingReader) ReadAt(p []byte, pos int64) (int, error) {
	r.n += int64(len(p))
	return r.Reader.ReadAt(p, pos)
}

// TestIDsAreReadWithoutTheRest reads the ids of a file whose record batches are longer than what is
// fetched of each.
func TestIDsAreReadWithoutTheRest(t *testing.T) {
	dir, m := t.TempDir(), sinktest.Model(512)
	s := open(t, Config{Dir: dir})
	want := sinktest.Records(m, 0, 8000)
	mustWrite(t, s, &sink.Batch{Model: m, Records: want})
	mustClose(t, s)
	path := sealedFiles(t, dir, ".arrow")[0]
	size, err := disk.OS{}.Size(path)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	var counter *countingReader
	err = withFile(disk.OS{}, path, func(r Reader) error {
		counter = &countingReader{Reader: r}
		return IPC{}.RecordIDs(counter, idVisitor(func(id schemas.RecordID) {
			if i < len(want) && id != want[i].ID {
				t.Fatalf("row %d has id %s, want %s", i, id, want[i].ID)
			}
			i++
		}))
	})
	if err != nil || i != len(want) {
		t.Fatalf("%d ids, %v, want %d", i, err, len(want))
	}
	if counter.n > size/2 {
		t.Fatalf("%d of %d bytes read for the ids", counter.n, size)
	}
}

func TestConfigListsEveryFault(t *testing.T) {
	err := Config{MaxRows: -1, MaxBytes: -1, MaxAge: -1, Horizon: -1, LookupFiles: -1}.Validate()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 6 {
		t.Fatalf("faults: %v, want six", err)
	}
	if err := (Config{Dir: "x"}).Validate(); err != nil {
		t.Fatalf("defaults: %v", err)
	}
}
