package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/window"
	"github.com/galaxalign/galaxalign/schemas"
)

// One Fetch returns no more once it has batchMessages, or payloads of batchBytes.
const (
	batchMessages = 16
	batchBytes    = 4 << 20
)

// pending is an item that waits for room in the window: its payload read, or refused with a fault.
type pending struct {
	item   item
	offset int64
	slot   *slot          // nil when it is refused
	fault  *schemas.Fault // nil when it is not
	kept   bool           // the refusal is in the dead letters
}

// Fetch implements ingest.Source. It returns at most 16 messages at a time.
func (s *Source) Fetch(ctx context.Context) ([]*ingest.Message, error) {
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	defer s.release()
	var msgs []*ingest.Message
	for size := int64(0); len(msgs) < batchMessages && size < batchBytes; {
		delivered, err := s.step(ctx, len(msgs) > 0)
		switch {
		case len(msgs) > 0 && (err != nil || delivered == nil):
			return msgs, nil // what stopped us is met again by the next Fetch
		case err != nil:
			return nil, err
		case delivered != nil:
			msgs = append(msgs, delivered)
			size += int64(len(delivered.Value))
		}
	}
	return msgs, nil
}

// take waits for the turn; release gives it up.
func (s *Source) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed: // Close keeps the turn
		return ErrClosed
	}
	err := ctx.Err()
	select {
	case <-s.closed:
		err = ErrClosed
	default:
	}
	if err == nil {
		err = s.failed
	}
	if err != nil {
		s.release()
	}
	return err
}

func (s *Source) release() { <-s.turn }

// step delivers one message, or does something towards it, in which case it returns nil. It blocks for
// room and retries only when nothing is there to be returned before.
func (s *Source) step(ctx context.Context, some bool) (*ingest.Message, error) {
	if s.account().GivenBack > 0 {
		if some {
			return nil, nil
		}
		return nil, s.rewind(ctx)
	}
	if s.pending == nil {
		if err := s.load(); err != nil {
			return nil, err
		}
	}
	if s.pending.fault != nil {
		if some {
			return nil, nil
		}
		return nil, s.refuse(ctx)
	}
	ok, err := s.window.Admit(s.pending.offset, s.pending.item.size, time.Now())
	switch {
	case err != nil:
		return nil, err
	case !ok && some:
		return nil, nil
	case !ok:
		return nil, s.wait(ctx, s.room)
	}
	m := &s.pending.slot.msg
	m.Fetched = time.Now()
	s.pending = nil
	return m, nil
}

// account is the account of the present window.
func (s *Source) account() window.Stats { return s.window.Stats() }

// wait waits for a sign (a finish, a timer) or for the end.
func (s *Source) wait(ctx context.Context, sign <-chan struct{}) error {
	select {
	case <-sign:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return ErrClosed
	}
}

// load reads the next item into pending.
func (s *Source) load() error {
	it, err := s.cursor.advance()
	p := &pending{item: it, offset: s.cursor.next - 1, fault: schemas.AsFault(err)}
	switch {
	case err == io.EOF:
		s.mu.Lock()
		s.highWater = s.cursor.next
		s.mu.Unlock()
		return io.EOF
	case p.fault != nil:
	case err != nil:
		return s.fail(err)
	case it.size > s.cfg.MaxMessageBytes:
		p.fault = schemas.NewFault(schemas.StageIngest, schemas.ReasonTooLarge,
			"%s has %d bytes, the limit is %d; raise the limit and read it under another state file", it.path, it.size, s.cfg.MaxMessageBytes)
	default:
		if err := s.readPayload(p); err != nil {
			return s.fail(err)
		}
	}
	s.pending = p
	return nil
}

// fail ends the source with an error of the file system.
func (s *Source) fail(err error) error {
	s.failed = fmt.Errorf("archive: %w", err)
	return s.failed
}

// readPayload reads the present item into a slot, or sets the fault that prevents it.
func (s *Source) readPayload(p *pending) error {
	sl := s.slots.take(s, p.item.size)
	if _, err := io.ReadFull(s.cursor.items, sl.buf); err != nil {
		s.slots.put(sl)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		err = damaged(s.cursor.files[s.cursor.begun-1].path, err)
		p.fault = schemas.AsFault(err)
		if p.fault == nil {
			return err
		}
		return nil
	}
	sl.key = append(sl.key[:0], p.item.key...)
	sl.msg = ingest.Message{Origin: s.origin(p), Key: sl.key, Value: sl.buf, Owner: sl}
	p.slot = sl
	return nil
}

func (s *Source) origin(p *pending) schemas.Origin {
	return schemas.Origin{Topic: s.cfg.Name, Offset: p.offset, Path: p.item.path, HDU: -1}
}

// finish books the outcome of a message and takes its memory back. A finish after Close changes nothing.
func (s *Source) finish(sl *slot, o ingest.Outcome) {
	s.mu.Lock()
	w := s.window
	s.mu.Unlock()
	offset := sl.msg.Origin.Offset
	err := w.Finish(offset, o)
	if errors.Is(err, window.ErrOutcome) { // nothing may be lost by an outcome that does not exist
		err = w.Finish(offset, ingest.GivenBack)
	}
	if err != nil {
		return
	}
	s.slots.put(sl)
	s.signal()
}

func (s *Source) signal() {
	select {
	case s.room <- struct{}{}:
	default:
	}
}

// rewind goes back to the oldest message given back, once nothing is in flight.
func (s *Source) rewind(ctx context.Context) error {
	for s.account().InFlight > 0 {
		if err := s.wait(ctx, s.room); err != nil {
			return err
		}
	}
	if s.pending != nil && s.pending.slot != nil {
		s.slots.put(s.pending.slot)
	}
	s.pending = nil
	s.mu.Lock()
	next := s.window.Committable()
	s.before = sum(s.before, s.window.Stats())
	s.window = newWindow(s.cfg, next)
	err := s.cursor.reset(s.cursor.placeOf(next))
	s.mu.Unlock()
	if err = errors.Join(err, s.cursor.pass(next)); err != nil {
		return s.fail(err)
	}
	return nil
}
