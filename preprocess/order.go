package preprocess

import "slices"

// valid copies the pixels that are not NaN to the sample buffer and returns it.
func (s *Scratch) valid(x []float32) []float32 {
	out := grow(&s.sample, len(x))
	n := 0
	for _, v := range x {
		out[n] = v
		if v == v {
			n++
		}
	}
	return out[:n]
}

// between is a place between two neighbouring order statistics.
type between struct {
	low, high float64
	part      float64 // 0 at low, 1 at high
}

// value interpolates f linearly between the two, as numpy's default percentile of f does for a rising f.
func (b between) value(f func(float64) float64) float64 {
	low, high := f(b.low), f(b.high)
	return low + (high-low)*b.part
}

func identity(x float64) float64 { return x }

// percentile finds the p-th percentile (0 to 100), at rank p/100 (n-1). It reorders x; an empty x gives 0.
func percentile(x []float32, p float64) between {
	if len(x) == 0 {
		return between{}
	}
	rank := p / 100 * float64(len(x)-1)
	k := min(int(rank), len(x)-1)
	selectRank(x, k)
	b := between{low: float64(x[k]), high: float64(x[k]), part: rank - float64(k)}
	if k+1 < len(x) {
		b.high = float64(slices.Min(x[k+1:]))
	}
	return b
}

// selectRank reorders x so that x[k] is its k-th smallest value, smaller ones before it and larger ones
// after it (Hoare's quickselect, the pivot being the median of three). x holds no NaN.
func selectRank(x []float32, k int) {
	low, high := 0, len(x)-1
	for rounds := 0; low < high; rounds++ {
		if rounds > 64 { // an adversary's order: sorting is safe
			slices.Sort(x[low : high+1])
			return
		}
		pivot := medianOfThree(x[low], x[(low+high)/2], x[high])
		i, j := low, high
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			high = j
		case k >= i:
			low = i
		default:
			return
		}
	}
}

func medianOfThree(a, b, c float32) float32 {
	return max(min(a, b), min(max(a, b), c))
}
