package preprocess

import (
	"math"

	"github.com/galaxalign/galaxalign/preprocess/kernel"
)

// legacyStretch is the Legacy Surveys viewer's colour stretch (legacysurvey/imagine, map/views.py).
type legacyStretch struct {
	pointwise
	scale []float32
	m, q  float32
	bug   bool
	mix   [][3]float32 // weight of each band in R, G, B; nil: each band is a channel
}

func newLegacy(s *Stretch, bands int) legacyStretch {
	l := legacyStretch{scale: perBand(s.Scale, bands), m: float32(s.M[0]), q: float32(s.Q[0]), bug: s.PrecedenceBug}
	for _, row := range s.Mix {
		l.mix = append(l.mix, [3]float32{float32(row[0]), float32(row[1]), float32(row[2])})
	}
	return l
}

func (l legacyStretch) apply(p planes, _ *Scratch) {
	kernel.Legacy(p.in(), l.scale, l.m, l.q, l.bug)
	if l.mix != nil {
		mixChannels(p, l.mix)
	}
}

// mixChannels replaces the bands by weighted sums of them, pixel by pixel.
func mixChannels(p planes, mix [][3]float32) {
	n := p.width * p.height
	for i := range n {
		var rgb [3]float32
		for b, w := range mix {
			v := p.data[b*n+i]
			for c := range rgb {
				rgb[c] += float32(v * w[c])
			}
		}
		for c, v := range rgb {
			p.data[c*n+i] = v
		}
	}
}

// galaxyZooStretch is the stretch of the Galaxy Zoo DECaLS pictures.
type galaxyZooStretch struct {
	pointwise
	inverse     [3]float32
	floor, gain float32
	desaturate  bool
}

func newGalaxyZoo(s *Stretch) galaxyZooStretch {
	low, high := math.Asinh(s.Low[0]), math.Asinh(s.High[0])
	g := galaxyZooStretch{floor: float32(low), gain: float32(1 / (high - low)), desaturate: *s.Desaturate}
	for c := range g.inverse {
		g.inverse[c] = float32(1 / s.Divisor.at(c))
	}
	return g
}

func (g galaxyZooStretch) apply(p planes, _ *Scratch) {
	kernel.GalaxyZoo(p.in(), g.inverse, g.floor, g.gain, g.desaturate)
}

// luptonStretch is astropy's make_lupton_rgb over 255: c -= minimum, I = (R+G+B)/3,
// fac = asinh(q I/softening) (25.5/asinh(0.1 q))/I (0 if I <= 0), c = max(0, c fac), and a pixel whose
// largest channel reaches 255 is scaled to 255.
type luptonStretch struct {
	pointwise
	minimum [3]float32
	inner   float32 // q/softening
	slope   float32 // 0.1/asinh(0.1 q): 25.5/255 of it
}

// minLuptonQ is where astropy replaces q by 0.1.
const minLuptonQ = 1.0 / (1 << 23)

func newLupton(s *Stretch) luptonStretch {
	q := s.Q[0]
	if math.Abs(q) < minLuptonQ {
		q = 0.1
	}
	l := luptonStretch{inner: float32(q / s.Softening[0]), slope: float32(0.1 / math.Asinh(0.1*q))}
	for c := range l.minimum {
		l.minimum[c] = float32(s.Minimum.at(c))
	}
	return l
}

func (l luptonStretch) apply(p planes, s *Scratch) {
	n := p.width * p.height
	r, g, b := p.plane(0), p.plane(1), p.plane(2)
	light, factor := grow(&s.sample, 2*n)[:n], s.sample[n:2*n]
	for i := range n {
		r[i], g[i], b[i] = r[i]-l.minimum[0], g[i]-l.minimum[1], b[i]-l.minimum[2]
		light[i] = (r[i] + g[i] + b[i]) / 3
	}
	kernel.Asinh(factor, light, 0, l.inner, l.slope, math.MaxFloat32)
	for i, v := range light {
		f := factor[i] / v
		if v <= 0 {
			f = 0
		}
		r[i], g[i], b[i] = luptonPixel(r[i]*f, g[i]*f, b[i]*f)
	}
}

// luptonPixel clips a colour at 0 and scales it to its largest channel where that is above 1.
func luptonPixel(r, g, b float32) (float32, float32, float32) {
	top := float32(1)
	for _, v := range [3]*float32{&r, &g, &b} {
		if *v < 0 {
			*v = 0
		}
		if *v > top {
			top = *v
		}
	}
	return r / top, g / top, b / top
}
