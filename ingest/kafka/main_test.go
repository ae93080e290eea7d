package kafka

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// broker starts a fake cluster of one broker and returns how to reach it.
func broker(t testing.TB, opts ...kfake.Opt) Connection {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return Connection{Brokers: c.ListenAddrs()}
}

// testContext ends with the test, or after a time no healthy test takes.
func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// config is the configuration of a test's source: everything that waits, waits briefly.
func config(conn Connection, group string, topics ...string) Config {
	return Config{
		Connection: conn, Topics: topics, Group: group, MaxWait: 50 * time.Millisecond,
		CommitInterval: 20 * time.Millisecond, SessionTimeout: 6 * time.Second, TopicPoll: 50 * time.Millisecond,
		JoinGroupBackoff: 20 * time.Millisecond,
	}
}

func ensureTopic(t testing.TB, conn Connection, topic Topic) {
	t.Helper()
	if err := EnsureTopics(testContext(t), conn, topic); err != nil {
		t.Fatal(err)
	}
}

// produce publishes the values to the topic, all under one key so that their order holds.
func produce(t testing.TB, conn Connection, topic string, values ...string) {
	t.Helper()
	list := make([]Message, len(values))
	for i, v := range values {
		list[i] = Message{Key: []byte("k"), Value: []byte(v)}
	}
	produceMessages(t, conn, topic, list)
}

func produceMessages(t testing.TB, conn Connection, topic string, list []Message) {
	t.Helper()
	p, err := NewProducer(ProducerConfig{Connection: conn})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Produce(testContext(t), topic, list); err != nil {
		t.Fatal(err)
	}
}

func numbered(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(prefix, i)
	}
	return list
}

func open(t testing.TB, cfg Config) *Source {
	t.Helper()
	s, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSource(t, s) })
	return s
}

func closeSource(t testing.TB, s *Source) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// fetch returns the next n messages.
func fetchN(t testing.TB, s *Source, n int) []*ingest.Message {
	t.Helper()
	ctx := testContext(t)
	var list []*ingest.Message
	for len(list) < n {
		msgs, err := s.Fetch(ctx)
		if err != nil {
			t.Fatalf("Fetch after %d of %d messages: %v; progress %+v", len(list), n, err, s.Progress())
		}
		list = append(list, msgs...)
	}
	return list
}

// uniqueName makes a topic or group name that no other run has used.
func uniqueName(t testing.TB, prefix string) string {
	return fmt.Sprintf("%s-%x", prefix, time.Now().UnixNano())
}
