package batch

import "time"

// ringClock tells the clock that a deadline was set.
func (b *Batcher[B, T]) ringClock() {
	select {
	case b.alarm <- struct{}{}:
	default:
	}
}

// clock seals open batches whose oldest row has waited MaxWait, and starts the drain when cancelled is
// closed, until quit is closed.
func (b *Batcher[B, T]) clock(cancelled, quit <-chan struct{}) {
	timer := time.NewTimer(b.cfg.MaxWait)
	defer timer.Stop()
	for {
		select {
		case <-quit:
			return
		case <-cancelled:
			b.startDrain()
			cancelled = nil
		case <-b.alarm:
		case <-timer.C:
		}
		if next, ok := b.expire(); ok {
			timer.Reset(next)
		}
	}
}

// expire seals what is due and returns the time to the next deadline, if there is one.
func (b *Batcher[B, T]) expire() (next time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, batch := range b.open {
		if batch == nil || batch.committed == 0 {
			continue
		}
		left := b.cfg.MaxWait - time.Since(batch.first)
		if left <= 0 {
			b.stats.Expired++
			b.seal(batch)
			continue
		}
		if !ok || left < next {
			next, ok = left, true
		}
	}
	return next, ok
}
