// Package sourcetest is the conformance suite of ingest.Source.
//
// Guarantee: a source that passes delivers every message of its content in order within each partition,
// commits only contiguous finished prefixes, delivers exactly the rest after a restart, keeps to its
// window, accounts for every message, and stops when it is told to.
package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
)

// Spec is the content a harness has to provide.
type Spec struct {
	Values     [][]byte // distinct payloads, to be published or stored in this order
	Partitions int      // partitions to spread them over; a source that knows none ignores it
	Window     int      // messages the source may have in flight in each partition
}

// Harness makes the sources under test.
type Harness struct {
	// Setup provides the content and returns a function that opens a source over it. The suite closes
	// each source before it opens the next one, which stands for a restart: it begins where the last one
	// committed.
	Setup func(t *testing.T, spec Spec) (open func(t *testing.T) ingest.Source)
	// Finite: Fetch returns io.EOF after the last message. Other sources block.
	Finite bool
	// Redelivers: a message given back is delivered again by the same source, without a restart.
	Redelivers bool
	// Quiet is how long a source that has more to deliver may take to do so; the suite takes a longer
	// silence for the end. Default 500 ms.
	Quiet time.Duration
	// Limit is the time within which anything that has to happen, happens. Default 20 s.
	Limit time.Duration
}

// Run runs the suite, each property as a subtest.
func Run(t *testing.T, h Harness) {
	if h.Quiet == 0 {
		h.Quiet = 500 * time.Millisecond
	}
	if h.Limit == 0 {
		h.Limit = 20 * time.Second
	}
	for _, c := range []struct {
		name string
		test func(t *testing.T, h Harness)
	}{
		{"DeliversAllInOrder", testDeliversAllInOrder},
		{"EndsOrBlocks", testEndsOrBlocks},
		{"MessagesAreComplete", testMessagesAreComplete},
		{"FinishOutOfOrderCommitsPrefix", testPrefix},
		{"RestartContinues", testRestartContinues},
		{"GivenBackIsRedelivered", testGivenBack},
		{"GivenBackIsRedeliveredWithoutRestart", testRedelivers},
		{"FullWindowBlocksAndUnblocks", testWindow},
		{"ConservationUnderConcurrentFinish", testConservation},
		{"FetchObeysContext", testContext},
		{"CloseGivesBack", testClose},
		{"CloseInTimeWithoutTime", testCloseExpired},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, h) })
	}
}

// values returns n distinct payloads.
func values(n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = fmt.Appendf(nil, "payload %06d of the content", i)
	}
	return list
}

// session is one source from opening to Close.
type session struct {
	*testing.T
	h   Harness
	src ingest.Source
}

// start sets the content up and opens the first source; reopen stands for a restart.
func start(t *testing.T, h Harness, spec Spec) (s *session, reopen func() *session) {
	t.Helper()
	open := h.Setup(t, spec)
	reopen = func() *session {
		s := &session{T: t, h: h, src: open(t)}
		t.Cleanup(func() { s.close() })
		return s
	}
	return reopen(), reopen
}

// close closes the source within the limit; calling it again must do no harm.
func (s *session) close() {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), s.h.Limit)
	defer cancel()
	if err := s.src.Close(ctx); err != nil {
		s.Errorf("Close: %v", err)
	}
}

// fetch returns the next n messages, or fails.
func (s *session) fetch(n int) []*ingest.Message {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), s.h.Limit)
	defer cancel()
	var list []*ingest.Message
	for len(list) < n {
		msgs, err := s.src.Fetch(ctx)
		if err != nil {
			s.Fatalf("Fetch after %d of %d messages: %v; progress %+v", len(list), n, err, s.src.Progress())
		}
		if len(msgs) == 0 {
			s.Fatal("Fetch returned no message and no error")
		}
		list = append(list, msgs...)
	}
	return list
}

// rest returns what the source still delivers until it ends or falls silent.
func (s *session) rest() []*ingest.Message {
	s.Helper()
	var list []*ingest.Message
	for {
		ctx, cancel := context.WithTimeout(context.Background(), s.h.Quiet)
		msgs, err := s.src.Fetch(ctx)
		cancel()
		switch {
		case err == nil:
			list = append(list, msgs...)
		case s.h.Finite && errors.Is(err, io.EOF), errors.Is(err, context.DeadlineExceeded):
			return list
		default:
			s.Fatalf("Fetch: %v", err)
		}
	}
}

// partition names a partition of a message.
type partition struct {
	topic  string
	number int32
}

func partitionOf(m *ingest.Message) partition { return partition{m.Origin.Topic, m.Origin.Partition} }

// total sums the account over all partitions, after checking each for conservation.
func (s *session) total() ingest.Progress {
	s.Helper()
	var sum ingest.Progress
	for _, p := range s.src.Progress() {
		if p.Fetched != p.Written+p.Duplicates+p.Quarantined+p.GivenBack+p.InFlight {
			s.Errorf("%s/%d is not conserved: %+v", p.Topic, p.Partition, p)
		}
		if p.InFlight < 0 || p.InFlightB < 0 || p.InFlight == 0 && p.InFlightB != 0 {
			s.Errorf("%s/%d holds %d messages of %d bytes", p.Topic, p.Partition, p.InFlight, p.InFlightB)
		}
		sum.Fetched += p.Fetched
		sum.Written += p.Written
		sum.Duplicates += p.Duplicates
		sum.Quarantined += p.Quarantined
		sum.GivenBack += p.GivenBack
		sum.InFlight += p.InFlight
		sum.InFlightB += p.InFlightB
	}
	return sum
}

// copies returns the payloads, which outlive Finish.
func copies(msgs []*ingest.Message) []string {
	list := make([]string, len(msgs))
	for i, m := range msgs {
		list[i] = string(m.Value)
	}
	return list
}

func finishAll(msgs []*ingest.Message, o ingest.Outcome) {
	for _, m := range msgs {
		m.Finish(o)
	}
}
