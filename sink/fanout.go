package sink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// FanoutConfig sets how a Fanout retries.
type FanoutConfig struct {
	// MinBackoff and MaxBackoff bound the wait before a retry: the n-th wait is drawn from
	// [d/2, d] with d = min(MinBackoff * 2^n, MaxBackoff). Defaults 50 ms and 10 s: eight failures in
	// a row, about ten seconds, reach the ceiling, and a sink that comes back is used within 10 s.
	MinBackoff, MaxBackoff time.Duration
}

// withDefaults fills unset fields.
func (c FanoutConfig) withDefaults() FanoutConfig {
	if c.MinBackoff == 0 {
		c.MinBackoff = 50 * time.Millisecond
	}
	if c.MaxBackoff == 0 {
		c.MaxBackoff = max(10*time.Second, c.MinBackoff)
	}
	return c
}

// Validate lists every fault of the configuration.
func (c FanoutConfig) Validate() error {
	var errs []error
	if c.MinBackoff < 0 {
		errs = append(errs, fmt.Errorf("minimum backoff is %s: want a positive duration", c.MinBackoff))
	}
	if d := c.withDefaults(); c.MaxBackoff < 0 || d.MaxBackoff < d.MinBackoff {
		errs = append(errs, fmt.Errorf("maximum backoff is %s: want at least the minimum, %s", c.MaxBackoff, d.MinBackoff))
	}
	return errors.Join(errs...)
}

// Fanout writes each batch to every required sink and says what became of each record.
//
// Steps of one Write: all sinks get the batch at the same time; each is tried until it has answered for
// every record; the answers are merged. A transient error is retried for as long as ctx lives, with
// backoff, and shown by States. A permanent error that does not name its records is narrowed down by
// halving the batch until a record stands alone.
//
// Invariants: each sink sees one call at a time; a sink that has answered is not called again for the
// same batch; Write returns only after every call it made has returned. Concurrency never rises because
// of a failure.
//
// The first sink is the judge of duplicates: it should be the one that remembers best (the Arrow files).
// Others may forget or upsert, so their silence says nothing.
type Fanout struct {
	sinks   []*retrier
	outcome []error
}

// NewFanout makes a Fanout over at least one sink; the first is the judge of duplicates. The Fanout owns
// the sinks from then on and closes them.
func NewFanout(cfg FanoutConfig, sinks ...Sink) (*Fanout, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("fan-out: %w", err)
	}
	if len(sinks) == 0 {
		return nil, errors.New("fan-out: no sink: at least one is required, or nothing would be durable")
	}
	cfg = cfg.withDefaults()
	f := &Fanout{outcome: make([]error, len(sinks))}
	for _, s := range sinks {
		f.sinks = append(f.sinks, newRetrier(s, cfg))
	}
	return f, nil
}

// Write returns nil once every sink has answered for every record of the batch; res then holds one
// outcome a record. An error (ctx ended, or a sink was closed) means that the whole batch has to be
// given back: some sinks may have it, which a replay absorbs. Calls come from one goroutine at a time.
func (f *Fanout) Write(ctx context.Context, b *Batch, res *Result) error {
	res.reset(len(b.Records))
	f.writeAll(ctx, b)
	if err := errors.Join(f.outcome...); err != nil {
		return err
	}
	for _, i := range f.sinks[0].duplicates {
		res.Outcomes[i] = Duplicate
	}
	for _, s := range f.sinks {
		for _, r := range s.rejects {
			res.reject(r.Index, s.sink.Name(), r.Err)
		}
	}
	return nil
}

// writeAll has every sink write the batch and waits for all; the first works on this goroutine.
func (f *Fanout) writeAll(ctx context.Context, b *Batch) {
	if len(f.sinks) == 1 {
		f.outcome[0] = f.sinks[0].write(ctx, b)
		return
	}
	var wg sync.WaitGroup
	for i, s := range f.sinks[1:] {
		wg.Go(func() { f.outcome[i+1] = s.write(ctx, b) })
	}
	f.outcome[0] = f.sinks[0].write(ctx, b)
	wg.Wait()
}

// States reports every sink in the order they were given. It may be called from any goroutine.
func (f *Fanout) States() []State {
	states := make([]State, len(f.sinks))
	for i, s := range f.sinks {
		states[i] = s.snapshot()
	}
	return states
}

// Close closes every sink, at the same time, and joins their errors.
func (f *Fanout) Close(ctx context.Context) error {
	errs := make([]error, len(f.sinks))
	var wg sync.WaitGroup
	for i, s := range f.sinks {
		wg.Go(func() {
			if err := s.sink.Close(ctx); err != nil {
				errs[i] = fmt.Errorf("close sink %s: %w", s.sink.Name(), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
