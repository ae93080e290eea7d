package main

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/kafka"
)

// embeddedBroker starts a broker inside this process, with topics of so many partitions, and returns its
// address. It forgets a killed consumer after a second, where Kafka insists on six.
func embeddedBroker(t *testing.T, topics map[string]int32) string {
	t.Helper()
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "1000"})}
	for name, partitions := range topics {
		options = append(options, kfake.SeedTopics(partitions, name))
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}

// readTopic reads everything that a topic holds now, partition by partition.
func readTopic(t *testing.T, broker, topic string) []kafkago.Message {
	t.Helper()
	conn, err := kafkago.DialContext(t.Context(), "tcp", broker)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	partitions, err := conn.ReadPartitions(topic)
	if err != nil {
		t.Fatalf("topic %s: %v", topic, err)
	}
	var out []kafkago.Message
	for _, p := range partitions {
		out = append(out, readPartition(t, broker, topic, p.ID)...)
	}
	return out
}

func readPartition(t *testing.T, broker, topic string, partition int) []kafkago.Message {
	t.Helper()
	leader, err := kafkago.DialLeader(t.Context(), "tcp", broker, topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	first, last, err := leader.ReadOffsets()
	if err := errorsOf(err, leader.Close()); err != nil {
		t.Fatal(err)
	}
	if first == last {
		return nil
	}
	r := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: []string{broker}, Topic: topic, Partition: partition, MinBytes: 1, MaxBytes: 10 << 20, MaxWait: 100 * time.Millisecond,
	})
	defer r.Close()
	var out []kafkago.Message
	for {
		m, err := r.ReadMessage(t.Context())
		if err != nil {
			t.Fatalf("topic %s: %v", topic, err)
		}
		out = append(out, m)
		if m.Offset >= last-1 {
			return out
		}
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// publish sends messages to a topic.
func publish(t *testing.T, brokers []string, topic string, messages []kafka.Message) {
	t.Helper()
	p, err := kafka.NewProducer(kafka.ProducerConfig{Connection: kafka.Connection{Brokers: brokers}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errorsOf(p.Produce(t.Context(), topic, messages), p.Close()); err != nil {
		t.Fatal(err)
	}
}

// checkLetters reads a dead-letter topic and checks that it holds each damaged message whole, with a
// reason and the way back, and nothing else. A crash may have written a letter twice. It returns how many
// letters there are.
func checkLetters(t *testing.T, broker, topic, from string, damaged map[string][]byte) int {
	t.Helper()
	found, origins := map[string]bool{}, map[string]bool{}
	letters := readTopic(t, broker, topic)
	for _, m := range letters {
		headers := make([]ingest.Header, len(m.Headers))
		for i, h := range m.Headers {
			headers[i] = ingest.Header(h)
		}
		l, err := kafka.ReadDeadLetter(headers)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := damaged[string(m.Key)]
		switch {
		case !ok:
			t.Errorf("letter of %s (%s: %s), which was not damaged", m.Key, l.Fault.Reason, l.Fault.Detail)
		case !bytes.Equal(want, m.Value):
			t.Errorf("letter of %s holds %d bytes, want the %d published", m.Key, len(m.Value), len(want))
		}
		if l.Fault.Reason == "" || l.Fault.Stage == "" || l.Fault.Detail == "" || l.Origin.Topic != from {
			t.Errorf("letter of %s says %+v of %+v", m.Key, l.Fault, l.Origin)
		}
		found[string(m.Key)], origins[fmt.Sprint(l.Origin)] = true, true
	}
	for key := range damaged {
		if !found[key] {
			t.Errorf("no letter of %s", key)
		}
	}
	if len(origins) != len(damaged) {
		t.Errorf("letters of %d messages, %d were damaged", len(origins), len(damaged))
	}
	return len(letters)
}
