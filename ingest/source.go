package ingest

import (
	"context"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
)

// Outcome is what became of a message in the end.
type Outcome uint8

// The outcomes. Written, Duplicate and Quarantined are final: the source may commit past the message.
// GivenBack is not: the message will be delivered again by this process or the next.
const (
	Written     Outcome = iota + 1 // its records are durable in every required sink
	Duplicate                      // its records were already durable; nothing new was written
	Quarantined                    // it is whole in the dead letters, durably
	GivenBack                      // unfinished at shutdown or after a revoked partition
)

// Message is one undecoded unit as the source delivered it. Key, Value and Headers point into memory of
// the source and are valid until Finish.
type Message struct {
	Origin    schemas.Origin
	Key       []byte
	Value     []byte
	Headers   []Header
	Published time.Time // when the producer published it (Kafka timestamp), UTC; zero when unknown
	Fetched   time.Time // when this process received it
	Owner     Owner     // the source's side of the hand-off; set by the source
}

// Header is one key and value that travelled beside a Kafka message.
type Header struct {
	Key   string
	Value []byte
}

// Owner takes back a message once its fate is known.
type Owner interface {
	Finish(m *Message, o Outcome)
}

// Finish hands the message back with its outcome. It is called exactly once for every delivered message,
// from any goroutine; the message and its bytes must not be used afterwards.
func (m *Message) Finish(o Outcome) { m.Owner.Finish(m, o) }

// Source delivers messages and commits their offsets once they are finished. Fetch is called from one
// goroutine; Finish (through the message), Progress and Close from any.
//
// Implementations are held to the conformance suite in ingest/sourcetest.
type Source interface {
	// Name identifies the source in metrics and logs.
	Name() string
	// Fetch returns at least one message, in order within each partition. It blocks while nothing is
	// available or while the in-flight window is full. It returns io.EOF when an archive is exhausted
	// and ctx.Err() when ctx ends. Any other error is permanent: transient ones are retried inside,
	// with backoff, and shown by Progress.
	Fetch(ctx context.Context) ([]*Message, error)
	// Progress reports the state of every partition this process holds or has held.
	Progress() []Progress
	// Close stops fetching, makes the contiguous finished prefix of every partition durable within
	// ctx's deadline, and releases the source. Messages not finished by then are given back.
	Close(ctx context.Context) error
}

// Progress is the account of one partition in this run. Conservation:
// Fetched = Written + Duplicates + Quarantined + GivenBack + InFlight.
type Progress struct {
	Topic       string
	Partition   int32
	Fetched     int64 // messages delivered by Fetch
	Written     int64
	Duplicates  int64
	Quarantined int64
	GivenBack   int64
	InFlight    int64
	InFlightB   int64  // bytes of the messages in flight
	Committed   int64  // next offset that a restart would read; -1 before the first commit
	HighWater   int64  // first offset not yet published, as last seen; -1 when unknown
	Fault       string // the transient error being retried, in words; empty when healthy
}

// Lag is the number of published messages not yet committed, or -1 when it is unknown.
func (p Progress) Lag() int64 {
	if p.HighWater < 0 || p.Committed < 0 {
		return -1
	}
	return max(0, p.HighWater-p.Committed)
}

// Decoder turns one message into a cutout. It is not safe for concurrent use: each worker has its own,
// so that scratch memory is reused.
type Decoder interface {
	// Decode fills c, which the caller has Reset. A refusal is a *schemas.Fault; on any error the
	// contents of c are partial but its identity fields are set when they were readable.
	Decode(m *Message, c *schemas.Cutout) error
}

// DeadLetter is a message that could not be processed, with the reason.
type DeadLetter struct {
	Message  *Message
	Fault    *schemas.Fault
	Survey   string // empty when unknown
	ObjectID []byte // empty when unknown
	At       time.Time
}

// DeadLetters keeps refused messages whole.
type DeadLetters interface {
	// Put returns nil once the letter is durable. It is safe for concurrent use and copies what it
	// keeps. Errors are transient: the caller retries.
	Put(ctx context.Context, d *DeadLetter) error
	Close(ctx context.Context) error
}
