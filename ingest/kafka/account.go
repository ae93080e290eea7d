package kafka

import (
	"sync"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/window"
)

// account is the book of one partition over the whole run, across rebalances. Partition -1 stands for a
// topic as a whole and carries only faults: that it is missing, that the group cannot be joined.
type account struct {
	mu       sync.Mutex
	progress ingest.Progress
}

// tenure is one stretch of holding a partition: from its assignment, or from a rewind after messages were
// given back, to its end. Late finishes of an ended tenure change nothing.
type tenure struct {
	account *account
	window  *window.Window
	room    chan struct{} // poked after every finish: there may be room, or a reason to rewind
	ended   bool          // guarded by account.mu
}

func newAccount(topic string, partition int32) *account {
	return &account{progress: ingest.Progress{Topic: topic, Partition: partition, Committed: -1, HighWater: -1}}
}

func newTenure(a *account, next int64, limits window.Limits) *tenure {
	return &tenure{account: a, window: window.New(next, limits), room: make(chan struct{}, 1)}
}

// deliver books the slab's messages as handed to the pipeline and returns them, or nil when the tenure
// has ended: they belong to the partition's next holder.
func (a *account) deliver(s *slab) []*ingest.Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s.tenure.ended {
		return nil
	}
	for i := range s.records {
		r := &s.records[i]
		r.state.Store(recordHeld)
		a.progress.InFlightB += r.size
	}
	a.progress.Fetched += int64(len(s.records))
	a.progress.InFlight += int64(len(s.records))
	return s.msgs
}

// finish books the outcome of a delivered message. Unless the tenure has ended, when the message counts as
// given back already.
func (a *account) finish(t *tenure, offset, size int64, o ingest.Outcome) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.ended {
		return nil
	}
	err := t.window.Finish(offset, o)
	if err != nil { // an outcome that does not exist; nothing may be lost by it
		o = ingest.GivenBack
		_ = t.window.Finish(offset, o)
	}
	p := &a.progress
	p.InFlight--
	p.InFlightB -= size
	switch o {
	case ingest.Written:
		p.Written++
	case ingest.Duplicate:
		p.Duplicates++
	case ingest.Quarantined:
		p.Quarantined++
	case ingest.GivenBack:
		p.GivenBack++
	}
	select {
	case t.room <- struct{}{}:
	default:
	}
	return err
}

// end closes the tenure: what is in flight counts as given back.
func (a *account) end(t *tenure) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.ended {
		return
	}
	t.ended = true
	p := &a.progress
	p.GivenBack += p.InFlight
	p.InFlight, p.InFlightB = 0, 0
}

// set changes the account under its lock.
func (a *account) set(change func(p *ingest.Progress)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.progress)
}

// get returns a copy.
func (a *account) get() ingest.Progress {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.progress
}
