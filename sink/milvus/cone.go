package milvus

import (
	"fmt"
	"math"

	"github.com/galaxalign/galaxalign/sink"
)

// box writes the smallest range of ra and dec that holds a cone. In right ascension its half-width is
// asin(sin r / cos dec), everything where the cone holds a pole, and two ranges where it crosses 0 h.
func box(f sink.Filter) string {
	r := f.RadiusArcsec / 3600
	low, high := f.Dec-r, f.Dec+r
	dec := fmt.Sprintf("%s >= %.9f and %s <= %.9f", fieldDec, math.Max(low, -90), fieldDec, math.Min(high, 90))
	if low <= -90 || high >= 90 {
		return dec
	}
	ratio := math.Sin(radians(r)) / math.Cos(radians(f.Dec))
	if ratio >= 1 {
		return dec
	}
	half := math.Asin(ratio) * 180 / math.Pi
	from, to := f.RA-half, f.RA+half
	switch {
	case from < 0:
		return fmt.Sprintf("%s and (%s >= %.9f or (%s >= 0 and %s <= %.9f))", dec, fieldRA, from+360, fieldRA, fieldRA, to)
	case to > 360:
		return fmt.Sprintf("%s and (%s >= %.9f or (%s >= 0 and %s <= %.9f))", dec, fieldRA, from, fieldRA, fieldRA, to-360)
	}
	return fmt.Sprintf("%s and %s >= %.9f and %s <= %.9f", dec, fieldRA, from, fieldRA, to)
}

// inCone reports whether a hit lies within the filter's cone; without a cone everything does.
func inCone(h sink.Hit, f sink.Filter) bool {
	if f.RadiusArcsec <= 0 {
		return true
	}
	if math.IsNaN(h.RA) {
		return false
	}
	return separation(h.RA, h.Dec, f.RA, f.Dec) <= f.RadiusArcsec
}

// separation is the great-circle distance of two positions in arcsec, by the haversine formula.
func separation(ra1, dec1, ra2, dec2 float64) float64 {
	sinDec := math.Sin(radians(dec2-dec1) / 2)
	sinRA := math.Sin(radians(ra2-ra1) / 2)
	a := sinDec*sinDec + math.Cos(radians(dec1))*math.Cos(radians(dec2))*sinRA*sinRA
	return 2 * math.Asin(math.Min(1, math.Sqrt(a))) * 180 / math.Pi * 3600
}

// position turns the stored stand-in for "unknown" back into NaN.
func position(ra, dec float64) (float64, float64) {
	if dec < -90 {
		return math.NaN(), math.NaN()
	}
	return ra, dec
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }
