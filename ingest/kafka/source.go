package kafka

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/galaxalign/galaxalign/ingest"
)

// Options are the collaborators of a Source. The zero value is usable.
type Options struct {
	Name   string       // name in metrics and logs; default "kafka"
	Logger *slog.Logger // default: nothing is logged
}

// Stats counts what a Source went through. The counters only rise and are safe to read at any time.
type Stats struct {
	Generations  atomic.Int64 // group generations this member took part in
	Fetches      atomic.Int64 // fetch requests sent
	FetchErrors  atomic.Int64 // fetches that failed and were retried
	WindowWaits  atomic.Int64 // times a fetcher waited for room in its window
	Commits      atomic.Int64 // commit requests the group accepted
	CommitErrors atomic.Int64 // commit requests that failed; their offsets go with the next
	OffsetResets atomic.Int64 // times the wanted offset was not in the log: records were lost or skipped
	Oversized    atomic.Int64 // partitions stopped by a record larger than MaxMessageBytes
	Rewinds      atomic.Int64 // times a partition was read again because messages were given back
	Dropped      atomic.Int64 // messages read but not delivered because the partition was revoked
	Misuses      atomic.Int64 // messages finished twice or with an unknown outcome
}

// deliveries is how many slabs may wait for Fetch, beside the one each fetcher holds ready. Few, so that
// their bytes are still in the cache when the pipeline reads them (16 cost a fifth more CPU a message).
const deliveries = 4

// Source is a member of a consumer group. It implements ingest.Source.
//
// Fetch returns the messages of one slab; the slice is valid until all of them are finished.
type Source struct {
	cfg     Config
	name    string
	log     *slog.Logger
	cluster *cluster
	stats   Stats
	slabs   freeList
	out     chan *slab

	soft     context.CancelFunc // stop fetching, commit, leave the group
	hard     context.CancelFunc // give up on the network
	done     chan struct{}      // closed when run has returned
	closing  chan struct{}      // closed by the first Close
	closeOne sync.Once

	mu       sync.Mutex
	accounts map[partitionKey]*account
}

// partitionKey names a partition; -1 is the topic as a whole.
type partitionKey struct {
	topic     string
	partition int32
}

// New validates cfg, loads its TLS files and starts to join the group. Brokers that cannot be reached are
// no error here: they are retried and shown by Progress.
func New(cfg Config, opts Options) (*Source, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	cl, err := cfg.newCluster(cfg.Topics)
	if err != nil {
		return nil, err
	}
	setDefault(&opts.Name, "kafka")
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Source{
		cfg: cfg, name: opts.Name, log: opts.Logger.With("source", opts.Name), cluster: cl,
		out: make(chan *slab, deliveries), done: make(chan struct{}), closing: make(chan struct{}),
		accounts: map[partitionKey]*account{},
	}
	s.slabs.standard, s.slabs.misuse = cfg.MaxBytes, s.misuse
	hard, cancelHard := context.WithCancel(context.Background())
	soft, cancelSoft := context.WithCancel(hard)
	s.hard, s.soft = cancelHard, cancelSoft
	go s.run(soft, hard)
	return s, nil
}

// Name implements ingest.Source.
func (s *Source) Name() string { return s.name }

// Stats returns the live counters.
func (s *Source) Stats() *Stats { return &s.stats }

// Fetch implements ingest.Source. After Close it returns ErrClosed.
func (s *Source) Fetch(ctx context.Context) ([]*ingest.Message, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.closing:
			return nil, ErrClosed
		case b := <-s.out:
			if msgs := b.tenure.account.deliver(b); msgs != nil {
				return msgs, nil
			}
			s.drop(b)
		}
	}
}

// drop returns a slab that will not be delivered.
func (s *Source) drop(b *slab) {
	s.stats.Dropped.Add(int64(len(b.records)))
	b.release(int64(len(b.records)))
}

// Progress implements ingest.Source, in order of topic and partition. A line with partition -1 shows a
// fault of a topic as a whole: that it does not exist, or that the group cannot be joined.
func (s *Source) Progress() []ingest.Progress {
	s.mu.Lock()
	list := make([]ingest.Progress, 0, len(s.accounts))
	for _, a := range s.accounts {
		if p := a.get(); p.Partition >= 0 || p.Fault != "" {
			list = append(list, p)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(list, func(a, b ingest.Progress) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return list
}

// Close implements ingest.Source. It commits what is finished when it is called and leaves the group; it
// does not wait for messages still with the pipeline, which count as given back. When ctx ends first, the
// connections are closed, and the error says that the last commit may be missing: its messages will be
// delivered again.
func (s *Source) Close(ctx context.Context) error {
	s.closeOne.Do(func() { close(s.closing) })
	s.soft()
	var err error
	select {
	case <-s.done:
	case <-ctx.Done():
		err = fmt.Errorf("kafka: close: the last commit may be missing: %w", ctx.Err())
	}
	s.hard()
	s.cluster.close()
	<-s.done
	s.drain()
	return err
}

// drain returns the slabs that wait for a Fetch that will not come.
func (s *Source) drain() {
	for {
		select {
		case b := <-s.out:
			s.drop(b)
		default:
			return
		}
	}
}

// account returns the book of a partition, opening it when it is new.
func (s *Source) account(topic string, partition int32) *account {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := partitionKey{topic, partition}
	a := s.accounts[key]
	if a == nil {
		a = newAccount(topic, partition)
		s.accounts[key] = a
	}
	return a
}

// misuse counts and logs a message finished wrongly: a defect of the caller.
func (s *Source) misuse(err error) {
	s.stats.Misuses.Add(1)
	s.log.Error("message finished wrongly", "error", err)
}
