package kafka

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestRebalanceInMidStream(t *testing.T) {
	t.Parallel()
	testRebalance(t, broker(t))
}

// With several brokers the coordinator and the leaders are not the broker that is named to begin with.
func TestRebalanceOnThreeBrokers(t *testing.T) {
	t.Parallel()
	conn := broker(t, kfake.NumBrokers(3))
	conn.Brokers = conn.Brokers[:1]
	for range 3 { // topics and groups with different leaders and coordinators
		testRebalance(t, conn)
	}
}

// member runs a source in a goroutine of its own, finishing every third message late, and records what it saw.
type member struct {
	src  *Source
	stop context.CancelFunc
	done sync.WaitGroup
	note func(m *ingest.Message)
}

func startMember(t *testing.T, cfg Config, note func(*ingest.Message)) *member {
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{src: open(t, cfg), stop: cancel, note: note}
	m.done.Go(func() { m.read(ctx) })
	t.Cleanup(func() { cancel(); m.done.Wait() })
	return m
}

func (m *member) read(ctx context.Context) {
	var late []*ingest.Message
	for ctx.Err() == nil {
		fetchCtx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		msgs, _ := m.src.Fetch(fetchCtx)
		cancel()
		for _, l := range late {
			l.Finish(ingest.Written)
		}
		late = late[:0]
		for i, msg := range msgs {
			m.note(msg)
			if i%3 == 0 {
				late = append(late, msg)
				continue
			}
			msg.Finish(ingest.Written)
		}
	}
	for _, l := range late {
		l.Finish(ingest.Written)
	}
}

// testRebalance adds and removes members while messages are published: each message is seen, those whose
// finish came too late are seen again, and the books balance.
func testRebalance(t *testing.T, conn Connection) {
	topic := uniqueName(t, "re")
	const partitions, n = 6, 600
	ensureTopic(t, conn, Topic{Name: topic, Partitions: partitions})
	var mu sync.Mutex
	seen := map[string]int{}
	third := make(chan struct{})
	all := make(chan struct{})
	note := func(m *ingest.Message) {
		mu.Lock()
		defer mu.Unlock()
		seen[string(m.Value)]++
		if seen[string(m.Value)] == 1 {
			switch len(seen) {
			case n / 3:
				close(third)
			case n:
				close(all)
			}
		}
	}
	cfg := config(conn, topic, topic)
	publish := func(from, to int) {
		list := make([]Message, 0, to-from)
		for i := from; i < to; i++ {
			list = append(list, Message{Key: fmt.Append(nil, i), Value: fmt.Append(nil, i)})
		}
		produceMessages(t, conn, topic, list)
	}
	ctx := testContext(t)
	wait := func(c <-chan struct{}, what string) {
		select {
		case <-c:
		case <-ctx.Done():
			mu.Lock()
			defer mu.Unlock()
			t.Fatalf("%s: only %d of %d messages seen", what, len(seen), n)
		}
	}
	a := startMember(t, cfg, note)
	publish(0, n/3)
	wait(third, "one member")
	b := startMember(t, cfg, note)
	publish(n/3, 2*n/3)
	waitAll(t, b.src, func(list []ingest.Progress) bool { return len(list) > 0 && list[0].Partition >= 0 })
	publish(2*n/3, n)
	a.stop()
	a.done.Wait()
	closeSource(t, a.src)
	wait(all, "after the first member left")
	waitAll(t, b.src, func(list []ingest.Progress) bool {
		var committed int64
		for _, p := range list {
			committed += max(0, p.Committed)
		}
		return committed == n
	})
	for _, src := range []*Source{a.src, b.src} {
		for _, p := range src.Progress() {
			if p.Fetched != p.Written+p.GivenBack+p.InFlight {
				t.Errorf("not conserved: %+v", p)
			}
		}
	}
	if g := a.src.Stats().Generations.Load(); g < 2 {
		t.Errorf("the first member saw %d generations, want a rebalance", g)
	}
}

// A message that is still with the pipeline when its partition is taken away counts as given back; its
// late finish changes nothing, and it is delivered again.
func TestLateFinishAfterRevocation(t *testing.T) {
	t.Parallel()
	conn := broker(t)
	ensureTopic(t, conn, Topic{Name: "late", Partitions: 2})
	var list []Message
	for i := range 20 {
		list = append(list, Message{Key: fmt.Append(nil, i), Value: fmt.Append(nil, i)})
	}
	produceMessages(t, conn, "late", list)
	a := open(t, config(conn, "g", "late"))
	held := fetchN(t, a, 20)
	b := startMember(t, config(conn, "g", "late"), func(*ingest.Message) {})
	waitAll(t, a, func(list []ingest.Progress) bool { return list[0].GivenBack+list[1].GivenBack == 20 })
	for _, m := range held {
		m.Finish(ingest.Written)
	}
	for _, p := range a.Progress() {
		if p.Written != 0 || p.InFlight > 0 && p.InFlightB == 0 {
			t.Errorf("late finishes were booked: %+v", p)
		}
	}
	if n := a.Stats().Misuses.Load(); n != 0 {
		t.Errorf("%d late finishes taken for misuse", n)
	}
	ctx := testContext(t)
	again := 0
	for again+int(total(b.src).Written) < 20 { // between them, the members read all once more
		fetchCtx, cancel := context.WithTimeout(ctx, a.cfg.MaxWait)
		msgs, err := a.Fetch(fetchCtx)
		cancel()
		if ctx.Err() != nil {
			t.Fatalf("redelivery incomplete: %d here, %+v there: %v", again, total(b.src), err)
		}
		for _, m := range msgs {
			m.Finish(ingest.Written)
			again++
		}
	}
}

func total(s *Source) (sum ingest.Progress) {
	for _, p := range s.Progress() {
		sum.Fetched += p.Fetched
		sum.Written += p.Written
		sum.GivenBack += p.GivenBack
		sum.InFlight += p.InFlight
	}
	return sum
}
