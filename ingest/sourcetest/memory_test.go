package sourcetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/window"
	"github.com/galaxalign/galaxalign/schemas"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is the smallest source there is: one partition in a slice. It is the suite's own test, and an
// example of a source's duties.
type memory struct {
	store  *store
	finite bool

	mu       sync.Mutex
	window   *window.Window
	next     int64
	progress ingest.Progress
	changed  chan struct{} // closed and replaced after every finish and at Close
	closed   bool
}

// store outlives the sources: content and committed offset.
type store struct {
	values    [][]byte
	limit     int
	committed int64
	bug       string // name of a deliberate fault; see TestSuiteRejectsFaultySources
}

var errClosed = errors.New("memory source is closed")

func (s *store) open(finite bool) *memory {
	switch s.bug {
	case "starts over":
		s.committed = 0
	case "no window":
		s.limit = 1 << 30
	}
	return &memory{
		store: s, finite: finite, next: s.committed, changed: make(chan struct{}),
		window:   window.New(s.committed, window.Limits{Messages: s.limit, Bytes: 1 << 40}),
		progress: ingest.Progress{Topic: "memory", Committed: s.committed, HighWater: int64(len(s.values))},
	}
}

func (m *memory) Name() string { return "memory" }

func (m *memory) Fetch(ctx context.Context) ([]*ingest.Message, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		msg, changed, err := m.take()
		if msg != nil || err != nil {
			return []*ingest.Message{msg}, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// take returns the next message when there is one with room for it, else what to wait for.
func (m *memory) take() (*ingest.Message, <-chan struct{}, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, nil, errClosed
	}
	if m.next == int64(len(m.store.values)) {
		if m.finite {
			return nil, nil, io.EOF
		}
		return nil, m.changed, nil
	}
	value := m.store.values[m.next]
	if ok, err := m.window.Admit(m.next, int64(len(value)), time.Now()); err != nil || !ok {
		return nil, m.changed, err
	}
	msg := &ingest.Message{Origin: schemas.Origin{Topic: "memory", Offset: m.next, HDU: -1}, Value: value, Fetched: time.Now(), Owner: m}
	m.next++
	if m.next == 4 && m.store.bug == "loses a message" {
		m.next++
	}
	m.progress.Fetched++
	return msg, nil, nil
}

func (m *memory) Finish(msg *ingest.Message, o ingest.Outcome) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		if m.store.bug == "books late finishes" {
			m.progress.Fetched++
		}
		return
	}
	if o == ingest.GivenBack && m.store.bug == "commits what was given back" {
		o = ingest.Written
	}
	if err := m.window.Finish(msg.Origin.Offset, o); err != nil {
		panic(err)
	}
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memory) Progress() []ingest.Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, w := m.progress, m.window.Stats()
	p.Written, p.Duplicates, p.Quarantined, p.GivenBack = w.Written, w.Duplicates, w.Quarantined, w.GivenBack
	p.InFlight, p.InFlightB = w.InFlight, w.Bytes
	if m.closed {
		p.GivenBack += p.InFlight
		p.InFlight, p.InFlightB = 0, 0
	}
	return []ingest.Progress{p}
}

func (m *memory) Close(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	close(m.changed)
	m.store.committed = m.window.Committable()
	if m.store.bug == "commits past gaps" {
		m.store.committed = m.next
	}
	m.progress.Committed = m.store.committed
	return nil
}

func memoryHarness(finite bool) Harness {
	limit := 10 * time.Second
	if os.Getenv(bugVariable) != "" { // what a faulty source never delivers is not waited for so long
		limit = 200 * time.Millisecond
	}
	return Harness{Finite: finite, Quiet: 20 * time.Millisecond, Limit: limit,
		Setup: func(t *testing.T, spec Spec) func(*testing.T) ingest.Source {
			s := &store{values: spec.Values, limit: spec.Window, bug: os.Getenv(bugVariable)}
			return func(*testing.T) ingest.Source { return s.open(finite) }
		}}
}

func TestSuiteAcceptsAnEndlessSource(t *testing.T) { Run(t, memoryHarness(false)) }
func TestSuiteAcceptsAFiniteSource(t *testing.T)   { Run(t, memoryHarness(true)) }

// bugVariable turns the memory source into a faulty one, in a child process whose tests have to fail.
const bugVariable = "SOURCETEST_BUG"

func TestSuiteRejectsFaultySources(t *testing.T) {
	for _, bug := range []string{
		"starts over", "no window", "books late finishes", "commits what was given back", "loses a message", "commits past gaps",
	} {
		t.Run(bug, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run", "^TestSuiteAcceptsAnEndlessSource$")
			cmd.Env = append(os.Environ(), bugVariable+"="+bug)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || !bytes.Contains(out, []byte("--- FAIL")) {
				t.Errorf("a source that %s passed the suite: %v\n%s", bug, err, out)
			}
		})
	}
}
