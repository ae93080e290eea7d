package simulate

import "math"

// Band numbers the three bands a galaxy is described in.
type Band int

// The bands, in the order in which every per-band array of this package is kept.
const (
	BandG Band = iota
	BandR
	BandZ
	// NumBands is the number of bands.
	NumBands = 3
)

var bandNames = [NumBands]string{"g", "r", "z"}

// String returns the name of the band, lower case.
func (b Band) String() string { return bandNames[b] }

// Galaxy is everything that is on the sky in one cutout, before the atmosphere and the camera. Offsets
// are in arcsec from the centre of the cutout: X along the columns (to the west), Y up (to the north).
type Galaxy struct {
	Class      Class
	Components []Component // the light of the galaxy
	Dust       []Dust      // screens in front of Components
	Field      []Component // foreground stars and background galaxies, which Dust does not dim
}

// Component is light of one colour in one shape.
type Component struct {
	Shape Shape
	Flux  [NumBands]float64 // total over the plane, nanomaggies
}

// Dust is a screen of optical depth. It dims the light behind it by exp(-depth), where depth follows the
// reddening law of the Milky Way with R_V = 3.1 (Schlafly & Finkbeiner 2011): A_g:A_r:A_z = 3.21:2.16:1.21.
type Dust struct {
	Shape Shape
	Tau   float64 // optical depth in r where the shape's profile is 1
}

// dustLaw is the extinction of each band relative to r.
var dustLaw = [NumBands]float64{3.21 / 2.16, 1, 1.21 / 2.16}

// Flux returns the galaxy's own total flux in a band, without dust and without the field, nanomaggies.
func (g *Galaxy) Flux(b Band) float64 {
	var sum float64
	for i := range g.Components {
		sum += g.Components[i].Flux[b]
	}
	return sum
}

// Shape is a surface brightness distribution on the sky.
type Shape interface {
	compile() profile
}

// profile is a shape made ready to evaluate.
type profile struct {
	at     func(x, y float64) float64 // relative brightness at an offset from the cutout's centre, arcsec
	total  float64                    // integral of at over the plane, arcsec^2
	cx, cy float64                    // centre, arcsec
	reach  float64                    // beyond this radius at is negligible, arcsec
	core   float64                    // within this radius at varies over less than a pixel, arcsec
}

// Placement puts an elliptical figure on the sky.
type Placement struct {
	X, Y float64 // centre, arcsec
	PA   float64 // position angle of the long axis, degrees from north through east
	Q    float64 // axis ratio, short over long, in (0, 1]
}

// frame returns the function that takes an offset on the sky to coordinates along the long axis and
// along the short axis stretched by 1/Q, so that an ellipse becomes a circle and an inclined disc is seen
// face on.
func (p Placement) frame() func(x, y float64) (u, v float64) {
	sin, cos := math.Sincos(p.PA * math.Pi / 180)
	inv := 1 / p.Q
	return func(x, y float64) (float64, float64) {
		x, y = x-p.X, y-p.Y
		return -x*sin + y*cos, (x*cos + y*sin) * inv
	}
}

// at returns the sky offset of the point (u, v) of the placement's own frame: the inverse of frame.
func (p Placement) at(u, v float64) (x, y float64) {
	sin, cos := math.Sincos(p.PA * math.Pi / 180)
	v *= p.Q
	return p.X - u*sin + v*cos, p.Y + u*cos + v*sin
}

// mag converts an AB magnitude to nanomaggies.
func mag(m float64) float64 { return math.Pow(10, (22.5-m)/2.5) }
