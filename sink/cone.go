package sink

import (
	"fmt"
	"math"
)

// Separation returns the great-circle distance in arcsec of two positions in degrees, by the haversine
// formula (R. W. Sinnott, Sky & Telescope 68, 158, 1984). It keeps its precision down to separations
// of zero; near the antipode it is good to 0.01 arcsec. NaN in gives NaN out.
func Separation(ra1, dec1, ra2, dec2 float64) float64 {
	sinDec := math.Sin(radians(dec2-dec1) / 2)
	sinRA := math.Sin(radians(ra2-ra1) / 2)
	a := sinDec*sinDec + math.Cos(radians(dec1))*math.Cos(radians(dec2))*sinRA*sinRA
	return 2 * math.Asin(math.Min(1, math.Sqrt(a))) * 180 / math.Pi * 3600
}

// InCone reports whether a position in ICRS degrees lies within the filter's cone, its rim included.
// Without a cone every position does, with one an unknown position (NaN) does not.
func (f Filter) InCone(ra, dec float64) bool {
	if f.RadiusArcsec == 0 {
		return true
	}
	// No position is nearer than its difference in declination, which costs no trigonometry; the slack
	// is the rounding of Separation.
	const slack = 0.01
	if math.Abs(dec-f.Dec)*3600 > f.RadiusArcsec+slack {
		return false
	}
	return Separation(ra, dec, f.RA, f.Dec) <= f.RadiusArcsec
}

// CheckCone refuses a cone that no position can be compared with.
func (f Filter) CheckCone() error {
	if f.RadiusArcsec < 0 || math.IsNaN(f.RadiusArcsec) {
		return fmt.Errorf("the radius of the cone is %v arcsec: want a positive number", f.RadiusArcsec)
	}
	if f.RadiusArcsec == 0 {
		return nil
	}
	if !(f.Dec >= -90 && f.Dec <= 90) || math.IsNaN(f.RA) || math.IsInf(f.RA, 0) {
		return fmt.Errorf("the centre of the cone is RA %v, Dec %v: want degrees, Dec from -90 to 90", f.RA, f.Dec)
	}
	return nil
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }
