package kafka

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/segmentio/kafka-go/protocol"
)

// slabRecords is the most messages of one slab. Their structs are allocated with the slab (about 200
// bytes each, so 3 % of a slab of 1 MiB) because messages must not move once delivered.
const slabRecords = 128

// slab holds the bytes and the structs of consecutive messages of one partition. The fetcher fills it;
// then every unfinished message holds one reference, and the last Finish returns it to the free list.
type slab struct {
	list    *freeList
	buf     []byte
	records []record
	msgs    []*ingest.Message
	headers []ingest.Header
	refs    atomic.Int64
	tenure  *tenure
}

// record is one message with the source's side of it.
type record struct {
	msg   ingest.Message
	slab  *slab
	size  int64
	state atomic.Uint32 // recordIdle, recordHeld
}

const (
	recordIdle uint32 = iota // finished, or never delivered
	recordHeld               // with the pipeline
)

var errDoubleFinish = errors.New("a message was finished twice, or through a message that is not its own")

// Finish implements ingest.Owner. A second Finish of the same message is reported and changes nothing, as
// long as its slab was not reused in between.
func (r *record) Finish(m *ingest.Message, o ingest.Outcome) {
	if m != &r.msg || !r.state.CompareAndSwap(recordHeld, recordIdle) {
		r.slab.list.misuse(errDoubleFinish)
		return
	}
	t := r.slab.tenure
	if err := t.account.finish(t, r.msg.Origin.Offset, r.size, o); err != nil {
		r.slab.list.misuse(err)
	}
	r.slab.release(1)
}

// recordSize is the number of bytes a record takes in the window and in a slab.
func recordSize(r *protocol.Record) int {
	n := 0
	if r.Key != nil {
		n += r.Key.Len()
	}
	if r.Value != nil {
		n += r.Value.Len()
	}
	for i := range r.Headers {
		n += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}

// fits says whether another record of that size goes in.
func (s *slab) fits(size int) bool {
	return len(s.records) < cap(s.records) && cap(s.buf)-len(s.buf) >= size
}

// add copies r, which fits, out of the response's pages. Header keys and values stay where kafka-go
// allocated them: the garbage collector owns those.
func (s *slab) add(topic string, partition int32, r *protocol.Record, size int, fetched time.Time) error {
	key, err := s.copyBytes(r.Key)
	if err != nil {
		return fmt.Errorf("key at offset %d: %w", r.Offset, err)
	}
	value, err := s.copyBytes(r.Value)
	if err != nil {
		return fmt.Errorf("value at offset %d: %w", r.Offset, err)
	}
	s.records = s.records[:len(s.records)+1]
	rec := &s.records[len(s.records)-1]
	rec.slab, rec.size = s, int64(size)
	rec.msg = ingest.Message{
		Origin: schemas.Origin{Topic: topic, Partition: partition, Offset: r.Offset, HDU: -1},
		Key:    key, Value: value, Headers: s.addHeaders(r.Headers),
		Published: published(r.Time), Fetched: fetched, Owner: rec,
	}
	s.msgs = append(s.msgs, &rec.msg)
	return nil
}

// copyBytes appends b to the slab and returns the copy; nil stays nil.
func (s *slab) copyBytes(b protocol.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	from, to := len(s.buf), len(s.buf)+b.Len()
	s.buf = s.buf[:to]
	_, err := io.ReadFull(b, s.buf[from:to])
	return s.buf[from:to:to], err
}

func (s *slab) addHeaders(list []protocol.Header) []ingest.Header {
	if len(list) == 0 {
		return nil
	}
	from := len(s.headers)
	for _, h := range list {
		s.headers = append(s.headers, ingest.Header{Key: h.Key, Value: h.Value})
	}
	return s.headers[from:len(s.headers):len(s.headers)]
}

// published is the record's time in UTC; records without one carry a negative number.
func published(t time.Time) time.Time {
	if t.UnixMilli() < 0 {
		return time.Time{}
	}
	return t.UTC()
}

// release drops n references and returns the slab with the last.
func (s *slab) release(n int64) {
	if s.refs.Add(-n) == 0 {
		s.list.put(s)
	}
}

// freeList keeps returned slabs for reuse, up to limit bytes: what the windows may hold in flight.
type freeList struct {
	standard int         // bytes of an ordinary slab
	misuse   func(error) // told of a message finished wrongly

	mu    sync.Mutex
	limit int64
	held  int64
	free  []*slab
}

// setLimit states how many bytes may lie idle.
func (l *freeList) setLimit(bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = bytes
}

// take returns an empty slab of at least size bytes for messages of t.
func (l *freeList) take(size int, t *tenure) *slab {
	s := l.reuse(size)
	if s == nil {
		s = &slab{
			list: l, buf: make([]byte, 0, max(size, l.standard)),
			records: make([]record, 0, slabRecords), msgs: make([]*ingest.Message, 0, slabRecords),
		}
	}
	s.tenure = t
	return s
}

func (l *freeList) reuse(size int) *slab {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := len(l.free) - 1; i >= 0; i-- {
		if s := l.free[i]; cap(s.buf) >= size {
			last := len(l.free) - 1
			l.free[i] = l.free[last]
			l.free[last] = nil
			l.free = l.free[:last]
			l.held -= int64(cap(s.buf))
			return s
		}
	}
	return nil
}

// put empties s and keeps it, or leaves it to the garbage collector when enough is kept already.
func (l *freeList) put(s *slab) {
	for i := range s.records {
		s.records[i].msg = ingest.Message{}
	}
	clear(s.msgs)
	clear(s.headers)
	s.buf, s.records, s.msgs, s.headers, s.tenure = s.buf[:0], s.records[:0], s.msgs[:0], s.headers[:0], nil
	l.mu.Lock()
	defer l.mu.Unlock()
	if size := int64(cap(s.buf)); l.held+size <= l.limit {
		l.held += size
		l.free = append(l.free, s)
	}
}
