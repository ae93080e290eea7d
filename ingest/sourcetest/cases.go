package sourcetest

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
)

// order checks that offsets rise within each partition.
func (s *session) order(msgs []*ingest.Message) {
	s.Helper()
	last := map[partition]int64{}
	for _, m := range msgs {
		p := partitionOf(m)
		if before, ok := last[p]; ok && m.Origin.Offset <= before {
			s.Errorf("%v came after offset %d", m.Origin, before)
		}
		last[p] = m.Origin.Offset
	}
}

// same checks that got and want are the same set of payloads, each once.
func (s *session) same(what string, got, want []string) {
	s.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		s.Errorf("%s: got %d payloads %q, want %d %q", what, len(got), brief(got), len(want), brief(want))
	}
}

func brief(list []string) []string { return list[:min(len(list), 40)] }

func strings(list [][]byte) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func testDeliversAllInOrder(t *testing.T, h Harness) {
	spec := Spec{Values: values(100), Partitions: 3, Window: 1000}
	s, _ := start(t, h, spec)
	msgs := s.fetch(len(spec.Values))
	s.order(msgs)
	s.same("delivered", copies(msgs), strings(spec.Values))
	if p := s.total(); p.Fetched != 100 || p.InFlight != 100 {
		t.Errorf("account before any finish: %+v", p)
	}
	finishAll(msgs, ingest.Written)
}

func testEndsOrBlocks(t *testing.T, h Harness) {
	s, _ := start(t, h, Spec{Values: values(5), Partitions: 1, Window: 1000})
	finishAll(s.fetch(5), ingest.Written)
	wait := h.Limit
	if !h.Finite {
		wait = h.Quiet
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	msgs, err := s.src.Fetch(ctx)
	if h.Finite && !errors.Is(err, io.EOF) {
		t.Errorf("Fetch past the end: %d messages, %v, want io.EOF", len(msgs), err)
	}
	if !h.Finite && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Fetch with nothing to deliver: %d messages, %v, want it to block", len(msgs), err)
	}
}

func testMessagesAreComplete(t *testing.T, h Harness) {
	before := time.Now().Add(-time.Second)
	s, _ := start(t, h, Spec{Values: values(5), Partitions: 1, Window: 1000})
	if s.src.Name() == "" {
		t.Error("the source has no name")
	}
	for _, m := range s.fetch(5) {
		if m.Origin.Topic == "" {
			t.Errorf("origin %+v names no topic", m.Origin)
		}
		if m.Owner == nil {
			t.Fatalf("%v has no owner", m.Origin)
		}
		if m.Fetched.Before(before) || m.Fetched.After(time.Now()) {
			t.Errorf("%v was fetched at %v", m.Origin, m.Fetched)
		}
		if !m.Published.IsZero() && m.Published.Location() != time.UTC {
			t.Errorf("%v was published at %v, want UTC", m.Origin, m.Published)
		}
		m.Finish(ingest.Written)
	}
}

// unfinishedRest returns the payloads that are not in the finished prefix of their partition.
func unfinishedRest(msgs []*ingest.Message, finished map[*ingest.Message]bool) []string {
	open := map[partition]bool{}
	var rest []string
	for _, m := range msgs {
		p := partitionOf(m)
		if open[p] = open[p] || !finished[m]; open[p] {
			rest = append(rest, string(m.Value))
		}
	}
	return rest
}

func testPrefix(t *testing.T, h Harness) {
	outcomes := []ingest.Outcome{ingest.Written, ingest.Duplicate, ingest.Quarantined}
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s, reopen := start(t, h, Spec{Values: values(60), Partitions: 2, Window: 1000})
		msgs := s.fetch(60)
		finished := map[*ingest.Message]bool{}
		order := rng.Perm(60)
		for _, i := range order[:45] {
			finished[msgs[i]] = true
		}
		want := unfinishedRest(msgs, finished)
		for n, i := range order[:45] {
			msgs[i].Finish(outcomes[n%3])
		}
		s.close()
		again := reopen()
		got := again.rest()
		again.order(got)
		again.same("after the restart", copies(got), want)
		finishAll(got, ingest.Written)
		again.close()
	}
}

func testRestartContinues(t *testing.T, h Harness) {
	spec := Spec{Values: values(90), Partitions: 2, Window: 1000}
	s, reopen := start(t, h, spec)
	var seen []string
	for range 2 {
		msgs := s.fetch(30)
		seen = append(seen, copies(msgs)...)
		finishAll(msgs, ingest.Written)
		s.close()
		s = reopen()
	}
	msgs := s.rest()
	seen = append(seen, copies(msgs)...)
	finishAll(msgs, ingest.Written)
	s.same("over three runs", seen, strings(spec.Values))
	s.close()
	if left := reopen().rest(); len(left) != 0 {
		t.Errorf("%d messages delivered after all were finished", len(left))
	}
}

func testGivenBack(t *testing.T, h Harness) {
	s, reopen := start(t, h, Spec{Values: values(20), Partitions: 1, Window: 1000})
	msgs := s.fetch(20)
	finished := map[*ingest.Message]bool{}
	for i, m := range msgs {
		finished[m] = i != 7
	}
	want := unfinishedRest(msgs, finished)
	for i, m := range msgs {
		if i == 7 {
			m.Finish(ingest.GivenBack)
			continue
		}
		m.Finish(ingest.Written)
	}
	s.close()
	if p := s.total(); p.GivenBack != 1 || p.Written != 19 {
		t.Errorf("account %+v, want 19 written and 1 given back", p)
	}
	again := reopen()
	got := again.rest()
	again.same("after the restart", copies(got), want)
	finishAll(got, ingest.Written)
}

