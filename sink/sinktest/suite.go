package sinktest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// embeddingLength is the length of the embeddings of the suite's records.
const embeddingLength = 8

// Run holds a sink to the contract.
func Run(t *testing.T, h Harness) {
	t.Run("BatchSizes", h.batchSizes)
	t.Run("SameBatchTwice", h.sameBatchTwice)
	t.Run("DuplicatesInsideABatch", h.duplicatesInside)
	t.Run("SameIDOtherContents", h.sameIDOtherContents)
	t.Run("RestartAfterClose", func(t *testing.T) { h.restart(t, false) })
	t.Run("RestartAfterCrash", func(t *testing.T) { h.restart(t, true) })
	t.Run("PartialFailure", h.partialFailure)
	t.Run("CancelledContext", h.cancelled)
	t.Run("BatchMemoryIsTheCallers", h.ownership)
	t.Run("Close", h.close)
	t.Run("EmptyEmbedding", h.emptyEmbedding)
}

// trial is one test's storage and the sink open on it.
type trial struct {
	t      *testing.T
	h      *Harness
	store  Backend
	sink   sink.Sink
	report sink.Report
	want   []schemas.Record
}

func (h *Harness) start(t *testing.T, embedding int) (*trial, *schemas.ModelInfo) {
	m := Model(embedding)
	s := &trial{t: t, h: h, store: h.New(t, m)}
	s.sink = s.store.Open(t)
	return s, m
}

// write writes records that must all be accepted.
func (s *trial) write(b *sink.Batch) {
	s.t.Helper()
	if err := s.sink.Write(s.t.Context(), b, &s.report); err != nil {
		s.t.Fatalf("write of %d records: %v", len(b.Records), err)
	}
	if got := s.report.Written + len(s.report.Duplicate); got != len(b.Records) {
		s.t.Fatalf("report accounts for %d of %d records", got, len(b.Records))
	}
	if !slices.IsSorted(s.report.Duplicate) {
		s.t.Fatalf("duplicates are not ascending: %v", s.report.Duplicate)
	}
}

// closeAndCheck closes the sink and compares what a reader sees with want.
func (s *trial) closeAndCheck(repeats bool) {
	s.t.Helper()
	if err := s.sink.Close(s.t.Context()); err != nil {
		s.t.Fatalf("close: %v", err)
	}
	checkRecords(s.t, s.store.Read(s.t), s.want, s.h.Fields, repeats)
}

// wantDuplicates checks the report of a batch whose records were all written before.
func (s *trial) wantDuplicates(n int, known bool) {
	s.t.Helper()
	want := 0
	if known {
		want = n
	}
	if got := len(s.report.Duplicate); got != want {
		s.t.Fatalf("reported %d duplicates of %d records written before, want %d", got, n, want)
	}
}

func (h *Harness) batchSizes(t *testing.T) {
	s, m := h.start(t, embeddingLength)
	for _, n := range []int{0, 1, 2, 7, 64, 1000, 1, 0, 129} {
		b := Batch(m, len(s.want), n)
		s.write(b)
		if s.report.Written != n {
			t.Fatalf("wrote %d of %d new records", s.report.Written, n)
		}
		s.want = append(s.want, b.Records...)
	}
	s.closeAndCheck(false)
}

func (h *Harness) sameBatchTwice(t *testing.T) {
	s, m := h.start(t, embeddingLength)
	s.want = Records(m, 0, 50)
	s.write(Batch(m, 0, 30))
	s.write(Batch(m, 0, 30))
	s.wantDuplicates(30, h.Remembers >= Process)
	s.write(Batch(m, 20, 30))
	s.wantDuplicates(10, h.Remembers >= Process)
	if h.Remembers >= Process && !slices.Equal(s.report.Duplicate, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
		t.Fatalf("duplicates at %v, want the first ten", s.report.Duplicate)
	}
	s.closeAndCheck(false)
}

func (h *Harness) duplicatesInside(t *testing.T) {
	s, m := h.start(t, embeddingLength)
	s.want = Records(m, 0, 10)
	b := Batch(m, 0, 10)
	b.Records = append(b.Records, Records(m, 3, 4)...)
	s.write(b)
	s.wantDuplicates(4, h.Remembers >= Process)
	s.closeAndCheck(false)
}

