package milvus

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

var errInternal = status.Error(codes.Internal, "broken")

// impatient opens a sink whose calls end after a tenth of a second, which no configuration may ask for.
func impatient(t *testing.T, address string) *Sink {
	s := open(t, Config{Address: address})
	s.cfg.Timeout = 100 * time.Millisecond
	s.conn.cfg.Timeout = s.cfg.Timeout
	return s
}

// closedPort returns an address where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

func TestServerDownAtStartFailsFastAndLaterRecovers(t *testing.T) {
	f := newFake(t)
	f.stop()
	s := open(t, Config{Address: f.address}) // with the usual time limit of 30 s
	m := testModel(2)
	b := sink.Batch{Model: m, Records: records(m, 3)}
	start := time.Now()
	err := s.Write(t.Context(), &b, &sink.Report{})
	if !sink.Retryable(err) || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), f.address) {
		t.Fatalf("error %v, want one worth another try that names the address and the cause", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %v to find nobody there", d)
	}
	if err := s.Searcher(m).Ready(t.Context()); err == nil {
		t.Error("ready without a server")
	}
	f.start(t)
	mustWrite(t, s, m, b.Records)
	wantCount(t, s.Searcher(m), 3)
}

func TestServerAwayForAWhileIsWrittenToAgain(t *testing.T) {
	f := newFake(t)
	s := open(t, Config{Address: f.address, Timeout: 10 * time.Second})
	m := testModel(2)
	mustWrite(t, s, m, records(m, 3))
	f.stop()
	s.cfg.Timeout = 100 * time.Millisecond
	if err := s.Write(t.Context(), &sink.Batch{Model: m, Records: records(m, 5)}, &sink.Report{}); !sink.Retryable(err) {
		t.Fatalf("error %v, want one worth another try", err)
	}
	s.cfg.Timeout = 10 * time.Second
	f.start(t)
	mustWrite(t, s, m, records(m, 5))
	wantCount(t, s.Searcher(m), 5)
}

// Unavailable is tried again inside one call.
func TestUnavailableForAMomentIsNotNoticed(t *testing.T) {
	f := newFake(t)
	s := open(t, Config{Address: f.address})
	m := testModel(2)
	var calls atomic.Int32
	f.set(func() {
		f.before = func(_ context.Context, method string) error {
			if method == "Upsert" && calls.Add(1) <= 2 {
				return status.Error(codes.Unavailable, "moving")
			}
			return nil
		}
	})
	mustWrite(t, s, m, records(m, 3))
	if calls.Load() != 3 {
		t.Errorf("%d tries, want 3", calls.Load())
	}
	wantCount(t, s.Searcher(m), 3)
}

// The client sends a request that is too large six times, over 22 seconds, unless the call is bounded.
func TestTooLargeARequestEndsWithinTheTimeLimit(t *testing.T) {
	f := newFake(t)
	f.stop()
	f.maxBytes = 4096
	f.start(t)
	s := impatient(t, f.address)
	m := testModel(64)
	start := time.Now()
	err := s.Write(t.Context(), &sink.Batch{Model: m, Records: records(m, 100)}, &sink.Report{})
	if !sink.Retryable(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the time limit's", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %v, the limit is %v", d, s.cfg.Timeout)
	}
}

// A server that takes calls and never answers holds nobody longer than the time limit, whichever call
// it is, and the caller's own deadline is obeyed too.
func TestEveryCallIsBoundedByTheTimeLimit(t *testing.T) {
	m := testModel(2)
	write := func(ctx context.Context, s *Sink) error {
		return s.Write(ctx, &sink.Batch{Model: m, Records: records(m, 3)}, &sink.Report{})
	}
	search := func(ctx context.Context, s *Sink) error {
		_, err := s.Searcher(m).Search(ctx, sink.Query{Vector: []float32{1, 0}, K: 1})
		return err
	}
	get := func(ctx context.Context, s *Sink) error {
		_, err := s.Searcher(m).Get(ctx, schemas.RecordID{})
		return err
	}
	ready := func(ctx context.Context, s *Sink) error { return s.Searcher(m).Ready(ctx) }
	for name, c := range map[string]struct {
		method string
		call   func(context.Context, *Sink) error
	}{
		"looking":         {"HasCollection", write},
		"making":          {"CreateCollection", write},
		"indexing":        {"CreateIndex", write},
		"loading":         {"LoadCollection", write},
		"pointing":        {"CreateAlias", write},
		"upserting":       {"Upsert", write},
		"searching":       {"Search", search},
		"reading":         {"Query", get},
		"asking":          {"CheckHealth", ready},
		"asking the load": {"GetLoadState", ready},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			if c.method == "Search" || c.method == "Query" {
				mustWrite(t, open(t, Config{Address: f.address}), m, records(m, 3))
			}
			f.set(func() {
				f.before = func(ctx context.Context, method string) error {
					if method == c.method {
						<-ctx.Done()
					}
					return ctx.Err()
				}
			})
			if err := c.call(t.Context(), impatient(t, f.address)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want the time limit's", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if err := c.call(ctx, open(t, Config{Address: f.address})); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want the caller's deadline", err)
			}
		})
	}
}

// A port that takes connections and says nothing: those who wait for the one who dials have limits too.
func TestWaitingForTheDialIsBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := open(t, Config{Address: l.Addr().String(), Timeout: time.Second})
	m := testModel(2)
	dialling := make(chan error, 1)
	go func() {
		_, err := s.conn.client(t.Context())
		dialling <- err
	}()
	peer, err := l.Accept() // now the dial holds the token
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := s.Searcher(m).Count(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the caller's deadline", err)
	}
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("a caller with 50 ms waited %v", d)
	}
	if err := <-dialling; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("dialling: %v, want the time limit", err)
	}
}

// A refused login is tried again and again; the goroutines of connections left behind would show.
func TestRefusedLoginLeavesNothingBehind(t *testing.T) {
	f := newFake(t)
	f.set(func() {
		f.before = func(context.Context, string) error { return status.Error(codes.Unauthenticated, "auth check failure") }
	})
	s := open(t, Config{Address: f.address, User: "root", Password: "wrong"})
	m := testModel(2)
	for range 3 {
		err := s.Write(t.Context(), &sink.Batch{Model: m, Records: records(m, 1)}, &sink.Report{})
		if err == nil || !strings.Contains(err.Error(), "auth check failure") {
			t.Fatalf("error %v, want the server's", err)
		}
	}
}

func TestClosedBeforeAnythingWasOpened(t *testing.T) {
	s := open(t, Config{Address: closedPort(t)})
	for range 2 {
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Searcher(testModel(2)).Count(t.Context()); !errors.Is(err, sink.ErrClosed) {
		t.Errorf("count after close: %v", err)
	}
}
