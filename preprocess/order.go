package preprocess

import (
	"math"
	"slices"
)

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

// percentile finds the p-th percentile (0 to 100) of the values, at rank p/100 (n-1). Values without NaN;
// none give 0.
//
// A histogram over the leading bits of the values finds the few among which the rank lies, so that the
// cost is two passes whatever the order of the pixels.
func (s *Scratch) percentile(x []float32, p float64) between {
	if len(x) == 0 {
		return between{}
	}
	rank := p / 100 * float64(len(x)-1)
	k := min(int(rank), len(x)-1)
	bin, before := s.binOfRank(x, k)
	inside, above := grow(&s.bin, len(x))[:0], float32(math.Inf(1))
	for _, v := range x {
		if b := binOf(v); b == bin {
			inside = append(inside, v)
		} else if b > bin && v < above {
			above = v
		}
	}
	k -= before
	selectRank(inside, k)
	out := between{low: float64(inside[k]), high: float64(inside[k]), part: rank - math.Floor(rank)}
	if k+1 < len(inside) {
		out.high = float64(slices.Min(inside[k+1:]))
	} else if !math.IsInf(float64(above), 1) {
		out.high = float64(above)
	}
	return out
}

// binBits is how many leading bits choose a bin: sign, exponent and three bits of the fraction.
const binBits = 12

// binOf numbers the bins in the order of the values.
func binOf(v float32) uint32 {
	bits := math.Float32bits(v)
	return (bits ^ (uint32(int32(bits)>>31) | 1<<31)) >> (32 - binBits)
}

// binOfRank returns the bin that holds the k-th smallest value and how many values lie in bins below it.
func (s *Scratch) binOfRank(x []float32, k int) (bin uint32, before int) {
	clear(s.bins[:])
	for _, v := range x {
		s.bins[binOf(v)]++
	}
	for b, n := range s.bins {
		if before+int(n) > k {
			return uint32(b), before
		}
		before += int(n)
	}
	return 0, 0
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