func (h *Harness) sameIDOtherContents(t *testing.T) {
	s, m := h.start(t, embeddingLength)
	s.want = Records(m, 0, 5)
	s.write(Batch(m, 0, 5))
	other := Batch(m, 0, 5)
	for i := range other.Records {
		r := &other.Records[i]
		r.Label = (r.Label + 1) % len(m.Classes)
		r.Probability = 0.25
		r.Embedding[0] += 0.5
	}
	s.write(other)
	if h.KeepsLast {
		s.want = other.Records
	}
	s.closeAndCheck(false)
}

func (h *Harness) restart(t *testing.T, crash bool) {
	s, m := h.start(t, embeddingLength)
	for i := range 4 {
		s.write(Batch(m, i*40, 40))
	}
	if crash {
		s.store.Crash(t, s.sink)
	} else if err := s.sink.Close(t.Context()); err != nil {
		t.Fatalf("close: %v", err)
	}
	s.sink = s.store.Open(t)
	s.write(Batch(m, 80, 80)) // what an uncommitted offset brings back
	s.wantDuplicates(80, h.Remembers == Durable)
	s.write(Batch(m, 160, 40))
	s.want = Records(m, 0, 200)
	s.closeAndCheck(h.Appends)
}

func (h *Harness) partialFailure(t *testing.T) {
	s, m := h.start(t, embeddingLength)
	b := Batch(m, 0, 20)
	b.Records[3].Embedding = b.Records[3].Embedding[:embeddingLength-1]
	b.Records[11].Label = len(m.Classes)
	err := s.sink.Write(t.Context(), b, &s.report)
	var rejected *sink.RejectedError
	if !errors.As(err, &rejected) {
		t.Fatalf("two records do not fit the model: got error %v, want a RejectedError", err)
	}
	if len(rejected.Rejects) != 2 || rejected.Rejects[0].Index != 3 || rejected.Rejects[1].Index != 11 {
		t.Fatalf("refused %+v, want records 3 and 11", rejected.Rejects)
	}
	if s.report.Written != 18 {
		t.Fatalf("wrote %d records, want the other 18", s.report.Written)
	}
	for i, r := range Records(m, 0, 20) {
		if i != 3 && i != 11 {
			s.want = append(s.want, r)
		}
	}
	s.closeAndCheck(false)
}

func (h *Harness) cancelled(t *testing.T) {
	s, m := h.start(t, embeddingLength)
	s.write(Batch(m, 0, 10))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.sink.Write(ctx, Batch(m, 10, 10), &s.report); err == nil {
		t.Fatal("a write with a cancelled context succeeded: it must not start")
	} else if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want one that is context.Canceled", err)
	}
	s.write(Batch(m, 10, 10))
	s.want = Records(m, 0, 20)
	s.closeAndCheck(false)
}

func (h *Harness) ownership(t *testing.T) {
	s, m := h.start(t, embeddingLength)
	s.want = Records(m, 0, 30)
	b := Batch(m, 0, 30)
	s.write(b)
	for i := range b.Records {
		r := &b.Records[i]
		clear(r.ObjectID)
		clear(r.ObservationID)
		clear(r.Embedding)
		clear(r.Probabilities)
	}
	s.closeAndCheck(false)
}

func (h *Harness) close(t *testing.T) {
	s, m := h.start(t, embeddingLength)
	if s.sink.Name() == "" {
		t.Fatal("the sink has no name")
	}
	if err := s.sink.Close(t.Context()); err != nil {
		t.Fatalf("close with nothing written: %v", err)
	}
	if err := s.sink.Close(t.Context()); err != nil {
		t.Fatalf("second close: %v", err)
	}
	if err := s.sink.Write(t.Context(), Batch(m, 0, 1), &s.report); !errors.Is(err, sink.ErrClosed) {
		t.Fatalf("write after close: error %v, want sink.ErrClosed", err)
	}
	if n := len(s.store.Read(t)); n != 0 {
		t.Fatalf("read %d records, want none", n)
	}
}

func (h *Harness) emptyEmbedding(t *testing.T) {
	if h.NeedsEmbedding {
		t.Skip("the sink stores vectors only")
	}
	s, m := h.start(t, 0)
	s.want = Records(m, 0, 12)
	s.write(Batch(m, 0, 12))
	s.closeAndCheck(false)
}
