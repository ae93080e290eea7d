package arrowfile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/galaxalign/galaxalign/sink"
)

// sealRetry is the wait before a failed seal is tried again.
const sealRetry = time.Second

// sealer seals segments as they come and rotates those that are old enough, until ctx ends.
func (s *Sink) sealer(ctx context.Context) {
	timer := time.NewTimer(s.cfg.MaxAge)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		s.rotateAged()
		if err := s.sealAll(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("sealing a file failed, trying again", "sink", s.Name(), "error", err, "wait", sealRetry)
		}
		timer.Reset(s.nextDeadline())
	}
}

// rotateAged rotates the segments that have rows and are older than MaxAge.
func (s *Sink) rotateAged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, set := range s.sets {
		if set.open != nil && set.open.rows > 0 && time.Since(set.open.opened) >= s.cfg.MaxAge {
			s.rotate(set)
		}
	}
}

// nextDeadline is how long the sealer may sleep unless woken.
func (s *Sink) nextDeadline() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) > 0 {
		return sealRetry
	}
	wait := s.cfg.MaxAge
	for _, set := range s.sets {
		if set.open != nil && set.open.rows > 0 {
			wait = min(wait, s.cfg.MaxAge-time.Since(set.open.opened))
		}
	}
	return max(wait, 0)
}

// sealAll seals the waiting segments, oldest first, until one fails.
func (s *Sink) sealAll(ctx context.Context) error {
	for {
		s.mu.Lock()
		if len(s.waiting) == 0 {
			s.mu.Unlock()
			return nil
		}
		seg := s.waiting[0]
		s.mu.Unlock()
		err := s.sealOne(ctx, seg)
		s.mu.Lock()
		s.sealErr = err
		close(s.attempt)
		s.attempt = make(chan struct{})
		s.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// sealOne seals a segment, deletes its log and takes it off the waiting list.
func (s *Sink) sealOne(ctx context.Context, seg *segment) error {
	file, ok, err := seal(ctx, s.fs, s.format, seg)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok {
		seg.set.sealed(file)
	}
	s.waiting = s.waiting[1:]
	// The records are safe in the file: a log that stays is recognised and deleted by the next Open.
	return errors.Join(seg.log.Close(), s.fs.Remove(seg.path()), s.fs.SyncDir(seg.set.dir))
}

// room waits until another segment may be opened or appended to. It is called with the lock held and
// gives it up while it waits.
func (s *Sink) room(ctx context.Context) error {
	for len(s.waiting) >= maxUnsealed {
		if s.sealErr != nil {
			s.signal() // the caller's backoff paces the sealer from here on
			return fmt.Errorf("%s files: %d segments wait to be sealed: %w", s.Name(), len(s.waiting), s.sealErr)
		}
		attempt := s.attempt
		s.mu.Unlock()
		var err error
		select {
		case <-attempt:
		case <-ctx.Done():
			err = ctx.Err()
		}
		s.mu.Lock()
		if err != nil {
			return err
		}
		if s.closed {
			return fmt.Errorf("%s files: %w", s.Name(), sink.ErrClosed)
		}
	}
	return nil
}
