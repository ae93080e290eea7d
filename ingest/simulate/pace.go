package simulate

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"
)

// Clock tells the time and waits for it. Tests inject their own.
type Clock interface {
	Now() time.Time
	// Until returns nil at or after t, or ctx's error when ctx ends first.
	Until(ctx context.Context, t time.Time) error
}

// WallClock is the clock of the system.
type WallClock struct{}

// Now returns the current time.
func (WallClock) Now() time.Time { return time.Now() }

// Until waits on a timer.
func (WallClock) Until(ctx context.Context, t time.Time) error {
	wait := time.Until(t)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Pace is a plan of when packets are meant to be sent. Intended times do not slip when sending is slow:
// the time between Due and arrival includes the waiting that a slow consumer causes.
type Pace struct {
	// Times yields the intended times of a run that begins at start, never decreasing.
	Times func(start time.Time) iter.Seq[time.Time]
	// Clock is what the run goes by; nil is WallClock.
	Clock Clock
}

// Constant sends rate packets a second, evenly. A rate that is not positive sends nothing.
func Constant(rate float64) Pace {
	return Pace{Times: func(start time.Time) iter.Seq[time.Time] {
		return func(yield func(time.Time) bool) {
			for n := 0; rate > 0; n++ {
				if !yield(start.Add(time.Duration(float64(n) / rate * float64(time.Second)))) {
					return
				}
			}
		}
	}}
}

// Poisson sends rate packets a second on average, each independent of the others. The same seed gives the
// same times.
func Poisson(rate float64, seed uint64) Pace {
	return Pace{Times: func(start time.Time) iter.Seq[time.Time] {
		return func(yield func(time.Time) bool) {
			rng := rand.New(rand.NewPCG(seed, 0))
			for t := 0.0; rate > 0; {
				t += rng.ExpFloat64() / rate
				if !yield(start.Add(time.Duration(t * float64(time.Second)))) {
					return
				}
			}
		}
	}}
}

// Burst sends n packets evenly over spread, and again each period after the beginning of the last burst.
// It sends nothing when n or period is not positive.
func Burst(n int, spread, period time.Duration) Pace {
	return Pace{Times: func(start time.Time) iter.Seq[time.Time] {
		return func(yield func(time.Time) bool) {
			for at := start; n > 0 && period > 0; at = at.Add(period) {
				for i := range n {
					if !yield(at.Add(spread * time.Duration(i) / time.Duration(n))) {
						return
					}
				}
			}
		}
	}}
}

// LSSTBurst is the rhythm of Rubin Observatory's alert stream: 10,000 alerts over 3 s for each visit, a
// visit every 37 s.
func LSSTBurst() Pace { return Burst(10_000, 3*time.Second, 37*time.Second) }

// First ends the plan after n packets.
func (p Pace) First(n uint64) Pace {
	times := p.Times
	p.Times = func(start time.Time) iter.Seq[time.Time] {
		return func(yield func(time.Time) bool) {
			left := n
			if left == 0 {
				return
			}
			for t := range times(start) {
				left--
				if !yield(t) || left == 0 {
					return
				}
			}
		}
	}
	return p
}

// On makes the plan go by a clock.
func (p Pace) On(c Clock) Pace {
	p.Clock = c
	return p
}
