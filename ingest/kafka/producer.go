package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/segmentio/kafka-go"
)

// Message is one message to publish. The producer does not keep it after Produce returns.
type Message struct {
	Key     []byte    // messages of one key go to one partition, in order; nil spreads them
	Value   []byte    // nil is a tombstone
	Time    time.Time // zero: now
	Headers []ingest.Header
}

// ProducerConfig configures a Producer. Zero fields take the defaults named beside them.
type ProducerConfig struct {
	Connection

	// BatchBytes is the size record batches are filled to. Default 1,000,000: below the limit that
	// brokers and topics have by default (1,048,588), and what Source fetches cheapest.
	BatchBytes int
	// MaxMessageBytes is the largest message sent at all; one above BatchBytes goes alone. Default
	// 16 MiB; the topic's max.message.bytes must allow it.
	MaxMessageBytes int
	// Linger is how long the last, unfilled batch of a call waits for other calls. Default 5 ms.
	Linger time.Duration
}

func (c ProducerConfig) withDefaults() ProducerConfig {
	c.Connection = c.Connection.withDefaults()
	setDefault(&c.BatchBytes, 1_000_000)
	setDefault(&c.MaxMessageBytes, 16<<20)
	setDefault(&c.Linger, 5*time.Millisecond)
	return c
}

// Validate lists every fault of the configuration, or returns nil.
func (c ProducerConfig) Validate() error {
	c = c.withDefaults()
	f := faults{c.Connection.Validate()}
	f.check(c.BatchBytes > 0 && c.BatchBytes <= c.MaxMessageBytes, "batch bytes: %d, want 1 to max message bytes (%d)", c.BatchBytes, c.MaxMessageBytes)
	f.check(c.MaxMessageBytes <= 1<<30, "max message bytes: %d, want 1 GiB at most", c.MaxMessageBytes)
	f.between("linger", c.Linger, time.Microsecond, time.Second)
	return errors.Join(f...)
}

// Producer publishes messages and waits until every in-sync replica has them. It is safe for concurrent
// use. There is no idempotence in kafka-go: a write that is retried after its answer was lost may be
// there twice.
type Producer struct {
	cfg     ProducerConfig
	cluster *cluster
	small   *kafka.Writer // fills batches
	large   *kafka.Writer // sends messages above BatchBytes one by one
}

// NewProducer validates cfg and loads its TLS files; it does not connect.
func NewProducer(cfg ProducerConfig) (*Producer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	cl, err := cfg.newCluster(nil)
	if err != nil {
		return nil, err
	}
	p := &Producer{cfg: cfg, cluster: cl}
	p.small = p.writer(cfg.BatchBytes, 10_000)
	p.large = p.writer(cfg.MaxMessageBytes, 1)
	return p, nil
}

func (p *Producer) writer(batchBytes, batchSize int) *kafka.Writer {
	return &kafka.Writer{
		Addr: p.cluster.addr, Transport: p.cluster.rt, Balancer: balancer{hash: &kafka.Hash{}},
		RequiredAcks: kafka.RequireAll, BatchTimeout: p.cfg.Linger,
		BatchBytes: int64(batchBytes), BatchSize: batchSize,
	}
}

// slot in a message's WriterData asks for the partition of that number, modulo the number there are.
type slot uint32

// balancer places messages by slot, else by hash of the key, else in turn.
type balancer struct{ hash kafka.Balancer }

func (b balancer) Balance(m kafka.Message, partitions ...int) int {
	if s, ok := m.WriterData.(slot); ok {
		return partitions[int(s)%len(partitions)]
	}
	return b.hash.Balance(m, partitions...)
}

// Produce publishes the messages to topic, in order within each key, and returns when all are durable.
// After an error some of them may be published.
func (p *Producer) Produce(ctx context.Context, topic string, messages []Message) error {
	list := make([]kafka.Message, len(messages))
	for i, m := range messages {
		list[i] = m.kafka(topic)
	}
	return p.write(ctx, list)
}

// write sends runs of small and of large messages one after the other, which keeps the order.
func (p *Producer) write(ctx context.Context, list []kafka.Message) error {
	for len(list) > 0 {
		n, large := p.run(list)
		w := p.small
		if large {
			w = p.large
		}
		if err := send(ctx, w, list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func send(ctx context.Context, w *kafka.Writer, list []kafka.Message) error {
	if err := w.WriteMessages(ctx, list...); err != nil {
		return fmt.Errorf("kafka: produce to %s: %w", list[0].Topic, firstError(err))
	}
	return nil
}

// run returns how many messages at the head of list are all large or all small.
func (p *Producer) run(list []kafka.Message) (n int, large bool) {
	large = messageSize(&list[0]) > p.cfg.BatchBytes
	for n < len(list) && (messageSize(&list[n]) > p.cfg.BatchBytes) == large {
		n++
	}
	return n, large
}

// recordOverhead is more than a record and its batch add to the bytes of key, value and headers.
const recordOverhead = 128

func messageSize(m *kafka.Message) int {
	n := recordOverhead + len(m.Key) + len(m.Value)
	for _, h := range m.Headers {
		n += len(h.Key) + len(h.Value) + 10
	}
	return n
}

func (m Message) kafka(topic string) kafka.Message {
	k := kafka.Message{Topic: topic, Key: m.Key, Value: m.Value, Time: m.Time}
	for _, h := range m.Headers {
		k.Headers = append(k.Headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	return k
}

// firstError takes the first error out of the list kafka-go returns for a batch of messages.
func firstError(err error) error {
	var list kafka.WriteErrors
	if errors.As(err, &list) {
		for _, e := range list {
			if e != nil {
				return e
			}
		}
	}
	return err
}

// Close releases the connections; every Produce has returned by then.
func (p *Producer) Close() error {
	err := errors.Join(p.small.Close(), p.large.Close())
	p.cluster.close()
	return err
}
