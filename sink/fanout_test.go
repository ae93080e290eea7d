package sink_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// failing is what MemorySink.Fail takes.
type failing = func(ctx context.Context, call int, b *sink.Batch) error

func memory(name string, fail failing) *sinktest.MemorySink {
	return &sinktest.MemorySink{SinkName: name, Store: &sinktest.Store{}, Fail: fail}
}

func fanout(t *testing.T, sinks ...sink.Sink) *sink.Fanout {
	t.Helper()
	f, err := sink.NewFanout(sink.FanoutConfig{}, sinks...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// ids lists the ids of records.
func ids(records []schemas.Record) map[schemas.RecordID]bool {
	out := map[schemas.RecordID]bool{}
	for i := range records {
		out[records[i].ID] = true
	}
	return out
}

func count(r *sink.Result, o sink.Outcome) (n int) {
	for _, got := range r.Outcomes {
		if got == o {
			n++
		}
	}
	return n
}

func TestEverySinkGetsEveryRecord(t *testing.T) {
	a, b, c := memory("a", nil), memory("b", nil), memory("c", nil)
	f := fanout(t, a, b, c)
	m := sinktest.Model(4)
	var result sink.Result
	for i := range 5 {
		if err := f.Write(t.Context(), sinktest.Batch(m, 20*i, 20), &result); err != nil {
			t.Fatal(err)
		}
		if count(&result, sink.Written) != 20 {
			t.Fatalf("outcomes %v, want 20 written", result.Outcomes)
		}
	}
	want := ids(sinktest.Records(m, 0, 100))
	for _, s := range []*sinktest.MemorySink{a, b, c} {
		if !maps.Equal(s.Store.IDs(), want) {
			t.Fatalf("sink %s holds %d records, want 100", s.Name(), len(s.Store.IDs()))
		}
	}
}

func TestTheFirstSinkJudgesDuplicates(t *testing.T) {
	m := sinktest.Model(4)
	judge, other := memory("judge", nil), memory("other", nil)
	var report sink.Report
	if err := judge.Write(t.Context(), sinktest.Batch(m, 0, 5), &report); err != nil {
		t.Fatal(err)
	}
	if err := other.Write(t.Context(), sinktest.Batch(m, 5, 5), &report); err != nil {
		t.Fatal(err)
	}
	var result sink.Result
	if err := fanout(t, judge, other).Write(t.Context(), sinktest.Batch(m, 0, 10), &result); err != nil {
		t.Fatal(err)
	}
	for i, o := range result.Outcomes {
		want := sink.Written
		if i < 5 {
			want = sink.Duplicate
		}
		if o != want {
			t.Errorf("record %d is %v, want %v", i, o, want)
		}
	}
}

// TestTransientErrorsAreRetriedWithBackoff counts the attempts and the waits in fake time.
func TestTransientErrorsAreRetriedWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		flaky := memory("flaky", func(_ context.Context, call int, _ *sink.Batch) error {
			at = append(at, time.Now())
			if call <= 12 {
				return fmt.Errorf("write /data/x: %w", syscall.ENOSPC)
			}
			return nil
		})
		healthy := memory("healthy", nil)
		f := fanout(t, healthy, flaky)
		m := sinktest.Model(0)
		var result sink.Result
		if err := f.Write(t.Context(), sinktest.Batch(m, 0, 3), &result); err != nil {
			t.Fatal(err)
		}
		if healthy.Calls() != 1 {
			t.Errorf("the healthy sink was called %d times, want once", healthy.Calls())
		}
		if len(at) != 13 || count(&result, sink.Written) != 3 {
			t.Fatalf("%d attempts, outcomes %v", len(at), result.Outcomes)
		}
		for i := range len(at) - 1 {
			ceiling := min(50*time.Millisecond<<i, 10*time.Second)
			if d := at[i+1].Sub(at[i]); d < ceiling/2 || d > ceiling {
				t.Errorf("wait %d is %s, want between %s and %s", i, d, ceiling/2, ceiling)
			}
		}
	})
}

func TestStatesShowASinkThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		down := memory("down", func(_ context.Context, call int, _ *sink.Batch) error {
			if time.Since(start) < time.Hour {
				return errors.New("broker away")
			}
			return nil
		})
		f := fanout(t, memory("up", nil), down)
		done := make(chan error)
		go func() {
			var result sink.Result
			done <- f.Write(t.Context(), sinktest.Batch(sinktest.Model(0), 0, 2), &result)
		}()
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		states := f.States()
		if s := states[0]; !s.Healthy || s.Name != "up" || s.Written != 2 {
			t.Errorf("state of the healthy sink: %+v", s)
		}
		if s := states[1]; s.Healthy || s.LastError != "broker away" || s.Attempts < 100 || !s.Since.Equal(start) {
			t.Errorf("state of the sink that is away: %+v", s)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if s := f.States()[1]; !s.Healthy || s.LastError != "" || s.Attempts != 0 || s.Retries < 100 || s.Since.Equal(start) {
			t.Errorf("state after recovery: %+v", s)
		}
	})
}

func TestAServerThatSaysWhenIsObeyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		busy := memory("busy", func(_ context.Context, call int, _ *sink.Batch) error {
			if call == 1 {
				return &sink.BusyError{After: time.Minute, Err: errors.New("slow down")}
			}
			return nil
		})
		var result sink.Result
		if err := fanout(t, busy).Write(t.Context(), sinktest.Batch(sinktest.Model(0), 0, 1), &result); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != time.Minute {
			t.Fatalf("waited %s, want one minute", d)
		}
	})
}

func TestContextEndsTheRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("away")
		f := fanout(t, memory("a", nil), memory("b", func(context.Context, int, *sink.Batch) error { return away }))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var result sink.Result
		err := f.Write(ctx, sinktest.Batch(sinktest.Model(0), 0, 4), &result)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, away) {
			t.Fatalf("error %v, want the deadline and the cause", err)
		}
	})
}

func TestASinkThatBlocksIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fanout(t, memory("a", nil), memory("slow", func(ctx context.Context, _ int, _ *sink.Batch) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var result sink.Result
		if err := f.Write(ctx, sinktest.Batch(sinktest.Model(0), 0, 1), &result); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error %v, want DeadlineExceeded", err)
		}
	})
}

func TestNamedRefusals(t *testing.T) {
	m := sinktest.Model(4)
	a := memory("a", nil)
	b := memory("b", func(_ context.Context, _ int, b *sink.Batch) error {
		return &sink.RejectedError{Sink: "b", Rejects: []sink.Reject{{Index: 2, Err: errors.New("no")}, {Index: 7, Err: errors.New("never")}}}
	})
	var result sink.Result
	if err := fanout(t, a, b).Write(t.Context(), sinktest.Batch(m, 0, 10), &result); err != nil {
		t.Fatal(err)
	}
	for i, o := range result.Outcomes {
		if want := i == 2 || i == 7; want != (o == sink.Rejected) {
			t.Errorf("record %d is %v", i, o)
		}
	}
	if len(result.Rejections) != 2 || result.Rejections[1].Sink != "b" || result.Rejections[1].Err.Error() != "never" {
		t.Errorf("rejections %+v", result.Rejections)
	}
	f := result.Rejections[0].Fault()
	if f.Reason != schemas.ReasonRejected || f.Stage != schemas.StageSink {
		t.Errorf("fault %v", f)
	}
	if len(a.Store.IDs()) != 10 || len(b.Store.IDs()) != 8 {
		t.Errorf("stored %d and %d, want 10 and 8", len(a.Store.IDs()), len(b.Store.IDs()))
	}
}

func TestARecordRefusedTwiceIsReportedOnce(t *testing.T) {
	refuse := func(name string) *sinktest.MemorySink {
		return memory(name, func(context.Context, int, *sink.Batch) error {
			return &sink.RejectedError{Sink: name, Rejects: []sink.Reject{{Index: 0, Err: errors.New(name)}}}
		})
	}
	var result sink.Result
	err := fanout(t, refuse("a"), refuse("b")).Write(t.Context(), sinktest.Batch(sinktest.Model(0), 0, 2), &result)
	if err != nil || len(result.Rejections) != 1 || result.Rejections[0].Sink != "a" {
		t.Fatalf("%v, rejections %+v, want one, of the first sink", err, result.Rejections)
	}
}

