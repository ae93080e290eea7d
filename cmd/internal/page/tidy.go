package page

import "math"

// JSON has no NaN and no infinity, and a list that is nil would be null: what goes out is tidied first.

func odd(f float64) bool { return math.IsNaN(f) || math.IsInf(f, 0) }

// tidy makes unknown latencies -1, impossible rates 0 and missing lists empty.
func (st *Status) tidy() {
	if odd(st.Latency.P50) {
		st.Latency.P50 = -1
	}
	if odd(st.Latency.P99) {
		st.Latency.P99 = -1
	}
	for i := range st.Stages {
		if odd(st.Stages[i].Rate) {
			st.Stages[i].Rate = 0
		}
	}
	st.Stages, st.Lags, st.Sinks = list(st.Stages), list(st.Lags), list(st.Sinks)
	st.Faults, st.ClassCount, st.Model.Classes = list(st.Faults), list(st.ClassCount), list(st.Model.Classes)
}

// list returns an empty list for nil.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// tidy drops impossible positions and makes impossible probabilities 0. The items' own slices, which
// others may hold, are replaced and not written to.
func tidy(items []Item) []Item {
	for i := range items {
		it := &items[i]
		if odd(it.RA) || odd(it.Dec) {
			it.RA, it.Dec, it.HasPosition = 0, 0, false
		}
		if odd(float64(it.Probability)) {
			it.Probability = 0
		}
		if odd(float64(it.Similarity)) {
			it.Similarity = 0
		}
		for j, p := range it.Probabilities {
			if odd(float64(p)) {
				it.Probabilities = append([]float32(nil), it.Probabilities...)
				for k := j; k < len(it.Probabilities); k++ {
					if odd(float64(it.Probabilities[k])) {
						it.Probabilities[k] = 0
					}
				}
				break
			}
		}
		it.Probabilities, it.Classes = list(it.Probabilities), list(it.Classes)
	}
	return list(items)
}
