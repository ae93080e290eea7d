// Package window keeps the account of one partition's messages between their delivery and the commit of
// their offsets.
//
// Guarantee: Committable never passes an offset whose message is unfinished or was given back, whatever
// the order of the finishes; and the window never holds more than its limits, so both the memory in
// flight and the replay after a crash are bounded. It performs no I/O, starts no goroutine and reads no
// clock, so a test can drive every interleaving.
package window

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
)

// Errors of misuse. Each is wrapped with the offsets in question.
var (
	ErrOrder    = errors.New("offset out of order")
	ErrFinished = errors.New("offset already finished")
	ErrUnknown  = errors.New("offset not admitted")
	ErrOutcome  = errors.New("not an outcome")
)

// Limits bound a window.
type Limits struct {
	// Messages is the largest number of offsets held: unfinished ones and those that finished before an
	// older one did. It is also the most messages that a restart delivers again.
	Messages int
	// Bytes is the largest sum of the sizes of unfinished messages. A message larger than that is
	// admitted alone, when nothing else is unfinished.
	Bytes int64
}

// Stats is the account of a window since New. Admitted = Written + Duplicates + Quarantined + GivenBack +
// InFlight.
type Stats struct {
	Admitted    int64
	Written     int64
	Duplicates  int64
	Quarantined int64
	GivenBack   int64
	InFlight    int64 // admitted and not finished
	Bytes       int64 // sum of the sizes of the messages in flight
	Held        int64 // offsets in the window: in flight, or finished and waiting for an older one
}

// entry is one admitted offset; outcome is 0 while it is in flight.
type entry struct {
	offset  int64
	size    int64
	at      time.Time
	outcome ingest.Outcome
}

// Window is the ack window of one partition. The zero value is not usable; call New. All methods are
// safe for concurrent use.
//
// Invariants, under mu: the offsets in ring rise from head on; all are >= committable; the oldest entry is
// in flight or given back (others leave at once); next is above every offset seen.
type Window struct {
	limits Limits

	mu          sync.Mutex
	ring        []entry // length a power of two; entry i of the window is ring[(head+i) & (len-1)]
	head, count int
	committable int64
	next        int64
	stats       Stats
}

// New returns an empty window whose first admissible offset, and first committable one, is next.
func New(next int64, limits Limits) *Window {
	return &Window{limits: limits, committable: next, next: next, ring: make([]entry, 16)}
}

// Admit takes in the message at offset, of size bytes, delivered at the given time. Offsets rise; gaps are
// allowed (transaction markers, aborted records, compacted records) and count as finished. It returns
// false when the window is full: nothing was taken in, and the caller tries again after a finish.
func (w *Window) Admit(offset, size int64, at time.Time) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if offset < w.next {
		return false, fmt.Errorf("admit %d, but the next offset is %d: %w", offset, w.next, ErrOrder)
	}
	if w.count >= w.limits.Messages || w.stats.InFlight > 0 && w.stats.Bytes+size > w.limits.Bytes {
		return false, nil
	}
	w.push(entry{offset: offset, size: size, at: at})
	w.next = offset + 1
	if w.count == 1 { // whatever lay between the last message and this one needs no work
		w.committable = offset
	}
	w.stats.Admitted++
	w.stats.InFlight++
	w.stats.Bytes += size
	return true, nil
}

// Skip states that no message will be admitted below next: the offsets up to there hold transaction
// markers, aborted or compacted records. Once everything before them is finished they are committable.
// A next that is already passed changes nothing.
func (w *Window) Skip(next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = max(w.next, next)
	if w.count == 0 {
		w.committable = w.next
	}
}

// Finish records what became of the message at offset. GivenBack is an end for the message but not for
// its offset: Committable stays at or below it for good.
func (w *Window) Finish(offset int64, o ingest.Outcome) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	counter := w.counter(o)
	if counter == nil {
		return fmt.Errorf("finish %d with %d: %w", offset, o, ErrOutcome)
	}
	e := w.find(offset)
	switch {
	case e == nil && offset < w.committable:
		return fmt.Errorf("finish %d, but all below %d is finished: %w", offset, w.committable, ErrFinished)
	case e == nil:
		return fmt.Errorf("finish %d, not in the window of %d offsets from %d to %d: %w",
			offset, w.count, w.committable, w.next-1, ErrUnknown)
	case e.outcome != 0:
		return fmt.Errorf("finish %d with %d, but it was finished with %d: %w", offset, o, e.outcome, ErrFinished)
	}
	e.outcome = o
	*counter++
	w.stats.InFlight--
	w.stats.Bytes -= e.size
	w.advance()
	return nil
}

// Committable returns the offset that a restart may begin at: the one after the contiguous finished
// prefix, or the oldest offset that is unfinished or was given back.
func (w *Window) Committable() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.committable
}

// Oldest returns the oldest offset in flight and when it was admitted; ok is false when nothing is in
// flight.
func (w *Window) Oldest() (offset int64, at time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.count {
		if e := w.at(i); e.outcome == 0 {
			return e.offset, e.at, true
		}
	}
	return 0, time.Time{}, false
}

// Stats returns the account.
func (w *Window) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Held = int64(w.count)
	return s
}

// counter returns the account line of an outcome, or nil when there is none of that number.
func (w *Window) counter(o ingest.Outcome) *int64 {
	switch o {
	case ingest.Written:
		return &w.stats.Written
	case ingest.Duplicate:
		return &w.stats.Duplicates
	case ingest.Quarantined:
		return &w.stats.Quarantined
	case ingest.GivenBack:
		return &w.stats.GivenBack
	}
	return nil
}

// advance drops the finished entries at the head and moves committable behind them.
func (w *Window) advance() {
	for w.count > 0 {
		e := w.at(0)
		if e.outcome == 0 || e.outcome == ingest.GivenBack {
			w.committable = e.offset
			return
		}
		w.head = (w.head + 1) & (len(w.ring) - 1)
		w.count--
	}
	w.committable = w.next
}

// at returns the i-th entry of the window.
func (w *Window) at(i int) *entry { return &w.ring[(w.head+i)&(len(w.ring)-1)] }

// find returns the entry of offset by binary search, or nil.
func (w *Window) find(offset int64) *entry {
	lo, hi := 0, w.count
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if w.at(mid).offset < offset {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < w.count && w.at(lo).offset == offset {
		return w.at(lo)
	}
	return nil
}

// push appends an entry, doubling the ring when it is full.
func (w *Window) push(e entry) {
	if w.count == len(w.ring) {
		ring := make([]entry, 2*len(w.ring))
		for i := range w.count {
			ring[i] = *w.at(i)
		}
		w.ring, w.head = ring, 0
	}
	w.count++
	*w.at(w.count - 1) = e
}
