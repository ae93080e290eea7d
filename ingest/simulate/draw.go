package simulate

import (
	"math"
	"math/rand/v2"
)

// dice is a source of the random choices a drawing needs.
type dice struct{ *rand.Rand }

// in returns a number uniform between a and b.
func (d dice) in(a, b float64) float64 { return a + (b-a)*d.Float64() }

// near returns a normal number with the given mean and deviation, kept within two deviations.
func (d dice) near(mean, sigma float64) float64 {
	return mean + sigma*min(2, max(-2, d.NormFloat64()))
}

// chance is true with probability p.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// sign returns 1 or -1.
func (d dice) sign() float64 {
	if d.chance(0.5) {
		return -1
	}
	return 1
}

// colour is a pair of AB colours.
type colour struct{ gr, rz float64 }

// flux returns the flux of an r magnitude in each band.
func (c colour) flux(r float64) [NumBands]float64 {
	return [NumBands]float64{mag(r + c.gr), mag(r), mag(r - c.rz)}
}

// Colours of nearby galaxies in the DECam bands by stellar population.
func (d dice) old() colour {
	gr := d.near(0.88, 0.06)
	return colour{gr, 0.62 + 0.8*(gr-0.85) + d.near(0, 0.02)}
}
func (d dice) disc() colour {
	gr := d.near(0.62, 0.07)
	return colour{gr, 0.42 + 0.9*(gr-0.62) + d.near(0, 0.02)}
}
func (d dice) young() colour {
	gr := d.near(0.41, 0.07)
	return colour{gr, 0.24 + 0.9*(gr-0.41) + d.near(0, 0.02)}
}
func (d dice) starburst() colour { return colour{d.near(0.18, 0.08), d.near(0.06, 0.07)} }

// light returns the r magnitude of a figure with the given half-light radius (arcsec), axis ratio and
// mean surface brightness within the half-light ellipse (AB magnitudes a square arcsec).
func light(mu, r50, q float64) float64 { return mu - 2.5*math.Log10(2*math.Pi*r50*r50*q) }

// share splits a magnitude: it returns the magnitude of the given fraction of the light.
func share(m, fraction float64) float64 { return m - 2.5*math.Log10(fraction) }

// Draw draws a galaxy of a class and the field around it. The same state of rng gives the same galaxy.
// A class out of range draws a round smooth galaxy.
func Draw(rng *rand.Rand, class Class) Galaxy {
	d := dice{rng}
	g := Galaxy{Class: class}
	at := Placement{X: d.near(0, 0.15), Y: d.near(0, 0.15), PA: d.in(0, 180), Q: 1}
	switch class {
	case Disturbed:
		drawDisturbed(d, &g, at)
	case Merging:
		drawMerging(d, &g, at)
	case InBetweenSmooth:
		at.Q = d.in(0.52, 0.74)
		drawSmooth(d, &g, at, d.in(1.7, 2.9), d.in(1.6, 3.6))
	case CigarSmooth:
		at.Q = d.in(0.22, 0.36)
		drawSmooth(d, &g, at, d.in(2.1, 3.4), d.in(1.1, 2.2))
	case BarredSpiral, TightSpiral, LooseSpiral:
		drawSpiral(d, &g, at, class)
	case EdgeOnNoBulge, EdgeOnBulge:
		drawEdgeOn(d, &g, at, class == EdgeOnBulge)
	default:
		at.Q = d.in(0.88, 1)
		drawSmooth(d, &g, at, d.in(1.5, 2.9), d.in(2, 4.5))
	}
	drawField(d, &g, 22)
	return g
}

// drawSmooth draws a spheroid: mostly old, sometimes a smooth galaxy that still forms stars.
func drawSmooth(d dice, g *Galaxy, at Placement, r50, n float64) {
	mu, col := d.near(20.5, 0.45), d.old()
	if d.chance(0.3) {
		mu, col, n = d.near(21.0, 0.4), d.disc(), d.in(1, 2)
	}
	if n > 3.7 {
		n = 4
	}
	g.Components = append(g.Components, Component{Sersic{Placement: at, N: n, R50: r50}, col.flux(light(mu, r50, at.Q))})
	if at.Q > 0.5 && n > 2.5 && d.chance(0.4) { // the faint envelope of a luminous early type
		halo := Sersic{Placement: at, N: 1, R50: 2.2 * r50}
		g.Components = append(g.Components, Component{halo, d.old().flux(light(mu+3.2, halo.R50, halo.Q))})
	}
}

