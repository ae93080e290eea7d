package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// run runs a pipeline to the end of its source and checks that the account balances.
func (r *rig) run(t *testing.T) map[ingest.Outcome]int {
	t.Helper()
	if err := r.p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r.settle(t)
}

// settle compares the pipeline's account with the outcomes that the source was told.
func (r *rig) settle(t *testing.T) map[ingest.Outcome]int {
	t.Helper()
	s := r.p.Snapshot()
	if !s.Balanced() {
		t.Errorf("the account does not balance: %+v", s)
	}
	outcomes := r.source.count(t)
	got := map[ingest.Outcome]int64{
		ingest.Written: s.Written, ingest.Duplicate: s.Duplicates, ingest.Quarantined: s.Quarantined, ingest.GivenBack: s.GivenBack,
	}
	for o, n := range got {
		if int64(outcomes[o]) != n {
			t.Errorf("outcome %d: the source was told %d, the account says %d", o, outcomes[o], n)
		}
	}
	return outcomes
}

func TestEveryGoodMessageIsWrittenOnce(t *testing.T) {
	store := &sinktest.Store{}
	r := newRig(t, toyConfig, newFakeSource(good(500)...), toyModel(t, openRT(t), "toy", &sinktest.MemorySink{Store: store}))
	if got := r.run(t); got[ingest.Written] != 500 {
		t.Errorf("outcomes %v", got)
	}
	if n := len(store.IDs()); n != 500 {
		t.Errorf("%d records stored", n)
	}
	for _, rec := range store.Records() {
		if rec.Survey != "fake" || string(rec.ObjectID) == "" || len(rec.Embedding) != 4 || rec.Origin.Topic != "fake" {
			t.Fatalf("record %+v", rec)
		}
		if want := schemas.MakeRecordID("fake", rec.ObjectID, rec.ObservationID, rec.Model.Hash); rec.ID != want {
			t.Fatalf("record id %s, want %s", rec.ID, want)
		}
	}
}

func TestRefusedMessagesGoToTheDeadLettersWhole(t *testing.T) {
	values := append(good(40), "bad", "bad", "panic", "bare b")
	r := newRig(t, toyConfig, newFakeSource(values...), toyModel(t, openRT(t), "toy", &sinktest.MemorySink{Store: &sinktest.Store{}}))
	if got := r.run(t); got[ingest.Written] != 40 || got[ingest.Quarantined] != 4 {
		t.Errorf("outcomes %v", got)
	}
	slices.Sort(r.dead.letters)
	want := []string{"internal panic", "missing_band bare b", "truncated bad", "truncated bad"}
	if !slices.Equal(r.dead.letters, want) {
		t.Errorf("dead letters %q", r.dead.letters)
	}
	s := r.p.Snapshot()
	if s.Reasons[Refusal{schemas.StageIngest, schemas.ReasonTruncated}] != 2 || s.Reasons[Refusal{schemas.StagePreprocess, schemas.ReasonMissingBand}] != 1 {
		t.Errorf("reasons %v", s.Reasons)
	}
}

// TestTheAccountHoldsWhatASourceRefusesItself: such an input is not delivered, yet it was read and kept.
func TestTheAccountHoldsWhatASourceRefusesItself(t *testing.T) {
	letters := &fakeDead{}
	refused := NewRefusals(letters, slog.New(slog.DiscardHandler))
	p, err := New(toyConfig, Options{}, []Feed{{
		Source: newFakeSource(good(5)...), Dead: letters, Refused: refused,
		NewDecoder: func() (ingest.Decoder, error) { return &fakeDecoder{}, nil },
	}}, []Model{toyModel(t, openRT(t), "toy", &sinktest.MemorySink{Store: &sinktest.Store{}})})
	if err != nil {
		t.Fatal(err)
	}
	letter := &ingest.DeadLetter{Message: &ingest.Message{}, Fault: schemas.NewFault(schemas.StageIngest, schemas.ReasonBadGzip, "cut")}
	letters.failing = 1
	if err := refused.Put(t.Context(), letter); err == nil {
		t.Error("a letter that was not kept was counted")
	}
	if err := errors.Join(refused.Put(t.Context(), letter), p.Run(t.Context())); err != nil {
		t.Fatal(err)
	}
	s := p.Snapshot()
	if s.Fetched != 6 || s.Written != 5 || s.Quarantined != 1 || s.Reasons[Refusal{schemas.StageIngest, schemas.ReasonBadGzip}] != 1 || !s.Balanced() {
		t.Errorf("account %+v", s)
	}
}

