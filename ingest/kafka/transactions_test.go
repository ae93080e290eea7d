package kafka

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestReadCommitted(t *testing.T) {
	t.Parallel()
	testReadCommitted(t, broker(t))
}

// transactions writes rounds of records of two transactional producers and a plain one, interleaved in one
// partition, and returns the values of the records that count, and of all. Every second transaction of
// producer a aborts, and two of three of producer b, so that committed and aborted ones overlap.
func transactions(t *testing.T, conn Connection, topic string) (committed, all []string) {
	t.Helper()
	ctx := testContext(t)
	client := func(id string) *kgo.Client {
		opts := []kgo.Opt{kgo.SeedBrokers(conn.Brokers...), kgo.DefaultProduceTopic(topic)}
		if id != "" {
			opts = append(opts, kgo.TransactionalID(id+topic))
		}
		c, err := kgo.NewClient(opts...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	a, b, plain := client("a"), client("b"), client("")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for round := range 6 {
		must(a.BeginTransaction())
		must(b.BeginTransaction())
		commitA, commitB := round%2 == 0, round%3 == 0
		for i := range 5 {
			for _, p := range []struct {
				client *kgo.Client
				name   string
				commit bool
			}{{a, "a", commitA}, {b, "b", commitB}, {plain, "p", true}} {
				v := fmt.Sprintf("%s%d-%d", p.name, round, i)
				must(p.client.ProduceSync(ctx, &kgo.Record{Value: []byte(v)}).FirstErr())
				all = append(all, v)
				if p.commit {
					committed = append(committed, v)
				}
			}
		}
		must(a.EndTransaction(ctx, kgo.TransactionEndTry(commitA)))
		must(b.EndTransaction(ctx, kgo.TransactionEndTry(commitB)))
	}
	return committed, all
}

func testReadCommitted(t *testing.T, conn Connection) {
	topic := uniqueName(t, "tx")
	ensureTopic(t, conn, Topic{Name: topic, Partitions: 1})
	committed, all := transactions(t, conn, topic)
	for _, c := range []struct {
		name      string
		isolation Isolation
		maxBytes  int
		want      []string
	}{
		{"committed", ReadCommitted, 1 << 20, committed},
		{"committed, transactions span fetches", ReadCommitted, 1 << 10, committed},
		{"uncommitted", ReadUncommitted, 1 << 20, all},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(conn, uniqueName(t, "g"), topic)
			cfg.Isolation, cfg.MaxBytes = c.isolation, c.maxBytes
			s := open(t, cfg)
			var got []string
			for _, m := range fetchN(t, s, len(c.want)) {
				got = append(got, string(m.Value))
				m.Finish(ingest.Written)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
			// The markers at the end are committed past too, and are not asked for over and over.
			p := waitProgress(t, s, func(p ingest.Progress) bool { return p.HighWater > 0 && p.Committed == p.HighWater })
			if p.Lag() != 0 {
				t.Errorf("lag %d at the end: %+v", p.Lag(), p)
			}
			before := s.Stats().Fetches.Load()
			ctx, cancel := context.WithTimeout(context.Background(), 4*cfg.MaxWait)
			defer cancel()
			if msgs, err := s.Fetch(ctx); err == nil {
				t.Errorf("%d messages past the end, first %q", len(msgs), msgs[0].Value)
			}
			if n := s.Stats().Fetches.Load() - before; n > 8 {
				t.Errorf("%d fetches in %v with nothing to read", n, 4*cfg.MaxWait)
			}
		})
	}
}

// waitProgress waits until the only partition's progress is as asked.
func waitProgress(t testing.TB, s *Source, ok func(ingest.Progress) bool) ingest.Progress {
	t.Helper()
	return waitAll(t, s, func(list []ingest.Progress) bool { return len(list) == 1 && ok(list[0]) })[0]
}

// waitAll waits until the progress of all partitions is as asked. The source has no event for it: commits
// and faults happen on its own timers.
func waitAll(t testing.TB, s *Source, ok func([]ingest.Progress) bool) []ingest.Progress {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	ctx := testContext(t)
	for {
		if list := s.Progress(); ok(list) {
			return list
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("progress never became as wanted: %+v", s.Progress())
		}
	}
}
