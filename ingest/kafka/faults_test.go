package kafka

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// cluster starts a fake cluster whose answers the test can change.
func fakeCluster(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, Connection) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, Connection{Brokers: c.ListenAddrs()}
}

func readAll(t *testing.T, s *Source, want ...string) {
	t.Helper()
	for i, m := range fetchN(t, s, len(want)) {
		if string(m.Value) != want[i] {
			t.Fatalf("message %d is %q, want %q", i, m.Value, want[i])
		}
		m.Finish(ingest.Written)
	}
}

func TestMissingTopicIsNamedAndWaitedFor(t *testing.T) {
	t.Parallel()
	conn := broker(t)
	ensureTopic(t, conn, Topic{Name: "here"})
	produce(t, conn, "here", "a")
	s := open(t, config(conn, "g", "here", "later"))
	readAll(t, s, "a") // the topic that exists is read meanwhile
	waitAll(t, s, func(list []ingest.Progress) bool {
		return len(list) == 2 && list[1].Topic == "later" && list[1].Partition == -1 && strings.Contains(list[1].Fault, `"later" does not exist`)
	})
	ensureTopic(t, conn, Topic{Name: "later"})
	produce(t, conn, "later", "b")
	readAll(t, s, "b")
	waitAll(t, s, func(list []ingest.Progress) bool {
		return len(list) == 2 && list[0].Fault == "" && list[1].Fault == "" && list[1].Partition == 0
	})
}

func TestNewPartitionsArePickedUp(t *testing.T) {
	t.Parallel()
	conn := broker(t)
	ensureTopic(t, conn, Topic{Name: "grows"})
	produce(t, conn, "grows", "a")
	s := open(t, config(conn, "g", "grows"))
	readAll(t, s, "a")
	cl, err := conn.newCluster(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.close()
	ctx := testContext(t)
	res, err := cl.client.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: "grows", Count: 3}}})
	if err != nil || res.Errors["grows"] != nil {
		t.Fatal(err, res)
	}
	waitAll(t, s, func(list []ingest.Progress) bool { return len(list) == 3 })
	var list []Message
	for i := range 30 {
		list = append(list, Message{Key: fmt.Append(nil, i), Value: fmt.Append(nil, i)})
	}
	produceMessages(t, conn, "grows", list)
	partitions := map[int32]bool{}
	for _, m := range fetchN(t, s, 30) {
		partitions[m.Origin.Partition] = true
		m.Finish(ingest.Written)
	}
	if len(partitions) != 3 {
		t.Errorf("messages from %d partitions, want 3", len(partitions))
	}
}

