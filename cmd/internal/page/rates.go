package page

import (
	"sync"
	"time"
)

// The rates shown are means over up to rateWindow, sampled no more often than rateStep.
const (
	rateWindow = 5 * time.Second
	rateStep   = 250 * time.Millisecond
)

// rates turns the totals of successive statuses into rates.
type rates struct {
	mu      sync.Mutex
	samples []rateSample // oldest first, within rateWindow
}

type rateSample struct {
	at     time.Time
	counts []int64
}

// fill sets the rate of each stage that has none from how its count grew, and remembers the status.
func (r *rates) fill(st *Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.samples); n > 0 && (len(r.samples[n-1].counts) != len(st.Stages) || st.Now.Before(r.samples[n-1].at)) {
		r.samples = r.samples[:0] // another run, or a clock set back
	}
	for len(r.samples) > 1 && st.Now.Sub(r.samples[0].at) > rateWindow {
		r.samples = append(r.samples[:0], r.samples[1:]...)
	}
	if len(r.samples) > 0 {
		base := r.samples[0]
		if dt := st.Now.Sub(base.at).Seconds(); dt > 0 {
			for i := range st.Stages {
				if st.Stages[i].Rate == 0 {
					st.Stages[i].Rate = max(0, float64(st.Stages[i].Count-base.counts[i])/dt)
				}
			}
		}
	}
	if n := len(r.samples); n > 0 && st.Now.Sub(r.samples[n-1].at) < rateStep {
		return
	}
	counts := make([]int64, len(st.Stages))
	for i := range st.Stages {
		counts[i] = st.Stages[i].Count
	}
	r.samples = append(r.samples, rateSample{st.Now, counts})
}
