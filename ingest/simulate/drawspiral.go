package simulate

import "math"

// drawSpiral draws an inclined disc with a bulge, spiral arms, star-forming knots along them, dust on
// their inner edges and, in a barred spiral, a bar from whose ends the arms start.
func drawSpiral(d dice, g *Galaxy, at Placement, class Class) {
	at.Q = math.Cos(d.in(8, 56) * math.Pi / 180)
	r50 := d.in(3.1, 4.4)
	mu := d.near(21.35, 0.3)
	m := light(mu, r50, at.Q)
	var bulgeShare, armShare, bar float64
	arms := Arms{Placement: at, R50: r50, Outer: r50 * d.in(1.9, 2.5), Phase: d.in(0, 2*math.Pi), Count: 2}
	switch class {
	case TightSpiral:
		arms.Pitch, arms.Sharp, arms.Inner = d.in(8, 15), d.in(1.4, 2.6), r50*d.in(0.35, 0.5)
		if d.chance(0.35) {
			arms.Count = 3 + d.IntN(2)
		}
		bulgeShare, armShare = d.in(0.10, 0.26), d.in(0.40, 0.62)
	case LooseSpiral:
		arms.Pitch, arms.Sharp, arms.Inner = d.in(18, 30), d.in(2.2, 4.5), r50*d.in(0.22, 0.34)
		if d.chance(0.2) {
			arms.Count = 3
		}
		bulgeShare, armShare = d.in(0.04, 0.14), d.in(0.48, 0.72)
		arms.Uneven = d.near(0, 0.2)
	default:
		bar = r50 * d.in(0.62, 0.95)
		arms.Pitch, arms.Sharp, arms.Inner = d.in(11, 26), d.in(2, 4), bar
		bulgeShare, armShare = d.in(0.03, 0.09), d.in(0.30, 0.5)
	}
	arms.Pitch *= d.sign()
	rough := d.in(0.04, 0.30) // from grand design to flocculent
	for i := range arms.Ripple {
		arms.Ripple[i] = Wave{d.in(2, 9), float64(d.IntN(9) - 4), d.in(0, 2*math.Pi), rough * d.in(0.5, 1)}
	}
	armColour := d.young()
	if d.chance(0.25) { // a disc that has nearly stopped forming stars
		armColour = d.disc()
	}
	g.Components = append(g.Components,
		Component{Sersic{Placement: at, N: 1, R50: r50}, d.disc().flux(share(m, 1-bulgeShare-armShare))},
		Component{arms, armColour.flux(share(m, armShare))},
		bulgeOf(d, at, r50, share(m, bulgeShare)),
	)
	if bar > 0 {
		drawBar(d, g, arms, bar, m)
	}
	drawKnots(d, g, arms, m)
	lane := arms
	lane.Lag = 0.75 * math.Copysign(1, arms.Pitch)
	lane.Sharp *= 2.2
	g.Dust = append(g.Dust, Dust{lane, d.in(0.25, 0.6)})
}

// bulgeOf returns a bulge, rounder than its disc.
func bulgeOf(d dice, at Placement, r50, m float64) Component {
	b := Sersic{Placement: at, N: d.in(1.5, 3.2), R50: r50 * d.in(0.13, 0.22)}
	b.Q = 0.35 + 0.65*at.Q
	return Component{b, d.old().flux(m)}
}

// drawBar adds a boxy bar whose ends meet the roots of the arms, and in some galaxies the inner ring
// around it. The bar lies in the plane of the inclined disc: its end is projected with the disc.
func drawBar(d dice, g *Galaxy, arms Arms, length, m float64) {
	sin, cos := math.Sincos(arms.Phase)
	x, y := arms.at(length*cos, length*sin)
	x, y = x-arms.X, y-arms.Y
	seen := math.Hypot(x, y)
	bar := Bar{
		Placement: Placement{X: arms.X, Y: arms.Y, PA: math.Atan2(-x, y) * 180 / math.Pi},
		Length:    seen * 1.12, C: d.in(2.4, 3.6),
	}
	bar.Q = min(0.62, d.in(0.20, 0.30)*length/seen*(0.4+0.6*arms.Q))
	g.Components = append(g.Components, Component{bar, d.old().flux(share(m, d.in(0.17, 0.29)))})
	if d.chance(0.4) {
		ring := Ring{Placement: arms.Placement, Radius: length * 1.05, Width: length * d.in(0.10, 0.16)}
		g.Components = append(g.Components, Component{ring, d.young().flux(share(m, d.in(0.06, 0.13)))})
	}
}

// drawKnots scatters HII regions and young clusters along the crests of the arms.
func drawKnots(d dice, g *Galaxy, arms Arms, m float64) {
	for range 8 + d.IntN(16) {
		r := arms.Inner * math.Pow(arms.Outer/arms.Inner, math.Sqrt(d.Float64()))
		x, y := arms.ridge(d.IntN(arms.Count), r, d.near(0.1, 0.3))
		faint := 1.0857 * (r - arms.Inner) / (arms.R50 / 1.67835) // follows the light of the disc
		g.Components = append(g.Components, Component{Gauss{x, y, d.in(0.12, 0.4)}, d.starburst().flux(m + d.in(4.3, 5.6) + 0.6*faint)})
	}
}
