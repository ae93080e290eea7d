package kafka

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// Isolation says which records of transactions are delivered.
type Isolation string

// The isolation levels, by the names Kafka gives them.
const (
	ReadCommitted   Isolation = "read_committed"   // records of committed transactions and plain ones
	ReadUncommitted Isolation = "read_uncommitted" // every record, those of aborted transactions too
)

// StartAt says where to begin in a partition for which the group has no committed offset, and where to go
// on when the committed offset no longer exists.
type StartAt string

// The starting points.
const (
	Earliest StartAt = "earliest" // the oldest record still kept
	Latest   StartAt = "latest"   // records published from now on
)

// Config configures a Source. Zero fields take the defaults named beside them.
//
// Memory of a source that holds P partitions: P x (WindowBytes + the largest record batch, once in
// kafka-go's pages while it is copied and once in the slab that is being filled). With the defaults and
// batches of 1 MiB: P x 66 MiB at most, and only while the pipeline lags.
type Config struct {
	Connection

	Topics []string // topics to read; one that does not exist yet is waited for
	Group  string   // consumer group: offsets are kept under it, partitions are shared out within it

	// MinBytes lets the broker wait (MaxWait at most) until that much is there. Default 1: a message is
	// handed over as soon as it is published.
	MinBytes int
	// MaxBytes asks for no more than this a fetch and partition. The broker always sends the first record
	// batch whole, so a message of any size passes. Default 1 MiB: producers send batches of 1 MB at
	// most by default; a fetch larger than the batches ends inside one, and the cut part is sent again by
	// the next fetch (measured: 4 MiB fetches of 1 MB batches cost twice the CPU of 1 MiB ones).
	MaxBytes int
	// MaxWait is how long the broker may hold a fetch that finds nothing. Default 500 ms. It bounds how
	// long a finished long poll can delay Close's release of connections, not Close itself.
	MaxWait time.Duration

	// WindowMessages bounds the messages of one partition between delivery and commit, and so the replay
	// after a crash. Default 1024: at 250 messages a second and partition, 4 s of work.
	WindowMessages int
	// WindowBytes bounds the bytes of one partition's unfinished messages. Default 64 MiB: 940 messages
	// of 70 kB.
	WindowBytes int64
	// MaxMessageBytes is the largest key, value and headers together that is accepted. A partition that
	// holds a larger record stops before it, with a fault that says so. Default 16 MiB.
	MaxMessageBytes int

	// CommitInterval is the time between commits. Default 1 s.
	CommitInterval time.Duration
	// SessionTimeout is how long the group waits for a silent member before it shares out its partitions.
	// Default 8 s; 6 to 10 s recovers soonest from a crash (the group cannot go on while it waits).
	SessionTimeout time.Duration
	// RebalanceTimeout is how long the group waits for its members to rejoin. Default 30 s.
	RebalanceTimeout time.Duration
	// JoinGroupBackoff is the pause after a failed attempt to join. Default 200 ms, rising to 2 s while
	// attempts go on failing (to 30 s while the credentials are refused).
	JoinGroupBackoff time.Duration
	// TopicPoll is the time between looks for new topics and partitions. Default 5 s.
	TopicPoll time.Duration

	StartAt   StartAt   // default Earliest
	Isolation Isolation // default ReadCommitted
}

// withDefaults returns the configuration with its zero fields filled.
func (c Config) withDefaults() Config {
	c.Connection = c.Connection.withDefaults()
	setDefault(&c.MinBytes, 1)
	setDefault(&c.MaxBytes, 1<<20)
	setDefault(&c.MaxWait, 500*time.Millisecond)
	setDefault(&c.WindowMessages, 1024)
	setDefault(&c.WindowBytes, 64<<20)
	setDefault(&c.MaxMessageBytes, 16<<20)
	setDefault(&c.CommitInterval, time.Second)
	setDefault(&c.SessionTimeout, 8*time.Second)
	setDefault(&c.RebalanceTimeout, 30*time.Second)
	setDefault(&c.JoinGroupBackoff, 200*time.Millisecond)
	setDefault(&c.TopicPoll, 5*time.Second)
	setDefault(&c.StartAt, Earliest)
	setDefault(&c.Isolation, ReadCommitted)
	return c
}

// Validate lists every fault of the configuration, or returns nil. Defaults are applied first.
func (c Config) Validate() error {
	c = c.withDefaults()
	f := faults{c.Connection.Validate()}
	f.check(len(c.Topics) > 0, "topics: none given")
	for i, t := range c.Topics {
		f.check(t != "", "topics[%d]: empty name", i)
		f.check(!slices.Contains(c.Topics[:i], t), "topics[%d]: %q is named twice", i, t)
	}
	f.check(c.Group != "", "group: none given; offsets are kept under it")
	f.check(c.MinBytes > 0 && c.MinBytes <= c.MaxBytes, "min bytes: %d, want 1 to max bytes (%d)", c.MinBytes, c.MaxBytes)
	f.check(c.MaxBytes >= 1<<10 && c.MaxBytes <= 1<<30, "max bytes: %d, want 1 KiB to 1 GiB", c.MaxBytes)
	f.between("max wait", c.MaxWait, time.Millisecond, 30*time.Second)
	f.check(c.WindowMessages > 0, "window messages: %d, want at least 1", c.WindowMessages)
	f.check(c.WindowBytes > 0, "window bytes: %d, want at least 1", c.WindowBytes)
	f.check(c.MaxMessageBytes > 0 && c.MaxMessageBytes <= 1<<30, "max message bytes: %d, want 1 to 1 GiB", c.MaxMessageBytes)
	f.between("commit interval", c.CommitInterval, time.Millisecond, time.Minute)
	f.between("session timeout", c.SessionTimeout, time.Second, 5*time.Minute)
	f.between("rebalance timeout", c.RebalanceTimeout, time.Second, 10*time.Minute)
	f.between("join group backoff", c.JoinGroupBackoff, time.Millisecond, time.Minute)
	f.between("topic poll", c.TopicPoll, 10*time.Millisecond, 10*time.Minute)
	f.check(c.StartAt == Earliest || c.StartAt == Latest, "start at: %q, want %q or %q", c.StartAt, Earliest, Latest)
	f.check(c.Isolation == ReadCommitted || c.Isolation == ReadUncommitted,
		"isolation: %q, want %q or %q", c.Isolation, ReadCommitted, ReadUncommitted)
	return errors.Join(f...)
}

// faults collects what is wrong with a configuration.
type faults []error

func (f *faults) check(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Errorf("kafka: "+format, args...))
	}
}

func (f *faults) between(name string, d, lo, hi time.Duration) {
	f.check(d >= lo && d <= hi, "%s: %v, want %v to %v", name, d, lo, hi)
}

func (f *faults) address(name, address string) {
	host, port, err := net.SplitHostPort(address)
	f.check(err == nil && host != "" && port != "", "%s: %q is not host:port", name, address)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
