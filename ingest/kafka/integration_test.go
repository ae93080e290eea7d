//go:build integration

package kafka

import (
	"bytes"
	"context"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/sourcetest"
	"github.com/segmentio/kafka-go"
)

// realBroker returns the connection to the Apache Kafka whose host:port is in GALAXALIGN_KAFKA. Its
// message.max.bytes must be 10 MiB or more.
func realBroker(t testing.TB) Connection {
	t.Helper()
	address := os.Getenv("GALAXALIGN_KAFKA")
	if address == "" {
		t.Skip("set GALAXALIGN_KAFKA to the host:port of an Apache Kafka to run this test")
	}
	return Connection{Brokers: []string{address}}
}

func TestConformanceOnKafka(t *testing.T) {
	h := harness(realBroker(t))
	h.Quiet = 1500 * time.Millisecond
	sourcetest.Run(t, h)
}

func TestReadCommittedOnKafka(t *testing.T) { testReadCommitted(t, realBroker(t)) }
func TestRebalanceOnKafka(t *testing.T)     { testRebalance(t, realBroker(t)) }
func TestLargeMessagesOnKafka(t *testing.T) { testLargeMessages(t, realBroker(t)) }

// TestSecureKafka reads over SASL_SSL. GALAXALIGN_KAFKA_SASL is the listener's host:port,
// GALAXALIGN_KAFKA_CA its CA file, GALAXALIGN_KAFKA_USER user:password for SCRAM-SHA-512.
func TestSecureKafka(t *testing.T) {
	address := os.Getenv("GALAXALIGN_KAFKA_SASL")
	if address == "" {
		t.Skip("set GALAXALIGN_KAFKA_SASL, _CA and _USER to run this test")
	}
	user, password, _ := strings.Cut(os.Getenv("GALAXALIGN_KAFKA_USER"), ":")
	conn := Connection{
		Brokers: []string{address}, TLS: TLS{CAFile: os.Getenv("GALAXALIGN_KAFKA_CA")},
		SASL: SASL{Mechanism: "scram-sha-512", User: user, Password: password},
	}
	topic := uniqueName(t, "secure")
	ensureTopic(t, conn, Topic{Name: topic})
	produce(t, conn, topic, "a", "b")
	readAll(t, open(t, config(conn, topic, topic)), "a", "b")
	for name, c := range map[string]struct {
		change func(*Connection)
		want   string
	}{
		"wrong password": {func(c *Connection) { c.SASL.Password = "wrong" }, "check the SASL user and password"},
		"no credentials": {func(c *Connection) { c.SASL = SASL{} }, "listener may want SASL"},
		"no TLS":         {func(c *Connection) { c.TLS = TLS{} }, "broker closed the connection"},
		"system CAs":     {func(c *Connection) { c.TLS = TLS{Enabled: true} }, "check the CA file"},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := conn
			c.change(&wrong)
			s := open(t, config(wrong, topic, topic))
			p := waitAll(t, s, func(list []ingest.Progress) bool { return len(list) > 0 && list[0].Fault != "" })[0]
			if !strings.Contains(p.Fault, c.want) {
				t.Errorf("fault %q does not say %q", p.Fault, c.want)
			}
		})
	}
}

// benchTopic holds 70 kB messages in batches of 1 MB, as a survey's producer sends them.
func benchTopic(b *testing.B, conn Connection, n int) string {
	topic := uniqueName(b, "bench")
	ensureTopic(b, conn, Topic{Name: topic, Partitions: 4})
	p, err := NewProducer(ProducerConfig{Connection: conn})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	value := bytes.Repeat([]byte("stamp of a galaxy, "), 70_000/19)
	for sent := 0; sent < n; sent += 256 {
		list := make([]Message, 256)
		for i := range list {
			list[i] = Message{Key: []byte{byte(i)}, Value: value}
		}
		if err := p.Produce(context.Background(), topic, list); err != nil {
			b.Fatal(err)
		}
	}
	return topic
}

// cpu is the user and system time of this process so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// GALAXALIGN_KAFKA=host:port go test -tags integration -run - -bench Read -benchtime 1x ./ingest/kafka
func BenchmarkRead(b *testing.B) {
	conn := realBroker(b)
	const warm, n = 2048, 8192
	topic := benchTopic(b, conn, warm+n)
	runtime.GC() // what publishing left on the heap is no cost of reading
	b.Run("Source", func(b *testing.B) {
		for b.Loop() {
			s, err := New(Config{Connection: conn, Topics: []string{topic}, Group: uniqueName(b, "g")}, Options{})
			if err != nil {
				b.Fatal(err)
			}
			report(b, warm, n, func() int {
				msgs, err := s.Fetch(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				for _, m := range msgs {
					m.Finish(ingest.Written)
				}
				return len(msgs)
			})
			closeSource(b, s)
		}
	})
	b.Run("Reader", func(b *testing.B) {
		for b.Loop() {
			r := kafka.NewReader(kafka.ReaderConfig{
				Brokers: conn.Brokers, GroupID: uniqueName(b, "g"), GroupTopics: []string{topic},
				StartOffset: kafka.FirstOffset, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 500 * time.Millisecond,
				CommitInterval: time.Second, JoinGroupBackoff: 200 * time.Millisecond,
			})
			report(b, warm, n, func() int {
				m, err := r.FetchMessage(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				if err := r.CommitMessages(context.Background(), m); err != nil {
					b.Fatal(err)
				}
				return 1
			})
			r.Close()
		}
	})
}

// report reads until warm messages have passed, then measures the next n.
func report(b *testing.B, warm, n int, read func() int) {
	for got := 0; got < warm; {
		got += read()
	}
	start, wall, got := cpu(), time.Now(), 0
	for got < n-256 {
		got += read()
	}
	b.ReportMetric(float64(cpu()-start)/float64(got)/1e3, "cpu-us/message")
	b.ReportMetric(float64(got)/time.Since(wall).Seconds(), "messages/s")
}
