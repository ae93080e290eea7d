package index

import (
	"errors"
	"math"
	"slices"
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

func (f *folder) Open(t *testing.T) sink.Sink { return open(t, f.cfg) }

func (f *folder) Crash(t *testing.T, s sink.Sink) {
	if err := s.(*Index).release(); err != nil { // Close would do no more: everything is durable
		t.Fatal(err)
	}
}

// Read opens the index and collects everything in it, as a search with no bound would.
func (f *folder) Read(t *testing.T) []schemas.Record {
	x := open(t, f.cfg)
	defer x.Close(t.Context())
	var out []schemas.Record
	err := x.store.each(func(e *entry) error {
		vector, err := x.Get(t.Context(), e.id)
		if err != nil {
			return err
		}
		out = append(out, schemas.Record{
			ID: e.id, Survey: e.survey, ObjectID: []byte(e.object), ObservationID: []byte(e.obs),
			RA: e.ra, Dec: e.dec, ObservedAt: observedTime(e.observed),
			Label: slices.Index(x.model.Classes, e.label), Probability: e.prob, Embedding: vector,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t testing.TB, cfg Config, opts ...Option) *Index {
	t.Helper()
	x, err := Open(cfg, opts...)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return x
}

func mustWrite(t testing.TB, x *Index, b *sink.Batch) sink.Report {
	t.Helper()
	var r sink.Report
	if err := x.Write(t.Context(), b, &r); err != nil {
		t.Fatalf("write: %v", err)
	}
	return r
}

func TestIndexConforms(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		New: func(t *testing.T, m *schemas.ModelInfo) sinktest.Backend {
			return &folder{cfg: Config{Dir: t.TempDir(), Model: m}}
		},
		Features: sinktest.Features{
			NeedsEmbedding: true, Remembers: sinktest.Durable, KeepsLast: true,
			Fields: sinktest.Position | sinktest.ObservedAt | sinktest.Embedding,
		},
	})
}

func TestFullIndexRefusesUntilGivenRoom(t *testing.T) {
	m := sinktest.Model(4)
	cfg := Config{Dir: t.TempDir(), Model: m, MaxVectors: 10}
	x := open(t, cfg)
	mustWrite(t, x, sinktest.Batch(m, 0, 8))
	var r sink.Report
	err := x.Write(t.Context(), sinktest.Batch(m, 6, 5), &r)
	if !errors.Is(err, ErrFull) || !sink.Retryable(err) {
		t.Fatalf("11 records in room for 10: error %v, want a retryable ErrFull", err)
	}
	if x.Len() != 8 {
		t.Fatalf("%d records held after the refusal, want 8", x.Len())
	}
	mustWrite(t, x, sinktest.Batch(m, 6, 4))
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg.MaxVectors = 9
	if _, err := Open(cfg); !errors.Is(err, ErrFull) {
		t.Fatalf("opening 10 records with room for 9: error %v, want ErrFull", err)
	}
	cfg.MaxVectors = 11
	x = open(t, cfg)
	defer x.Close(t.Context())
	mustWrite(t, x, sinktest.Batch(m, 10, 1))
}

func TestDropOldestKeepsTheLast(t *testing.T) {
	m := sinktest.Model(4)
	cfg := Config{Dir: t.TempDir(), Model: m, MaxVectors: 100, Overflow: DropOldest}
	x := open(t, cfg)
	for i := range 25 {
		mustWrite(t, x, sinktest.Batch(m, i*10, 10))
	}
	check := func(stage string) {
		t.Helper()
		if x.Len() != 100 {
			t.Fatalf("%s: %d records held, want 100", stage, x.Len())
		}
		for _, r := range sinktest.Records(m, 0, 250) {
			_, err := x.Get(t.Context(), r.ID)
			if want := r.Origin.Offset >= 150; want != (err == nil) {
				t.Fatalf("%s: record %d: error %v, want held %v", stage, r.Origin.Offset, err, want)
			}
		}
	}
	check("before restart")
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	x = open(t, cfg)
	check("after restart")
	if err := x.compact(); err != nil {
		t.Fatal(err)
	}
	check("after a rewrite")
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	x = open(t, cfg)
	defer x.Close(t.Context())
	check("after a rewrite and restart")
	if x.log.entries != 100 || x.log.generation != 2 {
		t.Fatalf("log holds %d entries in generation %d, want 100 in 2", x.log.entries, x.log.generation)
	}
}

func TestLogIsRewrittenWhenMostOfItIsOld(t *testing.T) {
	m := sinktest.Model(2)
	cfg := Config{Dir: t.TempDir(), Model: m, MaxVectors: 500, Overflow: DropOldest}
	x := open(t, cfg)
	defer x.Close(t.Context())
	for i := range 60 {
		mustWrite(t, x, sinktest.Batch(m, i*500, 500))
		if x.log.entries > 2*500+10_000+500 {
			t.Fatalf("the log has grown to %d entries for %d vectors", x.log.entries, x.Len())
		}
	}
	if x.log.generation == 1 {
		t.Fatal("30,000 entries through an index of 500 and no rewrite")
	}
	files, err := disk.OS{}.ReadDir(x.log.dir)
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v (%v), want the newest generation alone", files, err)
	}
}

func TestOtherModelIsRefused(t *testing.T) {
	m := sinktest.Model(4)
	x := open(t, Config{Dir: t.TempDir(), Model: m})
	defer x.Close(t.Context())
	other := sinktest.Model(4)
	other.Hash = "ff" + other.Hash[2:]
	var r sink.Report
	var rejected *sink.RejectedError
	if err := x.Write(t.Context(), sinktest.Batch(other, 0, 3), &r); !errors.As(err, &rejected) || len(rejected.Rejects) != 3 {
		t.Fatalf("error %v, want three refusals", err)
	}
}

func TestVectorsWithoutDirectionAreRefused(t *testing.T) {
	m := sinktest.Model(4)
	x := open(t, Config{Dir: t.TempDir(), Model: m})
	defer x.Close(t.Context())
	b := sinktest.Batch(m, 0, 6)
	inf := float32(math.Inf(1))
	clear(b.Records[1].Embedding)
	b.Records[2].Embedding[3] = inf - inf
	b.Records[3].Embedding[0] = inf
	b.Records[4].Embedding[2] = 1e30
	var r sink.Report
	var rejected *sink.RejectedError
	if err := x.Write(t.Context(), b, &r); !errors.As(err, &rejected) {
		t.Fatalf("error %v, want a RejectedError", err)
	}
	var got []int
	for _, reject := range rejected.Rejects {
		got = append(got, reject.Index)
		if schemas.AsFault(reject.Err) == nil {
			t.Errorf("record %d: cause %v is not a Fault", reject.Index, reject.Err)
		}
	}
	if !slices.Equal(got, []int{1, 2, 3, 4}) || r.Written != 2 {
		t.Fatalf("refused %v and wrote %d, want 1 to 4 refused and 2 written", got, r.Written)
	}
}

func TestOneOwnerOfTheFolder(t *testing.T) {
	m := sinktest.Model(4)
	cfg := Config{Dir: t.TempDir(), Model: m}
	x := open(t, cfg)
	if _, err := Open(cfg); !errors.Is(err, disk.ErrLocked) {
		t.Fatalf("second open: error %v, want ErrLocked", err)
	}
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	open(t, cfg).Close(t.Context())
}

func TestConfigListsEveryFault(t *testing.T) {
	err := Config{MaxVectors: -1, Overflow: 7, SearchWorkers: -1}.Validate()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 5 {
		t.Fatalf("faults: %v, want five", err)
	}
	if err := (Config{Dir: "x", Model: sinktest.Model(1)}).Validate(); err != nil {
		t.Fatalf("defaults: %v", err)
	}
}
