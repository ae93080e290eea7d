package preprocess

import (
	"math"

	"github.com/galaxalign/galaxalign/preprocess/kernel"
)

// limits are two values found in a band: what is clipped to, or what is divided by.
type limits struct{ low, high float64 }

// unit scales a band from its limits to 0..1; equal limits give zeros.
func (l limits) unit(x []float32) {
	gain := 0.0
	if l.high > l.low {
		gain = 1 / (l.high - l.low)
	}
	kernel.UnitRange(x, float32(l.low), float32(l.high), gain)
}

// percentileStretch clips each band to two percentiles, scales to 0..1 and applies asinh(q y).
type percentileStretch struct {
	low, high float64
	q         float32
}

func (t percentileStretch) measure(p planes, s *Scratch) {
	for b := range p.bands {
		x := s.valid(p.plane(b))
		s.limits[b] = limits{s.percentile(x, t.low).value(identity), s.percentile(x, t.high).value(identity)}
	}
}

func (t percentileStretch) apply(p planes, s *Scratch) {
	for b := range p.bands {
		x := p.plane(b)
		s.limits[b].unit(x)
		if t.q != 0 {
			kernel.Asinh(x, x, 0, t.q, 1, math.MaxFloat32)
		}
	}
}

// zscaleStretch scales each band between the limits of the IRAF zscale algorithm.
type zscaleStretch struct {
	contrast float64
	samples  int
}

func (t zscaleStretch) measure(p planes, s *Scratch) {
	for b := range p.bands {
		s.limits[b] = zscale(s.valid(p.plane(b)), t.contrast, t.samples, s)
	}
}

func (t zscaleStretch) apply(p planes, s *Scratch) {
	for b := range p.bands {
		s.limits[b].unit(p.plane(b))
	}
}

// euclidStretch is y = clip(asinh(q x), 0, P), with the composite and the rescaling of the Euclid pictures
// (mwalmsley/bulk-euclid-cutouts).
type euclidStretch struct {
	q          Values
	percentile float64
	composite  bool
	rescale    bool
}

func (t euclidStretch) measure(p planes, s *Scratch) {
	for b := range p.bands {
		q := t.q.at(b)
		top := s.percentile(s.valid(p.plane(b)), t.percentile).value(func(x float64) float64 { return math.Asinh(q * x) })
		s.limits[b] = limits{0, max(top, 0)}
	}
}

func (t euclidStretch) apply(p planes, s *Scratch) {
	for b := range p.bands {
		x := p.plane(b)
		kernel.Asinh(x, x, 0, float32(t.q.at(b)), 1, math.MaxFloat32)
		kernel.UnitRange(x, 0, float32(s.limits[b].high), 1)
	}
	if t.composite {
		n := p.width * p.height
		copy(p.plane(2), p.plane(1))
		for i := range n {
			p.data[n+i] = (p.data[i] + p.data[2*n+i]) / 2
		}
	}
	if t.rescale {
		for c := range p.channels {
			rescale(p.plane(c))
		}
	}
}

// rescale is y' = (y + min)/(min + max), as the source has it; a plane of zeros stays.
func rescale(x []float32) {
	low, high := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range x {
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	if sum := float64(low) + float64(high); sum > 0 {
		for i, v := range x {
			x[i] = float32((float64(v) + float64(low)) / sum)
		}
	}
}

// lsbStretch is the Euclid low-surface-brightness stretch: a = (s|x|/(1+s|x|))^p, y = asinh(a)/asinh(a_max).
type lsbStretch struct {
	s, p       float64
	percentile float64
}

// level is asinh(a) of one pixel's magnitude.
func (t lsbStretch) level(x float64) float64 {
	return math.Asinh(math.Pow(t.s*x/(1+t.s*x), t.p))
}

func (t lsbStretch) measure(p planes, s *Scratch) {
	for b := range p.bands {
		x := s.valid(p.plane(b))
		for i, v := range x {
			x[i] = float32(math.Abs(float64(v)))
		}
		top := s.percentile(x, 100).value(t.level)
		s.limits[b] = limits{top, s.percentile(x, t.percentile).value(t.level)}
	}
}

func (t lsbStretch) apply(p planes, s *Scratch) {
	for b := range p.bands {
		x, lim := p.plane(b), s.limits[b]
		inverse := 0.0
		if lim.low > 0 {
			inverse = 1 / lim.low
		}
		for i, v := range x {
			x[i] = float32(min(t.level(math.Abs(float64(v))), lim.high) * inverse)
		}
	}
}
