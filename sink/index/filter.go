package index

import (
	"time"

	"github.com/galaxalign/galaxalign/sink"
)

// filter is a sink.Filter made ready for many entries.
type filter struct {
	label         string
	minProb       float32
	after, before int64 // microseconds; noTime when unset
	cone          sink.Filter
}

// compile checks and prepares a filter; it returns nil for one that lets everything pass.
func compile(f sink.Filter) (*filter, error) {
	if f == (sink.Filter{}) {
		return nil, nil
	}
	if err := f.CheckCone(); err != nil {
		return nil, err
	}
	return &filter{label: f.Label, minProb: f.MinProb, after: observedMicros(f.After), before: observedMicros(f.Before), cone: f}, nil
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
	return f.cone.InCone(m.ra, m.dec)
}

// observedTime renders a stored time.
func observedTime(us int64) time.Time {
	if us == noTime {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