func testRedelivers(t *testing.T, h Harness) {
	if !h.Redelivers {
		t.Skip("the source redelivers after a restart only")
	}
	s, _ := start(t, h, Spec{Values: values(10), Partitions: 1, Window: 10})
	msgs := s.fetch(10)
	want := string(msgs[4].Value)
	for i, m := range msgs {
		if i == 4 {
			m.Finish(ingest.GivenBack)
			continue
		}
		m.Finish(ingest.Written)
	}
	again := s.fetch(1)
	if got := string(again[0].Value); got != want {
		t.Errorf("redelivery begins with %q, want %q", got, want)
	}
	finishAll(again, ingest.Written)
	finishAll(s.rest(), ingest.Written)
	if p := s.total(); p.GivenBack != 1 || p.InFlight != 0 {
		t.Errorf("account %+v", p)
	}
}

func testWindow(t *testing.T, h Harness) {
	const window = 8
	spec := Spec{Values: values(40), Partitions: 1, Window: window}
	s, _ := start(t, h, spec)
	var held []*ingest.Message
	var seen []string
	for len(held) < window {
		held = append(held, s.fetch(1)...)
	}
	if more := s.rest(); len(held)+len(more) > window {
		t.Fatalf("%d messages in flight, the window is %d", len(held)+len(more), window)
	}
	// A place that is freed behind an unfinished message must not move the window past its bound.
	for len(held) > 0 {
		seen = append(seen, string(held[0].Value))
		held[0].Finish(ingest.Written)
		held = held[1:]
		if len(seen)+len(held) < len(spec.Values) {
			held = append(held, s.fetch(1)...)
		}
		if len(held) > window {
			t.Fatalf("%d messages in flight, the window is %d", len(held), window)
		}
	}
	s.same("through the window", seen, strings(spec.Values))
}

func testConservation(t *testing.T, h Harness) {
	const n = 400
	s, _ := start(t, h, Spec{Values: values(n), Partitions: 3, Window: 64})
	work := make(chan *ingest.Message, n)
	var wg sync.WaitGroup
	for k := range 4 {
		wg.Go(func() { finishInBatches(work, rand.New(rand.NewPCG(uint64(k), 2))) })
	}
	for got := 0; got < n; {
		msgs := s.fetch(1)
		got += len(msgs)
		for _, m := range msgs {
			work <- m
		}
		s.total()
	}
	close(work)
	wg.Wait()
	if p := s.total(); p.Fetched != n || p.InFlight != 0 || p.Written+p.Duplicates+p.Quarantined != n {
		t.Errorf("account %+v, want %d in and out", p, n)
	}
}

// finishInBatches finishes what comes in, a few at a time and in random order, until work is closed. It
// keeps nothing back while it waits: a full window may be waiting for just that message.
func finishInBatches(work <-chan *ingest.Message, rng *rand.Rand) {
	outcomes := []ingest.Outcome{ingest.Written, ingest.Duplicate, ingest.Quarantined}
	for m := range work {
		held := []*ingest.Message{m}
		for more := true; more && len(held) < 3; {
			select {
			case m, ok := <-work:
				if more = ok; ok {
					held = append(held, m)
				}
			default:
				more = false
			}
		}
		rng.Shuffle(len(held), func(i, j int) { held[i], held[j] = held[j], held[i] })
		for _, m := range held {
			m.Finish(outcomes[rng.IntN(3)])
		}
	}
}

func testContext(t *testing.T, h Harness) {
	s, _ := start(t, h, Spec{Values: values(3), Partitions: 1, Window: 1000})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if msgs, err := s.src.Fetch(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Fetch with a cancelled context: %d messages, %v", len(msgs), err)
	}
	finishAll(s.fetch(3), ingest.Written)
	if h.Finite {
		return
	}
	ctx, cancel = context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() {
		_, err := s.src.Fetch(ctx)
		result <- err
	}()
	cancel()
	select {
	case err := <-result:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Fetch cancelled while it blocked: %v", err)
		}
	case <-time.After(h.Limit):
		t.Fatal("Fetch did not return when its context ended")
	}
}

func testClose(t *testing.T, h Harness) {
	s, reopen := start(t, h, Spec{Values: values(10), Partitions: 1, Window: 1000})
	msgs := s.fetch(10)
	want := copies(msgs)[4:]
	finishAll(msgs[:4], ingest.Written)
	s.close()
	if p := s.total(); p.InFlight != 0 || p.GivenBack != 6 || p.Written != 4 {
		t.Errorf("account after Close: %+v, want 4 written and 6 given back", p)
	}
	finishAll(msgs[4:], ingest.Written) // too late, and harmless
	if p := s.total(); p.InFlight != 0 || p.GivenBack != 6 || p.Written != 4 {
		t.Errorf("account after late finishes: %+v, want it unchanged", p)
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.Limit)
	defer cancel()
	if msgs, err := s.src.Fetch(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Fetch after Close: %d messages, %v, want an error at once", len(msgs), err)
	}
	again := reopen()
	got := again.rest()
	again.same("after the restart", copies(got), want)
	finishAll(got, ingest.Written)
}

func testCloseExpired(t *testing.T, h Harness) {
	s, _ := start(t, h, Spec{Values: values(10), Partitions: 1, Window: 1000})
	s.fetch(10)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	done := make(chan struct{})
	go func() {
		_ = s.src.Close(ctx) // an error is in order: there was no time to commit
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(h.Limit):
		t.Fatal("Close did not return though its context had ended")
	}
	if p := s.total(); p.InFlight != 0 {
		t.Errorf("account after Close: %+v, want nothing in flight", p)
	}
}
