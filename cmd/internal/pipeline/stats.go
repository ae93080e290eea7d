package pipeline

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
)

// stats counts what passes each stage. All of it starts at zero with the process.
type stats struct {
	fetched, bytes, decoded, prepared, classified, records atomic.Int64
	written, duplicates, quarantined, givenBack            atomic.Int64
	latency                                                latency

	mu        sync.Mutex
	reasons   map[Refusal]int64
	labels    map[Label]int64
	deadFault string
}

// Refusal is a kind of quarantine: which stage refused, and why.
type Refusal struct {
	Stage  schemas.Stage
	Reason schemas.Reason
}

// Label is a class of a model.
type Label struct{ Model, Class string }

func newStats() *stats {
	return &stats{latency: newLatency(), reasons: map[Refusal]int64{}, labels: map[Label]int64{}}
}

func (s *stats) arrived(messages []*ingest.Message) {
	var size int64
	for _, m := range messages {
		size += int64(len(m.Value))
	}
	s.fetched.Add(int64(len(messages)))
	s.bytes.Add(size)
}

func (s *stats) finished(o ingest.Outcome) {
	switch o {
	case ingest.Written:
		s.written.Add(1)
	case ingest.Duplicate:
		s.duplicates.Add(1)
	case ingest.Quarantined:
		s.quarantined.Add(1)
	case ingest.GivenBack:
		s.givenBack.Add(1)
	}
}

func (s *stats) refused(f *schemas.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reasons[Refusal{f.Stage, f.Reason}]++
}

func (s *stats) labelled(l Label, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.labels[l] += n
}

func (s *stats) setDeadLetterFault(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadFault = ""
	if err != nil {
		s.deadFault = err.Error()
	}
}

// Snapshot is the account of a run so far. Messages are conserved:
// Fetched = Written + Duplicates + Quarantined + GivenBack + InFlight.
type Snapshot struct {
	Fetched     int64 // messages taken from the sources, and those the sources refused themselves
	Bytes       int64 // payload bytes of those messages
	Decoded     int64 // messages that became cutouts
	Prepared    int64 // tensor rows filled, one a model
	Classified  int64 // rows the models answered
	Records     int64 // records handed to the sinks and acknowledged
	Written     int64
	Duplicates  int64
	Quarantined int64
	GivenBack   int64
	InFlight    int64

	Reasons         map[Refusal]int64
	Labels          map[Label]int64
	FromPublication Latency
	FromFetch       Latency
	DeadLetterFault string // why dead letters cannot be written at the moment; empty when they can
}

// Balanced reports whether every fetched message has been accounted for and nothing is in flight.
func (s *Snapshot) Balanced() bool {
	return s.InFlight == 0 && s.Fetched == s.Written+s.Duplicates+s.Quarantined+s.GivenBack
}

// snapshot reads the outcomes before the fetches, so that a message finished in between shows as in
// flight and never as one too many.
func (s *stats) snapshot() Snapshot {
	out := Snapshot{
		Written: s.written.Load(), Duplicates: s.duplicates.Load(),
		Quarantined: s.quarantined.Load(), GivenBack: s.givenBack.Load(),
		Records: s.records.Load(), Classified: s.classified.Load(), Prepared: s.prepared.Load(), Decoded: s.decoded.Load(),
	}
	out.Fetched, out.Bytes = s.fetched.Load(), s.bytes.Load()
	out.InFlight = out.Fetched - out.Written - out.Duplicates - out.Quarantined - out.GivenBack
	out.FromPublication, out.FromFetch = s.latency.summary()
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Reasons, out.Labels = maps.Clone(s.reasons), maps.Clone(s.labels)
	out.DeadLetterFault = s.deadFault
	return out
}
