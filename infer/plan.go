package infer

import "slices"

// plan says with how many rows the graph is run.
type plan struct {
	rows    int   // rows of a Buffers
	buckets []int // allowed run sizes, ascending, the last one = rows; empty means any
	fixed   int   // the only run size the graph takes; 0 means any
}

// window is one run of the graph: rows [start, start+rows) of the buffers.
type window struct{ start, rows int }

// newPlan derives the plan. A graph with a fixed batch size runs in windows of that size.
func newPlan(opts Options, device string, fixed int) plan {
	rows := opts.maxBatch()
	if fixed > 0 {
		windows := (rows + fixed - 1) / fixed
		return plan{rows: windows * fixed, fixed: fixed}
	}
	buckets := slices.Clone(opts.Buckets)
	if len(buckets) == 0 && device != "cpu" {
		for n := 1; n < rows; n *= 2 {
			buckets = append(buckets, n)
		}
		buckets = append(buckets, rows)
	}
	if n := len(buckets); n > 0 && buckets[n-1] < rows {
		buckets = append(buckets, rows)
	}
	return plan{rows: rows, buckets: buckets}
}

// windows calls run for each run of the graph that rows needs, until one fails.
func (p plan) windows(rows int, run func(window) error) error {
	if p.fixed == 0 {
		return run(window{0, p.bucket(rows)})
	}
	for start := 0; start < rows; start += p.fixed {
		if err := run(window{start, p.fixed}); err != nil {
			return err
		}
	}
	return nil
}

// padded is the number of rows the graph computes for a batch of rows.
func (p plan) padded(rows int) int {
	if p.fixed == 0 {
		return p.bucket(rows)
	}
	return (rows + p.fixed - 1) / p.fixed * p.fixed
}

// bucket is the smallest allowed run size that holds rows.
func (p plan) bucket(rows int) int {
	i, _ := slices.BinarySearch(p.buckets, rows)
	if i < len(p.buckets) {
		return p.buckets[i]
	}
	return rows
}