// An offset that is not in the log is no silent jump: it is counted, shown until work has been committed
// past it, and the log is read from its start.
func TestOffsetOutOfRange(t *testing.T) {
	t.Parallel()
	conn := broker(t)
	ensureTopic(t, conn, Topic{Name: "gone"})
	produce(t, conn, "gone", "a", "b")
	cl, err := conn.newCluster(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.close()
	if _, err := cl.client.OffsetCommit(testContext(t), &kafka.OffsetCommitRequest{
		GroupID: "g", GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{"gone": {{Offset: 9999}}},
	}); err != nil {
		t.Fatal(err)
	}
	s := open(t, config(conn, "g", "gone"))
	held := fetchN(t, s, 2)
	if string(held[0].Value) != "a" {
		t.Errorf("reads on with %q", held[0].Value)
	}
	p := waitProgress(t, s, func(p ingest.Progress) bool { return p.Fault != "" })
	if !strings.Contains(p.Fault, "9999") || !strings.Contains(p.Fault, "earliest") || s.Stats().OffsetResets.Load() != 1 {
		t.Errorf("fault %q, %d resets", p.Fault, s.Stats().OffsetResets.Load())
	}
	for _, m := range held {
		m.Finish(ingest.Written)
	}
	waitProgress(t, s, func(p ingest.Progress) bool { return p.Committed == 2 && p.Fault == "" })
}

func TestStartAtLatest(t *testing.T) {
	t.Parallel()
	conn := broker(t)
	ensureTopic(t, conn, Topic{Name: "live"})
	produce(t, conn, "live", "old")
	cfg := config(conn, "g", "live")
	cfg.StartAt = Latest
	s := open(t, cfg)
	waitProgress(t, s, func(p ingest.Progress) bool { return p.Committed == 1 })
	closeSource(t, s) // the starting point is committed, so nothing published meanwhile is missed
	produce(t, conn, "live", "new")
	readAll(t, open(t, cfg), "new")
}

func TestOversizedRecordStopsItsPartition(t *testing.T) {
	t.Parallel()
	conn := broker(t)
	ensureTopic(t, conn, Topic{Name: "big"})
	produce(t, conn, "big", "a", strings.Repeat("x", 5000), "c")
	cfg := config(conn, "g", "big")
	cfg.MaxMessageBytes = 4000
	s := open(t, cfg)
	readAll(t, s, "a")
	p := waitProgress(t, s, func(p ingest.Progress) bool { return p.Fault != "" && p.Committed == 1 })
	for _, want := range []string{"big/0@1", "5001", "4000", "MaxMessageBytes"} {
		if !strings.Contains(p.Fault, want) {
			t.Errorf("fault %q does not say %q", p.Fault, want)
		}
	}
	closeSource(t, s)
	cfg.MaxMessageBytes = 6000
	readAll(t, open(t, cfg), strings.Repeat("x", 5000), "c")
}

// Errors of fetches and commits, and connections that break, are retried and shown; then all is well again.
func TestTransientErrorsAreRetried(t *testing.T) {
	t.Parallel()
	cluster, conn := fakeCluster(t)
	ensureTopic(t, conn, Topic{Name: "shaky"})
	fetches, commits := 0, 0
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		switch fetches++; {
		case fetches <= 3: // the leader moved
			req := r.(*kmsg.FetchRequest)
			res := req.ResponseKind().(*kmsg.FetchResponse)
			topic := kmsg.NewFetchResponseTopic()
			topic.Topic = req.Topics[0].Topic
			part := kmsg.NewFetchResponseTopicPartition()
			part.ErrorCode = kerr.NotLeaderForPartition.Code
			topic.Partitions = append(topic.Partitions, part)
			res.Topics = append(res.Topics, topic)
			return res, nil, true
		case fetches <= 5: // the connection breaks
			return nil, net.ErrClosed, true
		}
		return nil, nil, false
	})
	cluster.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if commits++; commits > 3 {
			return nil, nil, false
		}
		req := r.(*kmsg.OffsetCommitRequest)
		res := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		topic := kmsg.NewOffsetCommitResponseTopic()
		topic.Topic = req.Topics[0].Topic
		part := kmsg.NewOffsetCommitResponseTopicPartition()
		part.ErrorCode = kerr.CoordinatorLoadInProgress.Code
		topic.Partitions = append(topic.Partitions, part)
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	produce(t, conn, "shaky", "a", "b")
	s := open(t, config(conn, "g", "shaky"))
	waitProgress(t, s, func(p ingest.Progress) bool { return strings.Contains(p.Fault, "no leader, or it just moved") })
	readAll(t, s, "a", "b")
	waitProgress(t, s, func(p ingest.Progress) bool { return p.Committed == 2 && p.Fault == "" })
	if st := s.Stats(); st.FetchErrors.Load() != 5 || st.CommitErrors.Load() < 3 {
		t.Errorf("%d fetch errors and %d commit errors counted, want 5 and 3", st.FetchErrors.Load(), st.CommitErrors.Load())
	}
}

// The broker goes away and comes back on the same port, with its data: reading goes on.
func TestBrokerRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	start := func() *kfake.Cluster {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := start()
	conn := Connection{Brokers: c.ListenAddrs()}
	ensureTopic(t, conn, Topic{Name: "t"})
	produce(t, conn, "t", "a")
	s := open(t, config(conn, "g", "t"))
	readAll(t, s, "a")
	waitProgress(t, s, func(p ingest.Progress) bool { return p.Committed == 1 })
	c.Close()
	waitAll(t, s, func(list []ingest.Progress) bool {
		for _, p := range list {
			if strings.Contains(p.Fault, "broker") {
				return true
			}
		}
		return false
	})
	c = start()
	t.Cleanup(c.Close)
	produce(t, conn, "t", "b")
	readAll(t, s, "b")
	waitAll(t, s, func(list []ingest.Progress) bool {
		return len(list) == 1 && list[0].Committed == 2 && list[0].Fault == ""
	})
}

func TestNoBrokerIsShownAndCloseIsQuick(t *testing.T) {
	t.Parallel()
	s, err := New(config(Connection{Brokers: []string{"127.0.0.1:1"}}, "g", "t"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	waitProgress(t, s, func(p ingest.Progress) bool { return strings.Contains(p.Fault, "no broker can be reached") })
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil || time.Since(start) > 4*time.Second {
		t.Errorf("Close took %v: %v", time.Since(start), err)
	}
}

// When the brokers are gone there is nothing to commit to: Close keeps to its deadline and says so.
func TestCloseWithoutBrokerKeepsItsDeadline(t *testing.T) {
	t.Parallel()
	cluster, conn := fakeCluster(t)
	ensureTopic(t, conn, Topic{Name: "t"})
	produce(t, conn, "t", "a", "b")
	cfg := config(conn, "g", "t")
	cfg.CommitInterval = time.Minute
	s, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	msgs := fetchN(t, s, 2)
	msgs[0].Finish(ingest.Written)
	cluster.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := s.Close(ctx); err == nil || !strings.Contains(err.Error(), "last commit") {
		t.Errorf("Close: %v", err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("Close took %v with a deadline of 200 ms", d)
	}
	if p := s.Progress()[0]; p.Committed != -1 || p.Written != 1 || p.GivenBack != 1 {
		t.Errorf("account %+v", p)
	}
}