func TestClosedSinkGivesTheBatchBack(t *testing.T) {
	a, b := memory("a", nil), memory("b", nil)
	f := fanout(t, a, b)
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var result sink.Result
	if err := f.Write(t.Context(), sinktest.Batch(sinktest.Model(0), 0, 3), &result); !errors.Is(err, sink.ErrClosed) {
		t.Fatalf("error %v, want ErrClosed: the records are not to blame", err)
	}
	if s := f.States()[1]; s.Healthy || s.LastError == "" {
		t.Fatalf("state of the closed sink: %+v", s)
	}
	if err := f.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Write(t.Context(), sinktest.Batch(sinktest.Model(0), 0, 1), &sink.Report{}); !errors.Is(err, sink.ErrClosed) {
		t.Fatalf("error %v: Close of the fan-out did not close its sinks", err)
	}
}

func TestRetryable(t *testing.T) {
	fault := schemas.NewFault(schemas.StageSink, schemas.ReasonRejected, "no")
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("anything"), true},
		{syscall.ENOSPC, true},
		{context.DeadlineExceeded, true},
		{&sink.BusyError{After: 1, Err: errors.New("busy")}, true},
		{sink.ErrClosed, false},
		{fmt.Errorf("s: %w", sink.ErrClosed), false},
		{fault, false},
		{fmt.Errorf("s: %w", fault), false},
		{sink.Permanent(errors.New("too large")), false},
		{fmt.Errorf("s: %w", sink.Permanent(errors.New("too large"))), false},
		{&sink.RejectedError{Sink: "s", Rejects: []sink.Reject{{Err: fault}}}, false},
	} {
		if got := sink.Retryable(c.err); got != c.want {
			t.Errorf("Retryable(%v) = %v, want %v", c.err, got, c.want)
		}
	}
	if sink.Permanent(nil) != nil {
		t.Error("Permanent(nil) is an error")
	}
}

func TestFanoutConfigFaults(t *testing.T) {
	if _, err := sink.NewFanout(sink.FanoutConfig{}); err == nil {
		t.Error("a fan-out without sinks was accepted")
	}
	for _, c := range []sink.FanoutConfig{{MinBackoff: -1}, {MaxBackoff: -1}, {MinBackoff: time.Minute, MaxBackoff: time.Second}} {
		if err := c.Validate(); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	for _, c := range []sink.FanoutConfig{{}, {MinBackoff: time.Minute}, {MaxBackoff: time.Minute}} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// nowhere accepts everything at no cost.
type nowhere struct{}

func (nowhere) Name() string { return "nowhere" }
func (nowhere) Write(_ context.Context, b *sink.Batch, r *sink.Report) error {
	r.Written = len(b.Records)
	return nil
}
func (nowhere) Close(context.Context) error { return nil }

func TestWriteToOneSinkAllocatesNothing(t *testing.T) {
	f := fanout(t, nowhere{})
	b := sinktest.Batch(sinktest.Model(0), 0, 512)
	var result sink.Result
	write := func() {
		if err := f.Write(context.Background(), b, &result); err != nil {
			t.Fatal(err)
		}
	}
	write()
	if n := testing.AllocsPerRun(100, write); n != 0 {
		t.Fatalf("%v allocations a batch of 512, want 0", n)
	}
}

func BenchmarkFanout(b *testing.B) {
	f, err := sink.NewFanout(sink.FanoutConfig{}, nowhere{}, nowhere{}, nowhere{})
	if err != nil {
		b.Fatal(err)
	}
	batch := sinktest.Batch(sinktest.Model(0), 0, 512)
	var result sink.Result
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Write(context.Background(), batch, &result); err != nil {
			b.Fatal(err)
		}
	}
}
