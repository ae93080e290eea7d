package archive

import (
	"context"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
)

// Waits between two attempts to write a dead letter.
const (
	firstWait = 100 * time.Millisecond
	longWait  = 10 * time.Second
)

// refuse puts the pending item into the dead letters, without its payload, and books it as quarantined.
// Without dead letters its fault ends the source.
func (s *Source) refuse(ctx context.Context) error {
	p := s.pending
	if s.cfg.Refused == nil {
		return s.fail(p.fault)
	}
	if !p.kept {
		if err := s.keepRefused(ctx, p); err != nil {
			return err
		}
		p.kept = true
	}
	ok, err := s.window.Admit(p.offset, 0, time.Now())
	switch {
	case err != nil:
		return err
	case !ok:
		return s.wait(ctx, s.room)
	}
	s.pending = nil
	return s.window.Finish(p.offset, ingest.Quarantined)
}

// keepRefused writes the dead letter, again until it is durable.
func (s *Source) keepRefused(ctx context.Context, p *pending) error {
	m := &ingest.Message{Origin: s.origin(p), Key: []byte(p.item.key), Fetched: time.Now()}
	letter := &ingest.DeadLetter{Message: m, Fault: p.fault, At: time.Now().UTC()}
	for pause := firstWait; ; pause = min(2*pause, longWait) {
		err := s.cfg.Refused.Put(ctx, letter)
		s.setFault(letterFault, err)
		if err == nil {
			return nil
		}
		sign := make(chan struct{})
		timer := time.AfterFunc(pause, func() { close(sign) })
		err = s.wait(ctx, sign)
		timer.Stop()
		if err != nil {
			return err
		}
	}
}