// drawEdgeOn draws a disc from the side, with a rounded bulge or without.
func drawEdgeOn(d dice, g *Galaxy, at Placement, bulge bool) {
	h := d.in(1.9, 3.0)
	z0 := h * d.in(0.11, 0.17)
	mu := d.near(21.0, 0.35)
	m := light(mu, 1.4*h, z0/h*1.3)
	col, midplane := d.disc(), d.old()
	disc := EdgeDisc{Placement: at, H: h, Z0: z0, Cutoff: d.in(3.2, 4.6)}
	if d.chance(0.25) {
		disc.Warp = d.near(0, 0.35)
	}
	if !bulge && d.chance(0.5) {
		col, midplane = d.young(), d.disc()
	}
	thick := disc
	thick.Z0, thick.H = 2.2*z0, 0.9*h
	inner := disc
	inner.H, inner.Z0 = 0.55*h, 0.8*z0
	g.Components = append(g.Components,
		Component{disc, col.flux(share(m, 0.66))},
		Component{thick, d.disc().flux(share(m, 0.16))},
		Component{inner, midplane.flux(share(m, 0.18))},
	)
	if bulge {
		b := Sersic{Placement: at, N: d.in(2, 3.2), R50: h * d.in(0.30, 0.44)}
		b.Q = d.in(0.68, 0.92)
		g.Components = append(g.Components, Component{b, d.old().flux(share(m, d.in(0.34, 0.75)))})
	} else if d.chance(0.6) {
		for range 2 + d.IntN(5) {
			x, y := at.at(h*d.near(0, 1.2), z0*d.near(0, 0.25))
			g.Components = append(g.Components, Component{Gauss{x, y, d.in(0.15, 0.3)}, d.starburst().flux(m + d.in(4, 5.4))})
		}
	}
	if d.chance(0.65) {
		lane := EdgeDisc{Placement: at, H: 0.9 * h, Z0: max(0.12, 0.28*z0), Warp: disc.Warp, Cutoff: disc.Cutoff * 0.8}
		lane.X, lane.Y = at.at(0, z0*d.near(0, 0.2))
		g.Dust = append(g.Dust, Dust{lane, d.in(0.5, 1.5)})
	}
}

// drawField strews stars and small galaxies over a field of the given width, arcsec, leaving the middle
// mostly free.
func drawField(d dice, g *Galaxy, width float64) {
	density := width * width / (22 * 22)
	for range poisson(d, 2.2*density) {
		x, y := d.in(-width/2, width/2), d.in(-width/2, width/2)
		if math.Hypot(x, y) < width/4 {
			continue
		}
		// Stars from F to M: redder in r-z as they get cooler (the stellar locus bends at g-r = 1.3).
		t := d.Float64()
		col := colour{0.35 + 1.0*math.Sqrt(t), 0.1 + 1.25*t*t}
		g.Field = append(g.Field, Component{Gauss{x, y, 0}, col.flux(24.2 - 4.2*math.Pow(d.Float64(), 1.4))})
	}
	for range poisson(d, 4.5*density) {
		x, y := d.in(-width/2, width/2), d.in(-width/2, width/2)
		m := 24.4 - 3.2*d.Float64()*d.Float64()
		col := colour{d.in(0.3, 1.6), d.in(0.2, 1.1)}
		q, r50 := d.in(0.4, 1), d.in(0.25, 0.75)
		if math.Hypot(x, y) < width/5 {
			continue
		}
		s := Sersic{Placement: Placement{X: x, Y: y, PA: d.in(0, 180), Q: q}, N: 1, R50: r50}
		g.Field = append(g.Field, Component{s, col.flux(m)})
	}
}

// poisson draws from a Poisson distribution of a small mean (Knuth's product method).
func poisson(d dice, mean float64) int {
	limit, n := math.Exp(-mean), 0
	for p := d.Float64(); p > limit; p *= d.Float64() {
		n++
	}
	return n
}
