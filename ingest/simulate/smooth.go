package simulate

import "math"

// Sersic is the profile I(R) = exp(-b_n ((R/R50)^(1/n) - 1)): n = 1 is an exponential disc, n = 4 the
// profile of de Vaucouleurs.
type Sersic struct {
	Placement
	N   float64 // index, 0.36 to 10
	R50 float64 // half-light radius along the long axis, arcsec
	// Lopsided brightens the side at angle LopsidedAngle (degrees in the figure's own frame) and dims the
	// other by this fraction at 2 R50; the total is unchanged.
	Lopsided      float64
	LopsidedAngle float64
}

// sersicB returns b_n by the asymptotic expansion of Ciotti & Bertin (1999, A&A 352, 447), eq. 18,
// better than 1e-4 for n > 0.5.
func sersicB(n float64) float64 {
	return 2*n - 1.0/3 + 4/(405*n) + 46/(25515*n*n) + 131/(1148175*n*n*n) - 2194697/(30690717750*n*n*n*n)
}

func (s Sersic) compile() profile {
	b, frame := sersicB(s.N), s.frame()
	half, inv := 1/(2*s.N), 1/(s.R50*s.R50)
	root := sersicRoot(s.N, half)
	sin, cos := math.Sincos(s.LopsidedAngle * math.Pi / 180)
	at := func(x, y float64) float64 {
		u, v := frame(x, y)
		f := math.Exp(-b * (root((u*u+v*v)*inv) - 1))
		if s.Lopsided != 0 {
			f *= 1 + s.Lopsided*math.Tanh((u*cos+v*sin)/(2*s.R50))
		}
		return f
	}
	// Total luminosity: Graham & Driver (2005, PASA 22, 118), eq. 4.
	total := s.R50 * s.R50 * s.Q * 2 * math.Pi * s.N * math.Exp(b) / math.Pow(b, 2*s.N) * math.Gamma(2*s.N)
	reach := s.R50 * math.Min(12, 3+2.5*s.N)
	return profile{at: at, total: total, cx: s.X, cy: s.Y, reach: reach, core: s.R50 * 0.3 * math.Min(2, s.N)}
}

// sersicRoot returns the function t -> t^half, the usual indices without math.Pow.
func sersicRoot(n, half float64) func(float64) float64 {
	switch n {
	case 1:
		return math.Sqrt
	case 2:
		return func(t float64) float64 { return math.Sqrt(math.Sqrt(t)) }
	case 4:
		return func(t float64) float64 { return math.Sqrt(math.Sqrt(math.Sqrt(t))) }
	}
	return func(t float64) float64 { return math.Pow(t, half) }
}

// Gauss is a round Gaussian spot: an HII region, or (with Sigma 0) a point. A sigma below 0.1 arcsec, which
// no seeing shows, counts as 0.1 so that a grid of points cannot miss it.
type Gauss struct {
	X, Y  float64
	Sigma float64 // arcsec
}

func (g Gauss) compile() profile {
	sigma := max(g.Sigma, 0.1)
	k := 1 / (2 * sigma * sigma)
	at := func(x, y float64) float64 {
		x, y = x-g.X, y-g.Y
		return math.Exp(-k * (x*x + y*y))
	}
	return profile{at: at, total: math.Pi / k, cx: g.X, cy: g.Y, reach: 4 * sigma, core: 2 * sigma}
}

// Bar is a Ferrers bar, (1 - m^2)^2 inside the figure m = 1 and nothing outside, with the boxy ends of a
// generalised ellipse (Athanassoula et al. 1990, MNRAS 245, 130): m^C = |u/Length|^C + |v/(Q Length)|^C.
type Bar struct {
	Placement         // PA and Q are the bar's own, as seen on the sky
	Length    float64 // semi-major axis, arcsec
	C         float64 // 2 is an ellipse, 3 to 4 is boxy
}

func (b Bar) compile() profile {
	frame, inv := b.frame(), 1/b.Length
	at := func(x, y float64) float64 {
		u, v := frame(x, y)
		u, v = math.Abs(u*inv), math.Abs(v*inv)
		if u >= 1 || v >= 1 {
			return 0
		}
		m := math.Pow(u, b.C) + math.Pow(v, b.C)
		if m >= 1 {
			return 0
		}
		m = math.Pow(m, 2/b.C)
		return (1 - m) * (1 - m)
	}
	// The figure |u|^C+|v|^C <= 1 has area 4 Gamma(1+1/C)^2/Gamma(1+2/C); as area grows with m^2, the mean
	// of (1-m^2)^2 over it is 1/3.
	g := math.Gamma(1 + 1/b.C)
	area := 4 * g * g / math.Gamma(1+2/b.C) * b.Length * b.Length * b.Q
	return profile{at: at, total: area / 3, cx: b.X, cy: b.Y, reach: b.Length * 1.42, core: 0}
}
