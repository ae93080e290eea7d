package archive

import (
	"encoding/hex"
	"fmt"
	"time"
)

// keepState writes the state file on a timer until Close.
func (s *Source) keepState() {
	defer close(s.ended)
	ticker := time.NewTicker(s.cfg.StateInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-ticker.C:
			s.setFault(stateFault, s.commit())
		}
	}
}

// commit makes the finished prefix durable.
func (s *Source) commit() error {
	if s.cfg.StateFile == "" {
		return nil
	}
	s.mu.Lock()
	next := s.window.Committable()
	at := s.cursor.placeOf(next)
	committed := s.committed
	s.mu.Unlock()
	if next <= committed || at.files == 0 {
		return nil
	}
	f := &s.files[at.files-1]
	st := state{
		Version: stateVersion, Next: next, Files: at.files, File: f.path, Start: at.start,
		Chain: hex.EncodeToString(f.chain[:]), At: time.Now().UTC(),
	}
	if err := st.write(s.cfg.StateFile); err != nil {
		return fmt.Errorf("archive: state: %w", err)
	}
	s.mu.Lock()
	s.committed = next
	s.mu.Unlock()
	return nil
}
