package index

import (
	"fmt"
	"math"
	"time"

	"github.com/galaxalign/galaxalign/sink"
)

// filter is a sink.Filter made ready for many entries.
type filter struct {
	label         string
	minProb       float32
	after, before int64 // microseconds; noTime when unset
	cone          bool
	ra, dec       float64 // radians
	cosDec        float64
	radius        float64 // radians
	havRadius     float64 // sin^2(radius/2)
}

// compile checks and prepares a filter; it returns nil for one that lets everything pass.
func compile(f sink.Filter) (*filter, error) {
	if f == (sink.Filter{}) {
		return nil, nil
	}
	if f.RadiusArcsec < 0 || math.IsNaN(f.RadiusArcsec) {
		return nil, fmt.Errorf("the radius of the cone is %v arcsec: want a positive number", f.RadiusArcsec)
	}
	c := &filter{label: f.Label, minProb: f.MinProb, after: observedMicros(f.After), before: observedMicros(f.Before)}
	if f.RadiusArcsec == 0 {
		return c, nil
	}
	if !(f.Dec >= -90 && f.Dec <= 90) || math.IsNaN(f.RA) || math.IsInf(f.RA, 0) {
		return nil, fmt.Errorf("the centre of the cone is RA %v, Dec %v: want degrees, Dec from -90 to 90", f.RA, f.Dec)
	}
	c.cone = true
	c.ra, c.dec = f.RA*math.Pi/180, f.Dec*math.Pi/180
	c.cosDec = math.Cos(c.dec)
	c.radius = math.Min(f.RadiusArcsec/3600*math.Pi/180, math.Pi)
	s := math.Sin(c.radius / 2)
	c.havRadius = s * s
	return c, nil
}

// passes reports whether an entry passes. An unknown time fails any bound on time, an unknown position
// any cone.
func (f *filter) passes(m *meta) bool {
	if f.label != "" && m.label != f.label || f.minProb > 0 && !(m.prob >= f.minProb) {
		return false
	}
	if f.after != noTime && (m.observed == noTime || m.observed < f.after) {
		return false
	}
	if f.before != noTime && (m.observed == noTime || m.observed >= f.before) {
		return false
	}
	return !f.cone || f.inCone(m.ra, m.dec)
}

// inCone compares the haversine of the separation with that of the radius (the haversine formula, exact
// for small separations: R. W. Sinnott, Sky & Telescope 68, 158, 1984).
func (f *filter) inCone(ra, dec float64) bool {
	dec *= math.Pi / 180
	if !(math.Abs(dec-f.dec) <= f.radius) { // cheap, and catches NaN
		return false
	}
	ra *= math.Pi / 180
	sd, sr := math.Sin((dec-f.dec)/2), math.Sin((ra-f.ra)/2)
	return sd*sd+f.cosDec*math.Cos(dec)*sr*sr <= f.havRadius
}

// observedTime renders a stored time.
func observedTime(us int64) time.Time {
	if us == noTime {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
