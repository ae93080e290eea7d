package archive

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/window"
)

// ErrClosed is what Fetch returns after Close.
var ErrClosed = errors.New("archive source is closed")

// Source reads an archive. It implements ingest.Source with one partition, number 0.
//
// A message given back is read again by the next Fetch that finds nothing else in flight, with those
// after it; Fetch returns io.EOF at the end of the archive without waiting for that. Errors of the file
// system end the source: the state file keeps what was finished.
type Source struct {
	cfg    Config
	files  []file
	cursor *cursor
	slots  slots

	turn    chan struct{} // held by who uses the cursor, pending, failed
	pending *pending      // read and not yet delivered
	failed  error         // what ended the source

	room   chan struct{} // a finish made room
	closed chan struct{}
	once   sync.Once
	ended  chan struct{} // the goroutine that writes the state has returned
	done   chan struct{} // the first Close has returned

	mu        sync.Mutex
	window    *window.Window
	before    window.Stats // of the windows before the present one
	committed int64        // next offset in the state file; -1 before the first
	highWater int64
	faults    [2]error // what is being retried: the state file, a dead letter
}

// Indexes of Source.faults.
const (
	stateFault = iota
	letterFault
)

var _ ingest.Source = (*Source)(nil)

// Open lists the archive, checks it against the state file and goes to where the last run stopped. The
// error is ErrChanged when the archive is another one. The caller closes the source.
func Open(cfg Config) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	files, err := walk(cfg)
	if err != nil {
		return nil, err
	}
	st, err := readState(cfg.StateFile)
	if err != nil {
		return nil, err
	}
	if err := st.fits(cfg.StateFile, files); err != nil {
		return nil, err
	}
	s := &Source{
		cfg: cfg, files: files, cursor: &cursor{include: cfg.Include, files: files}, slots: slots{limit: cfg.WindowBytes},
		turn: make(chan struct{}, 1), room: make(chan struct{}, 1), closed: make(chan struct{}), ended: make(chan struct{}), done: make(chan struct{}),
		window: newWindow(cfg, st.Next), committed: -1, highWater: -1,
	}
	if st.Files > 0 {
		s.committed = st.Next
	}
	err = errors.Join(s.cursor.reset(place{st.Files, st.Start}), s.cursor.pass(st.Next))
	if err != nil {
		return nil, errors.Join(err, s.cursor.close())
	}
	go s.keepState()
	return s, nil
}

func newWindow(cfg Config, next int64) *window.Window {
	return window.New(next, window.Limits{Messages: cfg.WindowMessages, Bytes: cfg.WindowBytes})
}

// Name implements ingest.Source.
func (s *Source) Name() string { return s.cfg.Name }

// Progress implements ingest.Source. HighWater is known once the end was reached.
func (s *Source) Progress() []ingest.Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, fault := sum(s.before, s.window.Stats()), ""
	if err := errors.Join(s.faults[:]...); err != nil {
		fault = err.Error()
	}
	return []ingest.Progress{{
		Topic: s.cfg.Name, Fetched: st.Admitted, Written: st.Written, Duplicates: st.Duplicates,
		Quarantined: st.Quarantined, GivenBack: st.GivenBack, InFlight: st.InFlight, InFlightB: st.Bytes,
		Committed: s.committed, HighWater: s.highWater, Fault: fault,
	}}
}

func sum(a, b window.Stats) window.Stats {
	return window.Stats{
		Admitted: a.Admitted + b.Admitted, Written: a.Written + b.Written, Duplicates: a.Duplicates + b.Duplicates,
		Quarantined: a.Quarantined + b.Quarantined, GivenBack: a.GivenBack + b.GivenBack,
		InFlight: b.InFlight, Bytes: b.Bytes, Held: b.Held,
	}
}

// Close implements ingest.Source. When ctx ends first, the state file is as it was last written.
func (s *Source) Close(ctx context.Context) error {
	first := false
	s.once.Do(func() {
		first = true
		close(s.closed)
	})
	if !first {
		select {
		case <-s.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer close(s.done)
	<-s.ended
	if !s.lastTurn(ctx) {
		s.giveBack()
		return fmt.Errorf("archive: a read is under way: %w", ctx.Err())
	}
	s.giveBack()
	err := ctx.Err()
	if err == nil {
		err = s.commit()
	}
	return errors.Join(err, s.cursor.close())
}

// lastTurn takes the turn for good. A Fetch that waits gives it up at once, one that reads after the read.
func (s *Source) lastTurn(ctx context.Context) bool {
	select {
	case s.turn <- struct{}{}:
		return true
	default:
	}
	select {
	case s.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// giveBack ends every message in flight.
func (s *Source) giveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		offset, _, ok := s.window.Oldest()
		if !ok {
			return
		}
		_ = s.window.Finish(offset, ingest.GivenBack) // the other finisher may be first: it is ended all the same
	}
}

// setFault shows an error that is being retried in Progress, until it is nil.
func (s *Source) setFault(which int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[which] = err
}
