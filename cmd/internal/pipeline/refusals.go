package pipeline

import (
	"context"
	"log/slog"
	"maps"
	"sync"

	"github.com/galaxalign/galaxalign/ingest"
)

// Refusals are dead letters that a source writes to by itself, for what it cannot even deliver (the rest of
// a damaged archive). They are counted, so that the account holds those inputs too. The letters belong to
// the caller.
type Refusals struct {
	ingest.DeadLetters
	log *slog.Logger

	mu    sync.Mutex
	kinds map[Refusal]int64
}

// NewRefusals counts what is put into letters from now on and reports each to log.
func NewRefusals(letters ingest.DeadLetters, log *slog.Logger) *Refusals {
	return &Refusals{DeadLetters: letters, log: log, kinds: map[Refusal]int64{}}
}

// Put implements ingest.DeadLetters.
func (r *Refusals) Put(ctx context.Context, d *ingest.DeadLetter) error {
	if err := r.DeadLetters.Put(ctx, d); err != nil {
		return err
	}
	logQuarantined(r.log, d)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kinds[Refusal{d.Fault.Stage, d.Fault.Reason}]++
	return nil
}

// counts returns the refusals so far; none for a nil r.
func (r *Refusals) counts() map[Refusal]int64 {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.kinds)
}

func logQuarantined(log *slog.Logger, d *ingest.DeadLetter) {
	log.Warn("quarantined", "origin", d.Message.Origin.String(), "stage", d.Fault.Stage, "reason", d.Fault.Reason, "detail", d.Fault.Detail)
}
