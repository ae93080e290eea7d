package page

import (
	"sync/atomic"
	"time"
)

// Sampler picks which cutouts of a fast stream to show, so that making pictures does not slow the stream:
// a thumbnail costs milliseconds, and nobody can look at a thousand a second. It is safe for concurrent
// use and costs a clock reading and an atomic load when it says no.
type Sampler struct {
	gap  int64 // ns between two samples
	next atomic.Int64
	now  func() time.Time
}

// NewSampler makes a sampler of at most perSecond cutouts a second; none when perSecond is not positive.
// now tells the time; nil is time.Now.
func NewSampler(perSecond float64, now func() time.Time) *Sampler {
	if now == nil {
		now = time.Now
	}
	s := &Sampler{now: now}
	if perSecond > 0 {
		s.gap = max(1, int64(float64(time.Second)/perSecond))
	}
	return s
}

// Take says whether to show the cutout at hand. A true answer is used up.
func (s *Sampler) Take() bool {
	if s.gap == 0 {
		return false
	}
	now := s.now().UnixNano()
	next := s.next.Load()
	return now >= next && s.next.CompareAndSwap(next, now+s.gap)
}
