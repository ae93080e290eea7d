package simulate

import "math"

// drawDisturbed draws a galaxy that a past encounter has pulled out of shape: lopsided and off-centre,
// with a tidal tail, shells or a plume, and clumps of new stars.
func drawDisturbed(d dice, g *Galaxy, at Placement) {
	at.Q = d.in(0.45, 0.85)
	r50 := d.in(2.2, 3.4)
	mu := d.near(21.2, 0.4)
	m := light(mu, r50, at.Q)
	body, core := d.disc(), d.disc()
	if d.chance(0.55) {
		body = d.young()
	}
	main := Sersic{Placement: at, N: d.in(0.8, 1.4), R50: r50, Lopsided: d.in(0.45, 0.85), LopsidedAngle: d.in(0, 360)}
	centre := Sersic{Placement: at, N: d.in(1, 2.5), R50: 0.3 * r50}
	centre.X, centre.Y = at.at(r50*d.near(0, 0.22), r50*d.near(0, 0.22))
	g.Components = append(g.Components, Component{main, body.flux(share(m, 0.75))}, Component{centre, core.flux(share(m, d.in(0.12, 0.3)))})
	side := d.in(0, 2*math.Pi)
	for range 1 + d.IntN(2) {
		g.Components = append(g.Components, Component{tail(d, at, r50, side), body.flux(share(m, d.in(0.10, 0.24)))})
		side += math.Pi + d.near(0, 0.5)
	}
	if d.chance(0.55) {
		for range 1 + d.IntN(2) {
			shell := Arc{
				X: at.X, Y: at.Y, Radius: r50 * d.in(1.5, 2.3), Start: d.in(0, 2*math.Pi), Sweep: d.in(0.9, 1.8),
				Width: r50 * d.in(0.13, 0.2), Flare: 1.2, Fade: 0.6,
			}
			g.Components = append(g.Components, Component{shell, d.disc().flux(share(m, d.in(0.025, 0.05)))})
		}
	}
	for range 3 + d.IntN(6) { // clumps, more on one side
		a, r := side+d.near(0, 0.9), r50*d.in(0.3, 1.4)
		x, y := at.at(r*math.Cos(a), r*math.Sin(a))
		g.Components = append(g.Components, Component{Gauss{x, y, d.in(0.15, 0.45)}, d.starburst().flux(m + d.in(3.2, 5))})
	}
}

// tail returns a tidal tail that leaves the figure at the given angle and opens outwards.
func tail(d dice, at Placement, r50, angle float64) Arc {
	return Arc{
		X: at.X, Y: at.Y, Radius: 0.6 * r50, Grow: math.Log(d.in(3, 5.2)),
		Start: angle, Sweep: d.sign() * d.in(0.5, 1.7),
		Width: r50 * d.in(0.16, 0.24), Flare: d.in(1, 1.7), Fade: d.in(0.9, 2.4),
	}
}

// drawMerging draws two galaxies in contact, a bridge between them and tails on their far sides.
func drawMerging(d dice, g *Galaxy, at Placement) {
	apart, angle := d.in(3.6, 6.8), d.in(0, 2*math.Pi)
	sin, cos := math.Sincos(angle)
	ratio := d.in(0.35, 0.65)
	r50 := d.in(1.4, 2.1)
	small := r50 * d.in(0.6, 0.95)
	m := light(d.near(20.7, 0.35), r50, 0.8)
	weights := [2]float64{1, d.in(0.3, 0.9)}
	sizes := [2]float64{r50, small}
	sides := [2]float64{-ratio, 1 - ratio}
	var last colour
	for i := range sizes {
		p := Placement{X: at.X + apart*sides[i]*cos, Y: at.Y + apart*sides[i]*sin, PA: d.in(0, 180), Q: d.in(0.5, 0.95)}
		last = drawMember(d, g, p, sizes[i], share(m, weights[i]))
		if d.chance(0.7) {
			away := angle
			if sides[i] < 0 {
				away += math.Pi
			}
			g.Components = append(g.Components, Component{tail(d, p, sizes[i]*1.2, away+d.near(0, 0.6)), last.flux(share(m, d.in(0.12, 0.26)))})
		}
	}
	// The bridge is an arc of large radius through both: its centre lies to one side of the line.
	bend := apart * d.in(0.7, 1.6) * d.sign()
	mx, my := at.X+apart*(0.5-ratio)*cos, at.Y+apart*(0.5-ratio)*sin
	cx, cy := mx-bend*sin, my+bend*cos
	radius := math.Hypot(bend, apart/2)
	mid := math.Atan2(my-cy, mx-cx)
	half := math.Asin(apart / 2 / radius)
	bridge := Arc{X: cx, Y: cy, Radius: radius, Start: mid - half, Sweep: 2 * half, Width: d.in(0.35, 0.6), Flare: 1}
	g.Components = append(g.Components, Component{bridge, last.flux(share(m, d.in(0.10, 0.22)))})
	haze := Sersic{Placement: Placement{X: mx, Y: my, PA: math.Atan2(-cos, sin) * 180 / math.Pi, Q: 0.65}, N: 1, R50: apart * 0.8}
	g.Components = append(g.Components, Component{haze, d.disc().flux(share(m, d.in(0.12, 0.25)))})
}

// drawMember draws one galaxy of a pair and returns the colour of its outskirts.
func drawMember(d dice, g *Galaxy, p Placement, r50, m float64) colour {
	if d.chance(0.35) { // an early type
		col := d.old()
		g.Components = append(g.Components, Component{Sersic{Placement: p, N: d.in(2, 4), R50: r50}, col.flux(m)})
		return col
	}
	col := d.disc()
	if d.chance(0.5) {
		col = d.young()
	}
	disc := Sersic{Placement: p, N: 1, R50: r50 * 1.15, Lopsided: d.in(0.2, 0.6), LopsidedAngle: d.in(0, 360)}
	arms := Arms{
		Placement: p, R50: r50 * 1.3, Inner: 0.4 * r50, Outer: 2.6 * r50, Count: 2, Pitch: d.sign() * d.in(20, 38),
		Phase: d.in(0, 2*math.Pi), Sharp: d.in(1.5, 3.5), Uneven: d.in(0, 0.4),
	}
	g.Components = append(g.Components,
		Component{disc, col.flux(share(m, 0.5))},
		Component{arms, col.flux(share(m, 0.3))},
		bulgeOf(d, p, r50*1.2, share(m, 0.2)),
	)
	for range 2 + d.IntN(5) {
		x, y := arms.ridge(d.IntN(2), r50*d.in(0.6, 2), d.near(0, 0.4))
		g.Components = append(g.Components, Component{Gauss{x, y, d.in(0.12, 0.3)}, d.starburst().flux(m + d.in(3.6, 5.2))})
	}
	return col
}
