package archive

import (
	"math/bits"
	"sync"

	"github.com/galaxalign/galaxalign/ingest"
)

// slot is one message and the memory its payload and key lie in. It is the message's owner.
type slot struct {
	source *Source
	msg    ingest.Message
	buf    []byte
	key    []byte
}

// Finish implements ingest.Owner.
func (s *slot) Finish(m *ingest.Message, o ingest.Outcome) { s.source.finish(s, o) }

// slots is a free list of slots whose buffers add up to at most limit bytes.
type slots struct {
	limit int64

	mu   sync.Mutex
	free []*slot
	held int64 // bytes of the buffers in free
}

// take returns a slot with a payload buffer of size bytes.
func (l *slots) take(source *Source, size int64) *slot {
	s := l.pop()
	if s == nil {
		s = &slot{source: source}
	}
	if int64(cap(s.buf)) < size {
		s.buf = make([]byte, roundUp(size))
	}
	s.buf = s.buf[:size]
	return s
}

func (l *slots) pop() *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := len(l.free) - 1
	if last < 0 {
		return nil
	}
	s := l.free[last]
	l.free[last], l.free = nil, l.free[:last]
	l.held -= int64(cap(s.buf))
	return s
}

// put gives a slot back. Beyond the limit its buffer is let go.
func (l *slots) put(s *slot) {
	s.msg = ingest.Message{}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held+int64(cap(s.buf)) > l.limit {
		s.buf = nil
	}
	l.held += int64(cap(s.buf))
	l.free = append(l.free, s)
}

// roundUp rounds a buffer's size up by at most an eighth, so that items of about one size share buffers.
func roundUp(size int64) int64 {
	step := int64(1) << max(9, bits.Len64(uint64(size))-4)
	return (size + step - 1) / step * step
}
