package arrowfile

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// folder is a Backend on a folder of its own.
type folder struct{ cfg Config }

func newFolder(t *testing.T, _ *schemas.ModelInfo) sinktest.Backend {
	return &folder{cfg: Config{Dir: t.TempDir()}}
}

func (f *folder) Open(t *testing.T) sink.Sink { return open(t, f.cfg) }

func (f *folder) Crash(t *testing.T, s sink.Sink) {
	if err := s.(*Sink).Abandon(); err != nil {
		t.Fatal(err)
	}
}

func (f *folder) Read(t *testing.T) []schemas.Record { return readAll(t, f.cfg.Dir) }

func open(t *testing.T, cfg Config, opts ...Option) *Sink {
	t.Helper()
	s, err := Open(cfg, opts...)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Abandon() })
	return s
}

// readAll decodes every sealed file under dir.
func readAll(t *testing.T, dir string) []schemas.Record {
	t.Helper()
	var out []schemas.Record
	for _, path := range sealedFiles(t, dir, ".arrow") {
		out = append(out, readFile(t, path)...)
	}
	return out
}

func TestArrowFilesConform(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		New:      newFolder,
		Features: sinktest.Features{Remembers: sinktest.Durable, Fields: sinktest.AllFields},
	})
}

// TestManySmallSegmentsConform seals after every few records, so that the suite meets rotation, the
// sealer and the look-up in older files all the time.
func TestManySmallSegmentsConform(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		New: func(t *testing.T, _ *schemas.ModelInfo) sinktest.Backend {
			return &folder{cfg: Config{Dir: t.TempDir(), MaxRows: 15, Horizon: 10, LookupFiles: 1}}
		},
		Features: sinktest.Features{Remembers: sinktest.Durable, Fields: sinktest.AllFields},
	})
}

var _ disk.FS = disk.OS{}
