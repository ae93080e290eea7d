package milvus

import (
	"fmt"
	"math"

	"github.com/galaxalign/galaxalign/sink"
)

// box writes the smallest range of ra and dec that holds a cone, and not unknown positions. In right
// ascension its half-width is asin(sin r / cos dec), everything where the cone holds a pole, and two
// ranges where it crosses 0 h.
func box(f sink.Filter) string {
	const slack = 0.01 // arcsec: more than the numbers below are rounded by
	r := (f.RadiusArcsec + slack) / 3600
	low, high := f.Dec-r, f.Dec+r
	dec := fmt.Sprintf("%s >= %.9f and %s <= %.9f", fieldDec, math.Max(low, -90), fieldDec, math.Min(high, 90))
	if low <= -90 || high >= 90 {
		return dec
	}
	sine := math.Sin(radians(r)) / math.Cos(radians(f.Dec)) // above 1 by rounding alone: the cone holds no pole
	half := math.Asin(math.Min(1, sine)) * 180 / math.Pi
	ra := turn(f.RA)
	from, to := ra-half, ra+half
	switch {
	case from < 0:
		return fmt.Sprintf("%s and (%s >= %.9f or %s <= %.9f)", dec, fieldRA, from+360, fieldRA, to)
	case to >= 360:
		return fmt.Sprintf("%s and (%s >= %.9f or %s <= %.9f)", dec, fieldRA, from, fieldRA, to-360)
	}
	return fmt.Sprintf("%s and %s >= %.9f and %s <= %.9f", dec, fieldRA, from, fieldRA, to)
}

// stored is the form in which a position is kept: ra from 0 to below 360, or the stand-in for unknown
// when it is not a position.
func stored(ra, dec float64) (float64, float64) {
	ra = turn(ra)
	if math.IsNaN(ra) || !(dec >= -90 && dec <= 90) {
		return unknownRA, unknownDec
	}
	return ra, dec
}

// position turns the stored stand-in for unknown back into NaN.
func position(ra, dec float64) (float64, float64) {
	if dec < -90 {
		return math.NaN(), math.NaN()
	}
	return ra, dec
}

// turn brings an angle in degrees to the range from 0 to below 360; NaN for what is not finite.
func turn(degrees float64) float64 {
	turned := math.Mod(degrees, 360)
	if turned < 0 {
		turned += 360
	}
	if turned >= 360 { // a tiny negative angle rounds up
		return 0
	}
	return turned
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }
