package bundle

import (
	"cmp"
	"math"
	"slices"
)

// Import tries candidateRows inputs, the strongest first, and keeps the first goldenRows whose answer is
// not pinned: one of 0 and 1 would stay the same in spite of a small fault. Where too few are not, it
// takes the least pinned.
const (
	candidateRows = 16
	goldenRows    = 4
	pinned        = 0.999
)

// random is the splitmix64 generator (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
// generators"): the same numbers on every machine.
type random uint64

// next returns a number in [0, 1).
func (r *random) next() float32 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float32((z^z>>31)>>40) / (1 << 24)
}

// candidates makes deterministic inputs of many kinds: row by row the amplitude of the image falls from
// 1 to 1/512, because recipes differ in the range of what they make, the amplitude of the features is 1
// or 1/8, and the values are positive or around zero.
func (im *importer) candidates(rows int) *Golden {
	m := &im.draft.Manifest
	var r random
	fill := func(to Floats, n int, amplitude, middle float32) Floats {
		for range n {
			to = append(to, amplitude*(r.next()-middle))
		}
		return to
	}
	g := &Golden{Rows: rows}
	for i := range rows {
		middle := 0.5 * float32(i%2)
		g.Image = fill(g.Image, m.ImageLen(), float32(math.Pow(8, -float64(i/4%4))), middle)
		g.Features = fill(g.Features, m.FeatureLen(), float32(math.Pow(8, -float64(i/2%2))), middle)
	}
	return g
}

// chooseGolden keeps the candidates to be used, given the scores of all. A graph of fixed batch size
// keeps the one batch it was tried with.
func (im *importer) chooseGolden(scores []float32) {
	m, all := &im.draft.Manifest, im.draft.Golden
	if m.BatchSize > 0 {
		return
	}
	order := make([]int, all.Rows)
	top := make([]float32, all.Rows) // what is above pinned counts by how much
	p := make([]float32, len(m.Classes))
	for i := range order {
		order[i] = i
		m.Classify(p, scores[i*m.ScoreLen():(i+1)*m.ScoreLen()])
		top[i] = max(slices.Max(p), pinned)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(top[a], top[b]) })
	best := &Golden{Rows: goldenRows}
	for _, i := range order[:goldenRows] {
		best.Image = append(best.Image, all.Image[i*m.ImageLen():(i+1)*m.ImageLen()]...)
		best.Features = append(best.Features, all.Features[i*m.FeatureLen():(i+1)*m.FeatureLen()]...)
	}
	im.draft.Golden = best
}
