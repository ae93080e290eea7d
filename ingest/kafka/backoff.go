package kafka

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pauses between attempts, by class of error. Half of each pause is drawn at random, so that members that
// lost the same broker do not come back in step.
const (
	retryFirst  = 50 * time.Millisecond
	retryLast   = 5 * time.Second
	deniedFirst = 2 * time.Second
	deniedLast  = 30 * time.Second
)

// backoff counts failures in a row. The zero value is ready.
type backoff struct{ failures int }

// next returns the pause before the next attempt: doubling from first, at most last.
func (b *backoff) next(first, last time.Duration) time.Duration {
	d := last
	if b.failures < 20 {
		d = min(last, first<<b.failures)
	}
	b.failures++
	return d/2 + rand.N(d/2+1)
}

// pause waits after an error of that class; it returns early when ctx ends.
func (b *backoff) pause(ctx context.Context, c class) {
	first, last := retryFirst, retryLast
	if c == denied {
		first, last = deniedFirst, deniedLast
	}
	sleep(ctx, b.next(first, last))
}

func (b *backoff) reset() { b.failures = 0 }

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
