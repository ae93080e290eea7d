package simulate

import "math"

// EdgeDisc is an exponential disc seen exactly from the side (van der Kruit & Searle 1981, A&A 95, 105):
// (|u|/H) K1(|u|/H) sech^2(w/Z0), with u along the disc and w above it. Q of the placement is not used.
type EdgeDisc struct {
	Placement
	H      float64 // radial scale length, arcsec
	Z0     float64 // vertical scale, arcsec; sech^2 falls to 0.42 there
	Warp   float64 // integral-sign warp: height of the midplane at 3 H, arcsec
	Cutoff float64 // edge of the disc, in H; the disc fades over 0.5 H there. 0 means 4.5
}

func (e EdgeDisc) compile() profile {
	p := e.Placement
	p.Q = 1
	frame, invH, invZ := p.frame(), 1/e.H, 1/e.Z0
	cut := e.Cutoff
	if cut == 0 {
		cut = 4.5
	}
	bend := e.Warp / 27
	at := func(x, y float64) float64 {
		u, w := frame(x, y)
		u *= invH
		t := math.Abs(u)
		if t > cut+1 {
			return 0
		}
		w = (w - bend*u*u*u) * invZ
		if math.Abs(w) > 12 {
			return 0
		}
		c := 1 / math.Cosh(w)
		return xK1(t) * c * c * fade(t, cut)
	}
	var sum float64 // radial integral, midpoint rule
	const steps = 400
	dt := (cut + 1) / steps
	for i := range steps {
		t := (float64(i) + 0.5) * dt
		sum += xK1(t) * fade(t, cut) * dt
	}
	return profile{at: at, total: 2 * sum * e.H * 2 * e.Z0, cx: e.X, cy: e.Y, reach: e.H * (cut + 1), core: 0}
}

// fade is 1 inside cut and falls smoothly to 0 over half a unit beyond it.
func fade(t, cut float64) float64 { return 1 - smoothstep(cut, cut+0.5, t) }

// smoothstep rises from 0 at a to 1 at b with zero slope at both ends.
func smoothstep(a, b, t float64) float64 {
	t = min(1, max(0, (t-a)/(b-a)))
	return t * t * (3 - 2*t)
}

// xK1 returns x K1(x) for x >= 0, with the polynomials of Abramowitz & Stegun 9.8.3, 9.8.7 and 9.8.8
// (absolute error below 3e-7).
func xK1(x float64) float64 {
	if x <= 1e-9 {
		return 1
	}
	if x <= 2 {
		s := x * x / (3.75 * 3.75)
		i1 := x * (0.5 + s*(0.87890594+s*(0.51498869+s*(0.15084934+s*(0.02658733+s*(0.00301532+s*0.00032411))))))
		t := x * x / 4
		return x*math.Log(x/2)*i1 + 1 + t*(0.15443144+t*(-0.67278579+t*(-0.18156897+t*(-0.01919402+t*(-0.00110404-t*0.00004686)))))
	}
	t := 2 / x
	p := 1.25331414 + t*(0.23498619+t*(-0.03655620+t*(0.01504268+t*(-0.00780353+t*(0.00325614-t*0.00068245)))))
	return math.Sqrt(x) * math.Exp(-x) * p
}
