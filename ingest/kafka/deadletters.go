package kafka

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync/atomic"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/segmentio/kafka-go"
)

// DeadLettersConfig configures the dead letters. Zero fields take the defaults named beside them.
type DeadLettersConfig struct {
	Connection

	Topic string // must exist; EnsureTopics makes it
	// MaxMessageBytes is the largest message written; a larger payload goes in parts. Default 1,000,000:
	// what topics take by default (1,048,588). When the broker refuses that as too large, the limit is
	// halved, down to 64 KiB.
	MaxMessageBytes int
}

func (c DeadLettersConfig) withDefaults() DeadLettersConfig {
	c.Connection = c.Connection.withDefaults()
	setDefault(&c.MaxMessageBytes, 1_000_000)
	return c
}

// Validate lists every fault of the configuration, or returns nil.
func (c DeadLettersConfig) Validate() error {
	c = c.withDefaults()
	f := faults{c.Connection.Validate()}
	f.check(c.Topic != "", "dead letters: no topic given")
	f.check(c.MaxMessageBytes >= smallestPart, "dead letters: max message bytes: %d, want at least %d", c.MaxMessageBytes, smallestPart)
	return errors.Join(f...)
}

const (
	smallestPart = 64 << 10 // below this no broker's limit is followed
	smallestData = 16 << 10 // payload of a part, however large key and headers are
)

// DeadLetters writes refused messages to a topic: the original key and value, and headers that say what
// was wrong with them (see Letter). It implements ingest.DeadLetters. A payload too large for the topic
// goes in parts, all to one partition, which Assembler joins.
type DeadLetters struct {
	cfg      DeadLettersConfig
	producer *Producer
	limit    atomic.Int64 // bytes of a message
}

var _ ingest.DeadLetters = (*DeadLetters)(nil)

// NewDeadLetters validates cfg and loads its TLS files; it does not connect.
func NewDeadLetters(cfg DeadLettersConfig) (*DeadLetters, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	p, err := NewProducer(ProducerConfig{
		Connection: cfg.Connection, BatchBytes: min(1_000_000, cfg.MaxMessageBytes),
		MaxMessageBytes: cfg.MaxMessageBytes + maxPartOverhead,
	})
	if err != nil {
		return nil, err
	}
	d := &DeadLetters{cfg: cfg, producer: p}
	d.limit.Store(int64(cfg.MaxMessageBytes))
	return d, nil
}

// maxPartOverhead is room for keys and headers that exceed the limit by themselves.
const maxPartOverhead = 1 << 20

// Put implements ingest.DeadLetters: nil means that every in-sync replica has the letter. An error may
// pass; after it parts of the letter may be there, and the repeated Put writes them again.
func (d *DeadLetters) Put(ctx context.Context, letter *ingest.DeadLetter) error {
	for {
		limit := d.limit.Load()
		// Each message alone in its batch: it is the batch that the broker's limit holds for.
		err := send(ctx, d.producer.large, d.messages(letter, int(limit)))
		if err == nil {
			return nil
		}
		if !errors.Is(err, kafka.MessageSizeTooLarge) || limit <= smallestPart {
			return fmt.Errorf("dead letter of %v: %w", letter.Message.Origin, err)
		}
		d.limit.CompareAndSwap(limit, max(limit/2, smallestPart))
	}
}

// messages renders a letter in as many messages of at most limit bytes as it takes. They hold copies: a
// write that is given up with its context may still be read by the writer.
func (d *DeadLetters) messages(letter *ingest.DeadLetter, limit int) []kafka.Message {
	m, l := letter.Message, letterOf(letter)
	l.Headers = cloneHeaders(l.Headers)
	head := Message{Key: clone(m.Key), Headers: l.headers()}.kafka(d.cfg.Topic)
	value := clone(m.Value)
	room := max(limit-messageSize(&head), smallestData)
	l.Parts = max(1, (len(value)+room-1)/room)
	where := partitionSlot(letter)
	list := make([]kafka.Message, l.Parts)
	for i := range list {
		l.Part = i + 1
		part := value
		if l.Parts > 1 {
			part = value[i*room : min(len(value), (i+1)*room)]
		}
		list[i] = Message{Key: head.Key, Value: part, Headers: l.headers()}.kafka(d.cfg.Topic)
		list[i].WriterData = where
	}
	return list
}

// partitionSlot sends all parts of a letter, and the letters of one object, to one partition.
func partitionSlot(letter *ingest.DeadLetter) slot {
	h := fnv.New32a()
	if len(letter.Message.Key) > 0 {
		h.Write(letter.Message.Key)
	} else {
		fmt.Fprint(h, letter.Message.Origin)
	}
	return slot(h.Sum32())
}

// clone copies b; nil, a tombstone or no key, stays nil.
func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append(make([]byte, 0, len(b)), b...)
}

func cloneHeaders(list []ingest.Header) []ingest.Header {
	out := make([]ingest.Header, len(list))
	for i, h := range list {
		out[i] = ingest.Header{Key: h.Key, Value: clone(h.Value)}
	}
	return out
}

// Close implements ingest.DeadLetters. Every Put has returned by then, so nothing is lost when ctx ends
// before the connections are released in order.
func (d *DeadLetters) Close(ctx context.Context) error {
	stop := context.AfterFunc(ctx, d.producer.cluster.close)
	defer stop()
	return d.producer.Close()
}
