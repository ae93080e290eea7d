package sinktest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// Store is storage in memory that outlives the sinks on it. The zero Store is empty and ready.
type Store struct {
	mu      sync.Mutex
	records map[schemas.RecordID]schemas.Record
	order   []schemas.RecordID
}

// Records returns copies of what is stored, in the order of first writing.
func (s *Store) Records() []schemas.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]schemas.Record, 0, len(s.order))
	for _, id := range s.order {
		out = append(out, cloneRecord(s.records[id]))
	}
	return out
}

// IDs returns the set of stored ids.
func (s *Store) IDs() map[schemas.RecordID]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make(map[schemas.RecordID]bool, len(s.records))
	for id := range maps.Keys(s.records) {
		ids[id] = true
	}
	return ids
}

// put stores a copy unless the id is known, and reports whether it was new.
func (s *Store) put(r *schemas.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.records[r.ID]; ok {
		return false
	}
	if s.records == nil {
		s.records = make(map[schemas.RecordID]schemas.Record)
	}
	s.records[r.ID] = cloneRecord(*r)
	s.order = append(s.order, r.ID)
	return true
}

func cloneRecord(r schemas.Record) schemas.Record {
	r.ObjectID = slices.Clone(r.ObjectID)
	r.ObservationID = slices.Clone(r.ObservationID)
	r.Probabilities = slices.Clone(r.Probabilities)
	r.Embedding = slices.Clone(r.Embedding)
	return r
}

// MemorySink is a sink over a Store that fails on demand.
type MemorySink struct {
	// SinkName is its name; "memory" when empty.
	SinkName string
	// Store holds what is written; several sinks may share one.
	Store *Store
	// Fail, when set, is asked before each write with the number of the call, from 1. An error is
	// returned as it is and nothing is stored, except that the records a *sink.RejectedError does not
	// name are stored. It may block; it is called without locks.
	Fail func(ctx context.Context, call int, b *sink.Batch) error

	mu     sync.Mutex
	calls  int
	busy   bool
	closed bool
}

// Name returns SinkName or "memory".
func (s *MemorySink) Name() string {
	if s.SinkName == "" {
		return "memory"
	}
	return s.SinkName
}

// Calls returns how often Write was called.
func (s *MemorySink) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Write keeps the contract of sink.Sink and panics when two calls overlap, which only a defect of the
// caller under test can cause.
func (s *MemorySink) Write(ctx context.Context, b *sink.Batch, r *sink.Report) error {
	call, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	r.Reset()
	if err := ctx.Err(); err != nil {
		return err
	}
	refused := map[int]bool{}
	failure := s.check(ctx, call, b)
	var rejected *sink.RejectedError
	if errors.As(failure, &rejected) {
		for _, x := range rejected.Rejects {
			refused[x.Index] = true
		}
	} else if failure != nil {
		return failure
	}
	for i := range b.Records {
		switch {
		case refused[i]:
		case s.Store.put(&b.Records[i]):
			r.Written++
		default:
			r.Duplicate = append(r.Duplicate, i)
		}
	}
	return failure
}

// check asks Fail, then refuses records that do not fit their model.
func (s *MemorySink) check(ctx context.Context, call int, b *sink.Batch) error {
	if s.Fail != nil {
		if err := s.Fail(ctx, call, b); err != nil {
			return err
		}
	}
	var rejects []sink.Reject
	for i := range b.Records {
		if err := schemas.CheckRecord(&b.Records[i], b.Model); err != nil {
			rejects = append(rejects, sink.Reject{Index: i, Err: err})
		}
	}
	if len(rejects) > 0 {
		return &sink.RejectedError{Sink: s.Name(), Rejects: rejects}
	}
	return nil
}

func (s *MemorySink) enter() (call int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		panic("sinktest: two writes at the same time on one sink")
	}
	if s.closed {
		return 0, sink.ErrClosed
	}
	s.busy = true
	s.calls++
	return s.calls, nil
}

func (s *MemorySink) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = false
}

// Close makes later writes fail with sink.ErrClosed.
func (s *MemorySink) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
