package sink_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// refuseUnnamed refuses batches that hold a bad record without saying which, and is away every so many
// calls.
func refuseUnnamed(bad map[schemas.RecordID]bool, awayEvery int) failing {
	return func(_ context.Context, call int, b *sink.Batch) error {
		if call%awayEvery == 0 {
			return errors.New("away for a moment")
		}
		for i := range b.Records {
			if bad[b.Records[i].ID] {
				return sink.Permanent(errors.New("something in this request is wrong"))
			}
		}
		return nil
	}
}

// expected is what has to become of record i.
func expected(i int, culprits []int, known int) sink.Outcome {
	switch {
	case slices.Contains(culprits, i):
		return sink.Rejected
	case i < known:
		return sink.Duplicate
	}
	return sink.Written
}

// TestUnnamedRefusalsAreNarrowedDown draws which records a sink cannot take, how often it is away
// meanwhile and what it had before, and checks that exactly the culprits are rejected.
func TestUnnamedRefusalsAreNarrowedDown(t *testing.T) {
	m := sinktest.Model(0)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 70).Draw(rt, "records")
		culprits := rapid.SliceOfNDistinct(rapid.IntRange(0, 69), 0, 5, rapid.ID[int]).Draw(rt, "culprits")
		known := rapid.IntRange(0, 70).Draw(rt, "known before")
		awayEvery := rapid.IntRange(2, 9).Draw(rt, "away every")
		bad := map[schemas.RecordID]bool{}
		for _, i := range culprits {
			bad[sinktest.Records(m, i, 1)[0].ID] = true
		}
		s := memory("s", refuseUnnamed(bad, awayEvery))
		before := &sinktest.MemorySink{Store: s.Store}
		var report sink.Report
		if err := before.Write(t.Context(), sinktest.Batch(m, 0, known), &report); err != nil {
			rt.Fatal(err)
		}
		f, err := sink.NewFanout(sink.FanoutConfig{MinBackoff: 1, MaxBackoff: 1}, s)
		if err != nil {
			rt.Fatal(err)
		}
		var result sink.Result
		if err := f.Write(t.Context(), sinktest.Batch(m, 0, n), &result); err != nil {
			rt.Fatal(err)
		}
		if len(result.Outcomes) != n {
			rt.Fatalf("%d outcomes for %d records", len(result.Outcomes), n)
		}
		for i, o := range result.Outcomes {
			if want := expected(i, culprits, known); o != want {
				rt.Fatalf("record %d is %v, want %v", i, o, want)
			}
		}
		st := f.States()[0]
		if st.Written+st.Duplicate+st.Rejected != int64(n) {
			rt.Fatalf("the state %+v does not account for %d records", st, n)
		}
	})
}
