package sink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
)

// ErrClosed is returned by Write on a sink that was closed. Trying again cannot help, and it says
// nothing about the records.
var ErrClosed = errors.New("the sink is closed")

// PermanentError marks an error as one that the same records will meet however often they are tried,
// when the back end did not say which record is to blame. The fan-out then splits the batch until the
// record stands alone.
type PermanentError struct{ Err error }

// Permanent marks err; nil stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &PermanentError{Err: err}
}

// Error renders the cause.
func (e *PermanentError) Error() string { return "permanent: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *PermanentError) Unwrap() error { return e.Err }

// BusyError is a refusal for now by a server that says how long to wait.
type BusyError struct {
	After time.Duration // wait at least this long before the next attempt
	Err   error
}

// Error renders the wait and the cause.
func (e *BusyError) Error() string { return fmt.Sprintf("busy, retry after %s: %v", e.After, e.Err) }

// Unwrap returns the cause.
func (e *BusyError) Unwrap() error { return e.Err }

// Retryable is the one place that tells transient errors from permanent ones. Everything is transient
// (a full disk, a broker away, a time-out of the sink's own) except nil, refusals of records
// (*RejectedError, *PermanentError, *schemas.Fault) and ErrClosed.
func Retryable(err error) bool {
	return err != nil && !errors.Is(err, ErrClosed) && !refusesRecords(err)
}

// refusesRecords reports whether err is about the records rather than about the sink.
func refusesRecords(err error) bool {
	var rejected *RejectedError
	var permanent *PermanentError
	return errors.As(err, &rejected) || errors.As(err, &permanent) || schemas.AsFault(err) != nil
}

// backoff yields the waits between attempts: exponential from base to ceiling, each drawn from the upper
// half of its range so that sinks which failed together do not come back together.
type backoff struct {
	base, ceiling time.Duration
	attempt       int
}

// next returns the wait before the next attempt; a server's own demand is obeyed when it is longer.
func (b *backoff) next(err error) time.Duration {
	d := b.ceiling
	if shift := min(b.attempt, 32); b.base<<shift > 0 && b.base<<shift < b.ceiling {
		d = b.base << shift
	}
	b.attempt++
	d = d/2 + time.Duration(rand.Int64N(int64(d/2)+1))
	var busy *BusyError
	if errors.As(err, &busy) && busy.After > d {
		d = busy.After
	}
	return d
}

// sleep waits for d or until ctx ends, and then returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