func TestARepeatedMessageIsADuplicate(t *testing.T) {
	values := append(good(100), good(30)...)
	r := newRig(t, toyConfig, newFakeSource(values...), toyModel(t, openRT(t), "toy", &sinktest.MemorySink{Store: &sinktest.Store{}}))
	if got := r.run(t); got[ingest.Written] != 100 || got[ingest.Duplicate] != 30 {
		t.Errorf("outcomes %v", got)
	}
}

func TestDeadLettersAreRetriedUntilTheyAreDurable(t *testing.T) {
	r := newRig(t, toyConfig, newFakeSource("bad", "good a"), toyModel(t, openRT(t), "toy", &sinktest.MemorySink{Store: &sinktest.Store{}}))
	r.dead.failing = 2
	if got := r.run(t); got[ingest.Written] != 1 || got[ingest.Quarantined] != 1 || len(r.dead.letters) != 1 {
		t.Errorf("outcomes %v, letters %q", got, r.dead.letters)
	}
}

func TestADecoderThatWaitsHoldsItsMessage(t *testing.T) {
	r := newRig(t, toyConfig, newFakeSource("later a", "good b"), toyModel(t, openRT(t), "toy", &sinktest.MemorySink{Store: &sinktest.Store{}}))
	if got := r.run(t); got[ingest.Written] != 2 {
		t.Errorf("outcomes %v", got)
	}
}

func TestARecordThatASinkRefusesIsQuarantinedAlone(t *testing.T) {
	refuse := func(_ context.Context, _ int, b *sink.Batch) error {
		for i, r := range b.Records {
			if string(r.ObjectID) == "g7" {
				return &sink.RejectedError{Sink: "memory", Rejects: []sink.Reject{{Index: i, Err: errors.New("too long")}}}
			}
		}
		return nil
	}
	r := newRig(t, toyConfig, newFakeSource(good(50)...), toyModel(t, openRT(t), "toy", &sinktest.MemorySink{Store: &sinktest.Store{}, Fail: refuse}))
	if got := r.run(t); got[ingest.Written] != 49 || got[ingest.Quarantined] != 1 {
		t.Errorf("outcomes %v", got)
	}
	if want := []string{"rejected good g7"}; !slices.Equal(r.dead.letters, want) {
		t.Errorf("dead letters %q", r.dead.letters)
	}
}

func TestASinkThatFailsForAWhileLosesNothing(t *testing.T) {
	flaky := func(_ context.Context, call int, _ *sink.Batch) error {
		if call%3 != 0 {
			return errors.New("away")
		}
		return nil
	}
	store := &sinktest.Store{}
	r := newRig(t, toyConfig, newFakeSource(good(120)...), toyModel(t, openRT(t), "toy", &sinktest.MemorySink{Store: store, Fail: flaky}))
	if got := r.run(t); got[ingest.Written] != 120 || len(store.IDs()) != 120 {
		t.Errorf("outcomes %v, %d stored", got, len(store.IDs()))
	}
}

// brokenAtTheStop fails for good in the moment of the stop.
type brokenAtTheStop struct{ *fakeSource }

func (s brokenAtTheStop) Fetch(ctx context.Context) ([]*ingest.Message, error) {
	<-ctx.Done()
	return nil, errors.New("the disk is gone")
}

func TestAStopHidesNoErrorOfASource(t *testing.T) {
	r := newRig(t, toyConfig, newFakeSource(), toyModel(t, openRT(t), "toy", &sinktest.MemorySink{Store: &sinktest.Store{}}))
	r.p.feeds[0].Source = brokenAtTheStop{r.source}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := r.p.Run(ctx); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("run ended with %v", err)
	}
}

