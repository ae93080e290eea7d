package simulate

import "math"

// Arc is a piece of a spiral of Gaussian cross-section that fades along its length: a tidal tail, a
// bridge, or (with Grow 0) a shell. Its crest is at radius Radius exp(Grow t) and angle Start + Sweep t,
// with t from 0 at the root to 1 at the tip.
type Arc struct {
	X, Y         float64 // centre of curvature, arcsec
	Radius       float64 // at the root, arcsec
	Grow         float64 // logarithm of the radius at the tip over that at the root
	Start, Sweep float64 // radians, counter-clockwise from +X
	Width        float64 // sigma across at the root, arcsec
	Flare        float64 // width at the tip over that at the root
	Fade         float64 // brightness falls as exp(-Fade t)
}

// arcDots is the number of Gaussian dots an arc is made of.
const arcDots = 24

func (a Arc) compile() profile {
	type dot struct{ x, y, k, f float64 }
	dots := make([]dot, arcDots)
	var total, reach float64
	for i := range dots {
		t := (float64(i) + 0.5) / arcDots
		x, y := a.point(t)
		w := a.Width * (1 + (a.Flare-1)*t)
		// Ends taper over a twelfth of the length so that no dot shows.
		f := math.Exp(-a.Fade*t) * smoothstep(0, 1.0/12, t) * (1 - smoothstep(11.0/12, 1, t))
		dots[i] = dot{x, y, 1 / (2 * w * w), f}
		total += f * 2 * math.Pi * w * w
		reach = max(reach, math.Hypot(x-a.X, y-a.Y)+4*w)
	}
	at := func(x, y float64) float64 {
		var sum float64
		for i := range dots {
			d := &dots[i]
			dx, dy := x-d.x, y-d.y
			if e := d.k * (dx*dx + dy*dy); e < 10 {
				sum += d.f * math.Exp(-e)
			}
		}
		return sum
	}
	return profile{at: at, total: total, cx: a.X, cy: a.Y, reach: reach}
}

// point returns the sky offset of the crest at t.
func (a Arc) point(t float64) (x, y float64) {
	r := a.Radius * math.Exp(a.Grow*t)
	sin, cos := math.Sincos(a.Start + a.Sweep*t)
	return a.X + r*cos, a.Y + r*sin
}
