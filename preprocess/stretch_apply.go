package preprocess

import (
	"math"

	"github.com/galaxalign/galaxalign/preprocess/kernel"
)

// stretcher is one kind of stretch, compiled. measure sees the planes with NaN where there are no data
// and leaves what it finds in the scratch; apply turns the planes of bands into planes of channels.
type stretcher interface {
	measure(p planes, s *Scratch)
	apply(p planes, s *Scratch)
}

// pointwise is embedded by stretches that need no statistics.
type pointwise struct{}

func (pointwise) measure(planes, *Scratch) {}

// newStretcher compiles the stretch of a validated recipe with defaults.
func newStretcher(r *Recipe) stretcher {
	s := &r.Stretch
	bands := len(r.Bands)
	switch s.Kind {
	case stretchAsinh:
		return newAsinh(s, bands)
	case stretchL2:
		return l2Stretch{rowwise: s.Rowwise}
	case stretchLegacy:
		return newLegacy(s, bands)
	case stretchGalaxyZoo:
		return newGalaxyZoo(s)
	case stretchZScale:
		return zscaleStretch{contrast: s.Contrast[0], samples: int(s.Samples[0])}
	case stretchLupton:
		return newLupton(s)
	case stretchPercentile:
		return percentileStretch{low: s.Low[0], high: s.High[0], q: float32(s.Q[0])}
	case stretchEuclid:
		return euclidStretch{q: s.Q, percentile: s.Percentile[0], composite: s.Composite, rescale: s.Rescale}
	case stretchEuclidLSB:
		return lsbStretch{s: s.S[0], p: s.P[0], percentile: s.Percentile[0]}
	}
	return noStretch{}
}

// noStretch leaves the values as they are.
type noStretch struct{ pointwise }

func (noStretch) apply(planes, *Scratch) {}

// asinhStretch is y = gain asinh(scale (clip(x) - offset)), each band with its own numbers.
type asinhStretch struct {
	pointwise
	offset, scale, gain, bound []float32
}

func newAsinh(s *Stretch, bands int) asinhStretch {
	a := asinhStretch{
		offset: perBand(s.Offset, bands), scale: perBand(s.Scale, bands), gain: perBand(s.Gain, bands),
	}
	if len(s.Bounds) > 0 {
		a.bound = perBand(s.Bounds, bands)
	} else {
		a.bound = perBand(Values{math.MaxFloat32}, bands)
	}
	return a
}

// perBand writes out one float32 a band.
func perBand(v Values, bands int) []float32 {
	out := make([]float32, bands)
	for i := range out {
		out[i] = float32(v.at(i))
	}
	return out
}

func (a asinhStretch) apply(p planes, _ *Scratch) {
	for b := range p.bands {
		x := p.plane(b)
		kernel.Asinh(x, x, a.offset[b], a.scale[b], a.gain[b], a.bound[b])
	}
}

// l2Stretch divides each band, or each row of it, by its Euclidean norm; a norm of 0 leaves the zeros.
type l2Stretch struct {
	pointwise
	rowwise bool
}

func (l l2Stretch) apply(p planes, _ *Scratch) {
	for b := range p.bands {
		x := p.plane(b)
		if !l.rowwise {
			normalise(x)
			continue
		}
		for y := range p.height {
			normalise(x[y*p.width:][:p.width])
		}
	}
}

// normalise divides x by its Euclidean norm, in float64.
func normalise(x []float32) {
	if sum := kernel.SumSquares(x); sum > 0 {
		kernel.Scale(x, 1/math.Sqrt(sum))
	}
}
