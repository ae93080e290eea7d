package sink

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// vectorSeparation is the reference: the angle between two unit vectors in arcsec, from their cross and
// scalar products, which is exact at every angle.
func vectorSeparation(ra1, dec1, ra2, dec2 float64) float64 {
	unit := func(ra, dec float64) [3]float64 {
		sinRA, cosRA := math.Sincos(radians(ra))
		sinDec, cosDec := math.Sincos(radians(dec))
		return [3]float64{cosDec * cosRA, cosDec * sinRA, sinDec}
	}
	a, b := unit(ra1, dec1), unit(ra2, dec2)
	cross := math.Hypot(math.Hypot(a[1]*b[2]-a[2]*b[1], a[2]*b[0]-a[0]*b[2]), a[0]*b[1]-a[1]*b[0])
	return math.Atan2(cross, a[0]*b[0]+a[1]*b[1]+a[2]*b[2]) * 180 / math.Pi * 3600
}

func TestSeparationOfKnownPairs(t *testing.T) {
	for _, c := range []struct {
		name                 string
		ra1, dec1, ra2, dec2 float64
		want, tolerance      float64
	}{
		{"the same place", 150.1, 2.2, 150.1, 2.2, 0, 0},
		{"along the equator", 10, 0, 11, 0, 3600, 1e-8},
		{"along a meridian", 10, -30, 10, -31, 3600, 1e-8},
		{"across 0 h", 359.5, 0, 0.5, 0, 3600, 1e-8},
		{"across the pole", 10, 89.5, 190, 89.5, 3600, 1e-8},
		{"pole to pole", 10, 90, 200, -90, 180 * 3600, 0.01},
		{"antipodes on the equator", 10, 0, 190, 0, 180 * 3600, 0.01},
		{"a thousandth of an arcsec", 10, 60, 10, 60 + 1e-3/3600, 1e-3, 1e-10},
		{"other turns of the circle", 10, 0, 731, 0, 3600, 1e-7},
	} {
		if got := Separation(c.ra1, c.dec1, c.ra2, c.dec2); math.Abs(got-c.want) > c.tolerance {
			t.Errorf("%s: %v arcsec, want %v", c.name, got, c.want)
		}
	}
	if got := Separation(math.NaN(), 0, 1, 1); !math.IsNaN(got) {
		t.Errorf("from nowhere: %v, want NaN", got)
	}
}

func TestSeparationAgreesWithUnitVectors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ra1, ra2 := rapid.Float64Range(0, 360).Draw(t, "ra1"), rapid.Float64Range(0, 360).Draw(t, "ra2")
		dec1, dec2 := rapid.Float64Range(-90, 90).Draw(t, "dec1"), rapid.Float64Range(-90, 90).Draw(t, "dec2")
		got, want := Separation(ra1, dec1, ra2, dec2), vectorSeparation(ra1, dec1, ra2, dec2)
		if math.Abs(got-want) > 0.01 {
			t.Fatalf("%v arcsec, want %v", got, want)
		}
		if back := Separation(ra2, dec2, ra1, dec1); back != got {
			t.Fatalf("%v one way, %v the other", got, back)
		}
	})
}

func TestInCone(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name    string
		f       Filter
		ra, dec float64
		want    bool
	}{
		{"no cone", Filter{RA: 1, Dec: 1}, 200, -80, true},
		{"no cone, no position", Filter{}, nan, nan, true},
		{"no position", Filter{RadiusArcsec: 1e9}, nan, nan, false},
		{"no right ascension", Filter{RadiusArcsec: 1e9}, nan, 0, false},
		{"centre", Filter{RA: 10, Dec: 20, RadiusArcsec: 1}, 10, 20, true},
		{"just inside in dec", Filter{RA: 10, Dec: 20, RadiusArcsec: 1}, 10, 20 + 0.999/3600, true},
		{"just outside in dec", Filter{RA: 10, Dec: 20, RadiusArcsec: 1}, 10, 20 + 1.001/3600, false},
		{"outside by the corner", Filter{RA: 10, Dec: 0, RadiusArcsec: 10}, 10 + 8.0/3600, 8.0 / 3600, false},
		{"meridians converge", Filter{RA: 10, Dec: 60, RadiusArcsec: 10}, 10 + 19.0/3600, 60, true},
		{"across 0 h", Filter{RA: 0.0001, Dec: 0, RadiusArcsec: 1}, 359.9999, 0, true},
		{"across the pole", Filter{RA: 0, Dec: 89.9999, RadiusArcsec: 1}, 180, 89.9999, true},
		{"the pole itself", Filter{RA: 0, Dec: 90, RadiusArcsec: 1}, 123, 90, true},
		{"the whole sky", Filter{RA: 10, Dec: 0, RadiusArcsec: 181 * 3600}, 190, 0, true},
	} {
		if got := c.f.InCone(c.ra, c.dec); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestInConeIsSeparationWithinTheRadius(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Filter{
			RA: rapid.Float64Range(0, 360).Draw(t, "ra"), Dec: rapid.Float64Range(-90, 90).Draw(t, "dec"),
			RadiusArcsec: rapid.Float64Range(1e-3, 180*3600).Draw(t, "radius"),
		}
		ra := f.RA + rapid.Float64Range(-1, 1).Draw(t, "east")*rapid.SampledFrom([]float64{1e-3, 1, 180}).Draw(t, "scale")
		dec := rapid.Float64Range(-90, 90).Draw(t, "north")
		if got, want := f.InCone(ra, dec), Separation(ra, dec, f.RA, f.Dec) <= f.RadiusArcsec; got != want {
			t.Fatalf("in cone %v, want %v", got, want)
		}
	})
}

func TestCheckCone(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, f := range []Filter{
		{RadiusArcsec: -1}, {RadiusArcsec: nan}, {Dec: 91, RadiusArcsec: 1}, {Dec: nan, RadiusArcsec: 1},
		{RA: nan, RadiusArcsec: 1}, {RA: inf, RadiusArcsec: 1},
	} {
		if f.CheckCone() == nil {
			t.Errorf("%+v passes", f)
		}
	}
	for _, f := range []Filter{{}, {Dec: 500}, {RA: -10, Dec: 90, RadiusArcsec: 1}, {RA: 725, RadiusArcsec: inf}} {
		if err := f.CheckCone(); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func BenchmarkInCone(b *testing.B) {
	f := Filter{RA: 10, Dec: 20, RadiusArcsec: 3600}
	for name, dec := range map[string]float64{"near": 20.1, "far in dec": 40} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f.InCone(10.5, dec)
			}
		})
	}
}
