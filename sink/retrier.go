package sink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// State is how one sink is doing, for the page and the readiness check.
type State struct {
	Name      string
	Healthy   bool
	Since     time.Time // when Healthy last changed, or when the Fanout was made
	LastError string    // the error being retried, in words; empty when healthy
	Attempts  int       // failed attempts in a row
	Retries   int64     // failed attempts since the start
	Written   int64     // records this sink made durable
	Duplicate int64     // records it had before
	Rejected  int64     // records it refused for good
}

// retrier drives one sink: it tries a batch until the sink has answered for every record.
type retrier struct {
	sink Sink
	cfg  FanoutConfig

	part       Batch    // of the call in progress
	report     Report   // of the call in progress
	duplicates []int    // indexes into the whole batch, ascending
	rejects    []Reject // indexes into the whole batch, ascending

	mu      sync.Mutex
	state   State
	calling time.Time // when the call in progress began; zero between calls
}

// silence is how long a sink may leave a call unanswered before State says so: a write takes
// milliseconds, and a sink that hangs times out much later.
const silence = 5 * time.Second

func newRetrier(s Sink, cfg FanoutConfig) *retrier {
	return &retrier{sink: s, cfg: cfg, state: State{Name: s.Name(), Healthy: true, Since: time.Now()}}
}

// write gets an answer for every record of b. The error is ctx's or ErrClosed's.
func (s *retrier) write(ctx context.Context, b *Batch) error {
	s.duplicates, s.rejects = s.duplicates[:0], s.rejects[:0]
	return s.writeRange(ctx, b, 0, len(b.Records))
}

// writeRange writes b.Records[lo:hi], halving where an error is permanent but names no record.
func (s *retrier) writeRange(ctx context.Context, b *Batch, lo, hi int) error {
	s.part = Batch{Model: b.Model, Records: b.Records[lo:hi]}
	err := s.try(ctx, &s.part)
	if err == nil {
		s.accept(lo, hi, nil)
		return nil
	}
	var rejected *RejectedError
	switch {
	case errors.As(err, &rejected):
		s.accept(lo, hi, rejected.Rejects)
	case !refusesRecords(err):
		return err
	case hi-lo == 1:
		s.report.Reset()
		s.accept(lo, hi, []Reject{{Index: 0, Err: err}})
	case hi > lo:
		mid := lo + (hi-lo)/2
		if err := s.writeRange(ctx, b, lo, mid); err != nil {
			return err
		}
		return s.writeRange(ctx, b, mid, hi)
	}
	return nil
}

// try writes the part until the sink answers: nil, a refusal of records, or an end that cannot be
// retried (ctx, ErrClosed).
func (s *retrier) try(ctx context.Context, part *Batch) error {
	wait := backoff{base: s.cfg.MinBackoff, ceiling: s.cfg.MaxBackoff}
	for {
		s.report.Reset()
		s.setCalling(time.Now())
		err := s.sink.Write(ctx, part, &s.report)
		s.setCalling(time.Time{})
		if !Retryable(err) {
			s.answered(err)
			if err != nil && !refusesRecords(err) {
				return fmt.Errorf("sink %s: %w", s.sink.Name(), err)
			}
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("sink %s: %w", s.sink.Name(), ctx.Err())
		}
		s.failed(err)
		if sleepErr := sleep(ctx, wait.next(err)); sleepErr != nil {
			return fmt.Errorf("sink %s gave up after: %w: %w", s.sink.Name(), err, sleepErr)
		}
	}
}

// accept records the answer to one part.
func (s *retrier) accept(lo, hi int, rejects []Reject) {
	for _, i := range s.report.Duplicate {
		s.duplicates = append(s.duplicates, lo+i)
	}
	for _, r := range rejects {
		s.rejects = append(s.rejects, Reject{Index: lo + r.Index, Err: r.Err})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Duplicate += int64(len(s.report.Duplicate))
	s.state.Rejected += int64(len(rejects))
	s.state.Written += int64(hi - lo - len(rejects) - len(s.report.Duplicate))
}

// answered notes that the sink is reachable, or that it is closed.
func (s *retrier) answered(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	healthy := !errors.Is(err, ErrClosed)
	if s.state.Healthy != healthy {
		s.state.Since = time.Now()
	}
	s.state.Healthy, s.state.LastError, s.state.Attempts = healthy, "", 0
	if !healthy {
		s.state.LastError = err.Error()
	}
}

// failed notes a transient error.
func (s *retrier) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Healthy {
		s.state.Since = time.Now()
	}
	s.state.Healthy, s.state.LastError = false, err.Error()
	s.state.Attempts++
	s.state.Retries++
}

func (s *retrier) setCalling(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calling = since
}

// snapshot is the state, in which a call that has gone unanswered for long counts as trouble.
func (s *retrier) snapshot() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.state
	if waited := time.Since(s.calling); state.Healthy && !s.calling.IsZero() && waited > silence {
		state.Healthy, state.Since = false, s.calling
		state.LastError = fmt.Sprintf("no answer for %s", waited.Round(time.Second))
	}
	return state
}