func TestAStopGivesBackWhatASinkDoesNotTake(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stuck := func(ctx context.Context, _ int, _ *sink.Batch) error {
		stop()
		<-ctx.Done()
		return ctx.Err()
	}
	cfg := toyConfig
	cfg.DrainTimeout = 50 * time.Millisecond
	source := newFakeSource(good(300)...)
	source.endless = true
	r := newRig(t, cfg, source, toyModel(t, openRT(t), "toy", &sinktest.MemorySink{Store: &sinktest.Store{}, Fail: stuck}))
	if err := r.p.Run(ctx); err != nil {
		t.Logf("run ended with: %v", err)
	}
	got := r.settle(t)
	if got[ingest.GivenBack] == 0 || got[ingest.Written] != 0 {
		t.Errorf("outcomes %v", got)
	}
}

func TestAStopCarriesThroughWhatIsInFlight(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	source := newFakeSource(good(64)...)
	source.endless = true
	store := &sinktest.Store{}
	first := func(context.Context, int, *sink.Batch) error { stop(); return nil }
	r := newRig(t, toyConfig, source, toyModel(t, openRT(t), "toy", &sinktest.MemorySink{Store: store, Fail: first}))
	if err := r.p.Run(ctx); err != nil {
		t.Fatal(err)
	}
	got := r.settle(t)
	if got[ingest.GivenBack] != 0 || got[ingest.Written] == 0 || got[ingest.Written] != len(store.IDs()) {
		t.Errorf("outcomes %v, %d stored", got, len(store.IDs()))
	}
}

func TestTwoModelsMakeTwoRecordsOfAMessage(t *testing.T) {
	rt := openRT(t)
	a, b := &sinktest.Store{}, &sinktest.Store{}
	r := newRig(t, toyConfig, newFakeSource(append(good(60), "bare x")...),
		toyModel(t, rt, "one", &sinktest.MemorySink{Store: a}), toyModel(t, rt, "two", &sinktest.MemorySink{Store: b}))
	if got := r.run(t); got[ingest.Written] != 60 || got[ingest.Quarantined] != 1 {
		t.Errorf("outcomes %v", got)
	}
	if len(a.IDs()) != 60 || len(b.IDs()) != 60 || len(r.dead.letters) != 1 {
		t.Errorf("%d and %d records, letters %q", len(a.IDs()), len(b.IDs()), r.dead.letters)
	}
	if s := r.p.Sinks(); len(s) != 2 || s[0].Name != "one/memory" || s[1].Name != "two/memory" {
		t.Errorf("two models of one kind of sink cannot be told apart: %+v", s)
	}
	byModel := map[string]int64{}
	for l, n := range r.p.Snapshot().Labels {
		byModel[l.Model] += n
	}
	if byModel["one"] != 60 || byModel["two"] != 60 {
		t.Errorf("records by model %v", byModel)
	}
}

// TestAnyMixtureIsConserved runs random mixtures of messages, sink failures and stops.
func TestAnyMixtureIsConserved(t *testing.T) {
	rt := openRT(t)
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 9))
			values := good(150)
			for i := range values {
				switch rng.IntN(12) {
				case 0:
					values[i] = "bad"
				case 1:
					values[i] = "bare x"
				case 2:
					values[i] = fmt.Sprintf("good g%d", rng.IntN(150))
				}
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			stopAt, failOneIn := 1+rng.IntN(12), 2+rng.IntN(5)
			fail := func(_ context.Context, call int, _ *sink.Batch) error {
				if call == stopAt {
					stop()
				}
				if call%failOneIn == 0 {
					return errors.New("away")
				}
				return nil
			}
			store := &sinktest.Store{}
			r := newRig(t, toyConfig, newFakeSource(values...), toyModel(t, rt, "toy", &sinktest.MemorySink{Store: store, Fail: fail}))
			if err := r.p.Run(ctx); err != nil {
				t.Fatal(err)
			}
			if got := r.settle(t); got[ingest.Written] != len(store.IDs()) {
				t.Errorf("%d written, %d stored", got[ingest.Written], len(store.IDs()))
			}
		})
	}
}

func TestNewRefusesAnEmptyPipeline(t *testing.T) {
	if _, err := New(Config{}, Options{}, nil, nil); err == nil {
		t.Error("accepted")
	}
}
