package simulate

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"
)

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// leap is a clock that never waits: to wait is to be there.
type leap struct {
	mu  sync.Mutex
	now time.Time
}

func (c *leap) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *leap) Until(ctx context.Context, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.now) {
		c.now = t
	}
	return ctx.Err()
}

func times(p Pace, n uint64) []time.Duration {
	var out []time.Duration
	for t := range p.First(n).Times(epoch) {
		out = append(out, t.Sub(epoch))
	}
	return out
}

func TestPaces(t *testing.T) {
	if got, want := times(Constant(4), 3), []time.Duration{0, 250e6, 500e6}; !slices.Equal(got, want) {
		t.Errorf("constant: %v, want %v", got, want)
	}
	const n = 4000
	p := times(Poisson(100, 9), n)
	if !slices.IsSorted(p) || !slices.Equal(p, times(Poisson(100, 9), n)) {
		t.Error("Poisson times run back, or differ between two runs of one seed")
	}
	// Mean of n gaps of 10 ms: deviation 10/sqrt(n) ms; the gaps themselves deviate by their mean.
	if mean := p[n-1].Seconds() / n; math.Abs(mean-0.01) > 4*0.01/math.Sqrt(n) {
		t.Errorf("Poisson: mean gap %g s, want 0.01", mean)
	}
	var short int
	for i := range n - 1 {
		if p[i+1]-p[i] < 10*time.Millisecond {
			short++
		}
	}
	if f := float64(short) / n; math.Abs(f-(1-1/math.E)) > 0.03 {
		t.Errorf("Poisson: %.3f of the gaps are below the mean, want %.3f", f, 1-1/math.E)
	}
	b := times(LSSTBurst(), 20_001)
	if b[0] != 0 || b[9_999] >= 3*time.Second || b[9_999] < 2900*time.Millisecond || b[10_000] != 37*time.Second || b[20_000] != 74*time.Second {
		t.Errorf("burst: %v, %v, %v, %v", b[0], b[9_999], b[10_000], b[20_000])
	}
	for name, p := range map[string]Pace{"constant": Constant(0), "poisson": Poisson(-1, 1), "burst": Burst(0, 1, 1), "none": Constant(5).First(0)} {
		if got := times(p, 3); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRunSendsInOrderAtTheTimesOfThePace(t *testing.T) {
	s := survey(t, Config{Size: 32, Workers: 3, Ahead: 4})
	clock := &leap{now: epoch}
	var got []Packet
	err := RunFrom(t.Context(), s, 5, Burst(4, 0, time.Second).First(10).On(clock), func(_ context.Context, batch []Packet) error {
		got = append(got, batch...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 10 {
		t.Fatalf("%d packets, want 10", len(got))
	}
	for i, p := range got {
		if p.Index != uint64(i+5) {
			t.Errorf("packet %d has index %d", i, p.Index)
		}
		if want := epoch.Add(time.Duration(i/4) * time.Second); !p.Due.Equal(want) {
			t.Errorf("packet %d is due %v, want %v", i, p.Due, want)
		}
		if want := packet(t, s, p.Index); string(want.Value) != string(p.Value) {
			t.Errorf("packet %d is not what Next gives", p.Index)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s := survey(t, Config{Size: 32, Workers: 2})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var sent int
	err := Run(ctx, s, Constant(1000).On(&leap{now: epoch}), func(_ context.Context, batch []Packet) error {
		if sent += len(batch); sent >= 20 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || sent < 20 {
		t.Errorf("%v after %d packets", err, sent)
	}
}

func TestRunEndsWithTheErrorOfSend(t *testing.T) {
	s := survey(t, Config{Size: 32, Workers: 2})
	broken := errors.New("broker away")
	err := Run(t.Context(), s, Constant(1000).On(&leap{now: epoch}), func(context.Context, []Packet) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func TestWallClockWaitsAndGivesUp(t *testing.T) {
	var c WallClock
	start := c.Now()
	if err := c.Until(t.Context(), start.Add(20*time.Millisecond)); err != nil || time.Since(start) < 20*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Until(ctx, start.Add(time.Hour)); !errors.Is(err, context.Canceled) {
		t.Errorf("waited on: %v", err)
	}
}
