package preprocess

import (
	"math"
	"slices"
)

// The fixed numbers of the zscale algorithm, as in IRAF and astropy.ZScaleInterval.
const (
	zscaleReject     = 2.5 // residuals above so many standard deviations are rejected
	zscaleIterations = 5
	zscaleMinPixels  = 5
)

// zscale returns the display limits of the values by the IRAF zscale algorithm: about samples values at
// equal strides are sorted, a straight line is fitted to them with rejection, and the slope divided by the
// contrast spans the limits about the median. It overwrites x.
func zscale(x []float32, contrast float64, samples int, s *Scratch) limits {
	if len(x) == 0 {
		return limits{}
	}
	stride := max(1, len(x)/samples)
	n := 0
	for i := 0; i < len(x) && n < samples; i += stride {
		x[n] = x[i]
		n++
	}
	x = x[:n]
	slices.Sort(x)
	out := limits{float64(x[0]), float64(x[n-1])}
	if slope, ok := s.fitLine(x); ok {
		slope /= contrast
		centre := (n - 1) / 2
		median := (float64(x[(n-1)/2]) + float64(x[n/2])) / 2
		out.low = max(out.low, median-float64(centre-1)*slope)
		out.high = min(out.high, median+float64(n-centre)*slope)
	}
	return out
}

// fitLine fits a line to the sorted values against their index and rejects outliers; ok is false where
// too few values are left.
func (s *Scratch) fitLine(x []float32) (slope float64, ok bool) {
	n := len(x)
	s.bad = slices.Grow(s.bad[:0], 2*n)[:2*n]
	clear(s.bad)
	bad, grown := s.bad[:n], s.bad[n:]
	enough, window := max(zscaleMinPixels, n/2), max(1, n/100)
	good, last := n, n+1
	for range zscaleIterations {
		if good >= last || good < enough {
			break
		}
		var intercept, spread float64
		slope, intercept, spread = lineThrough(x, bad)
		for i, v := range x {
			if flat := float64(v) - (intercept + slope*float64(i)); math.Abs(flat) > zscaleReject*spread {
				bad[i] = true
			}
		}
		last, good = good, dilate(bad, grown, window)
	}
	return slope, good >= enough
}

// lineThrough is the least-squares line through the values not rejected, and the standard deviation of
// their residuals.
func lineThrough(x []float32, bad []bool) (slope, intercept, spread float64) {
	var count, sumX, sumY float64
	for i, v := range x {
		if !bad[i] {
			count, sumX, sumY = count+1, sumX+float64(i), sumY+float64(v)
		}
	}
	meanX, meanY := sumX/count, sumY/count
	var xx, xy float64
	for i, v := range x {
		if dx := float64(i) - meanX; !bad[i] {
			xx, xy = xx+dx*dx, xy+dx*(float64(v)-meanY)
		}
	}
	if xx > 0 {
		slope = xy / xx
	}
	intercept = meanY - slope*meanX
	var squares float64
	for i, v := range x {
		if flat := float64(v) - (intercept + slope*float64(i)); !bad[i] {
			squares += flat * flat
		}
	}
	return slope, intercept, math.Sqrt(squares / count)
}

// dilate widens every rejected value to the window about it, which leans to the left when even, and
// returns how many values are left.
func dilate(bad, grown []bool, window int) (good int) {
	ahead := (window - 1) / 2
	clear(grown)
	for i, b := range bad {
		if b {
			for j := max(0, i-ahead); j <= min(len(bad)-1, i-ahead+window-1); j++ {
				grown[j] = true
			}
		}
	}
	copy(bad, grown)
	for _, b := range bad {
		if !b {
			good++
		}
	}
	return good
}
