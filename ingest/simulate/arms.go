package simulate

import "math"

// Arms is the part of an exponential disc that lies in logarithmic spiral arms, R = R0 exp(theta tan p).
// Across an arm the brightness follows exp(Sharp (cos phi - 1)), phi being the phase in the arm pattern.
type Arms struct {
	Placement
	R50    float64 // half-light radius of the disc, arcsec
	Inner  float64 // arms start here (the end of the bar, the edge of the bulge), arcsec
	Outer  float64 // arms fade here, arcsec
	Count  int     // number of arms
	Pitch  float64 // pitch angle, degrees; below 15 is tight. Negative winds the other way
	Phase  float64 // angle of the first arm at Inner, radians
	Sharp  float64 // 1 broad, 6 narrow
	Ripple [4]Wave // irregularity: phase noise and patchiness
	Lag    float64 // shift of the pattern across the arm, radians of phase (for dust on the inner edge)
	Uneven float64 // one arm brighter than its opposite, by this fraction
}

// Wave is one sinusoid over (ln R, theta).
type Wave struct {
	KR, KT, Phase float64
	Amplitude     float64 // of the patchiness; the phase noise has the same amplitude in radians
}

func (a Arms) compile() profile {
	frame := a.frame()
	h := a.R50 / 1.67835 // scale length of an exponential disc
	m := float64(a.Count)
	wind := m / math.Tan(a.Pitch*math.Pi/180)
	lnIn := math.Log(a.Inner)
	norm := 1 / (math.Exp(-a.Sharp) * besselI0(a.Sharp)) // mean over phi becomes 1
	radial := func(r float64) float64 {
		return math.Exp(-r/h) * smoothstep(0.6*a.Inner, 1.15*a.Inner, r) * (1 - smoothstep(0.75*a.Outer, 1.15*a.Outer, r))
	}
	at := func(x, y float64) float64 {
		u, v := frame(x, y)
		r := math.Sqrt(u*u + v*v)
		if r < 0.6*a.Inner || r > 1.15*a.Outer {
			return 0
		}
		lnR, theta := math.Log(r)-lnIn, math.Atan2(v, u)
		phi := m*(theta-a.Phase) - wind*lnR - a.Lag
		patch := 0.0
		for i := range a.Ripple {
			w := &a.Ripple[i]
			if w.Amplitude != 0 {
				patch += w.Amplitude * math.Sin(w.KR*lnR+w.KT*theta+w.Phase)
			}
		}
		f := math.Exp(a.Sharp*(math.Cos(phi+patch)-1)) * norm * (1 + 0.8*patch)
		if a.Uneven != 0 {
			f *= 1 + a.Uneven*math.Cos(theta-a.Phase-wind/m*lnR)
		}
		return radial(r) * max(0, f)
	}
	var sum float64
	const steps = 400
	dr := 1.15 * a.Outer / steps
	for i := range steps {
		r := (float64(i) + 0.5) * dr
		sum += radial(r) * r * dr
	}
	return profile{at: at, total: 2 * math.Pi * sum * a.Q, cx: a.X, cy: a.Y, reach: 1.15 * a.Outer}
}

// ridge returns the sky offset of a point on the crest of an arm at radius r of the disc's own plane,
// moved across the arm by dphi radians of pattern phase.
func (a Arms) ridge(arm int, r, dphi float64) (x, y float64) {
	m := float64(a.Count)
	theta := a.Phase + math.Log(r/a.Inner)/math.Tan(a.Pitch*math.Pi/180) + (2*math.Pi*float64(arm)+dphi)/m
	sin, cos := math.Sincos(theta)
	return a.at(r*cos, r*sin)
}

// besselI0 is the modified Bessel function of order zero, Abramowitz & Stegun 9.8.1 and 9.8.2.
func besselI0(x float64) float64 {
	if x < 3.75 {
		t := x * x / (3.75 * 3.75)
		return 1 + t*(3.5156229+t*(3.0899424+t*(1.2067492+t*(0.2659732+t*(0.0360768+t*0.0045813)))))
	}
	t := 3.75 / x
	return math.Exp(x) / math.Sqrt(x) * (0.39894228 + t*(0.01328592+t*(0.00225319+t*(-0.00157565+t*(0.00916281+t*(-0.02057706+t*(0.02635537+t*(-0.01647633+t*0.00392377))))))))
}

// Ring is an elliptical ring of Gaussian cross-section.
type Ring struct {
	Placement
	Radius, Width float64 // of the crest, and sigma across it, arcsec
}

func (g Ring) compile() profile {
	frame, k := g.frame(), 1/(2*g.Width*g.Width)
	at := func(x, y float64) float64 {
		u, v := frame(x, y)
		d := math.Sqrt(u*u+v*v) - g.Radius
		return math.Exp(-k * d * d)
	}
	total := 2 * math.Pi * g.Radius * math.Sqrt(2*math.Pi) * g.Width * g.Q
	return profile{at: at, total: total, cx: g.X, cy: g.Y, reach: g.Radius + 4*g.Width}
}
