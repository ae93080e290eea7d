package infer

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestPlanBuckets(t *testing.T) {
	for name, c := range map[string]struct {
		opts   Options
		device string
		fixed  int
		want   plan
	}{
		"cpu":         {Options{MaxBatch: 20}, "cpu", 0, plan{rows: 20}},
		"default":     {Options{}, "cpu", 0, plan{rows: DefaultMaxBatch}},
		"gpu":         {Options{MaxBatch: 20}, "cuda:0", 0, plan{rows: 20, buckets: []int{1, 2, 4, 8, 16, 20}}},
		"gpu power":   {Options{MaxBatch: 4}, "cuda:1", 0, plan{rows: 4, buckets: []int{1, 2, 4}}},
		"given":       {Options{MaxBatch: 20, Buckets: []int{5}}, "cuda:0", 0, plan{rows: 20, buckets: []int{5, 20}}},
		"fixed":       {Options{MaxBatch: 20, Buckets: []int{5}}, "cpu", 8, plan{rows: 24, fixed: 8}},
		"fixed large": {Options{MaxBatch: 1}, "cpu", 8, plan{rows: 8, fixed: 8}},
	} {
		got := newPlan(c.opts, c.device, c.fixed)
		if got.rows != c.want.rows || got.fixed != c.want.fixed || !slices.Equal(got.buckets, c.want.buckets) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestPlanCoversEveryRow checks that the windows of a batch lie side by side, hold every row, stay in
// the buffers, and have allowed sizes.
func TestPlanCoversEveryRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts := Options{MaxBatch: rapid.IntRange(1, 40).Draw(t, "max")}
		buckets := rapid.SliceOfDistinct(rapid.IntRange(1, opts.MaxBatch), func(n int) int { return n }).Draw(t, "buckets")
		slices.Sort(buckets)
		opts.Buckets = buckets
		if err := opts.Validate(); err != nil {
			t.Fatal(err)
		}
		fixed := rapid.IntRange(0, 9).Draw(t, "fixed")
		p := newPlan(opts, rapid.SampledFrom([]string{"cpu", "cuda:0"}).Draw(t, "device"), fixed)
		rows := rapid.IntRange(1, p.rows).Draw(t, "rows")
		next := 0
		err := p.windows(rows, func(w window) error {
			if w.start != next || fixed > 0 && w.rows != fixed || fixed == 0 && len(p.buckets) > 0 && !slices.Contains(p.buckets, w.rows) {
				t.Fatalf("plan %+v, %d rows: window %+v after %d", p, rows, w, next)
			}
			next += w.rows
			return nil
		})
		if err != nil || next < rows || next > p.rows || next != p.padded(rows) {
			t.Fatalf("plan %+v: %d rows end at %d, padded %d, %v", p, rows, next, p.padded(rows), err)
		}
	})
}
