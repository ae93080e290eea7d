package kafka

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// replay is a record batch that can be read again and again, with its values rewound.
type replay struct {
	records []protocol.Record
	values  []*rewinding
	at      int
}

type rewinding struct {
	data []byte
	at   int
}

func (r *rewinding) Len() int     { return len(r.data) - r.at }
func (r *rewinding) Close() error { return nil }
func (r *rewinding) Read(b []byte) (int, error) {
	n := copy(b, r.data[r.at:])
	r.at += n
	return n, nil
}

func newReplay(n, size int) *replay {
	r := &replay{}
	for range n {
		v := &rewinding{data: make([]byte, size)}
		r.values = append(r.values, v)
		r.records = append(r.records, protocol.Record{Value: v, Headers: []protocol.Header{{Key: "k", Value: []byte("v")}}})
	}
	return r
}

func (r *replay) ReadRecord() (*protocol.Record, error) {
	if r.at == len(r.records) {
		return nil, io.EOF
	}
	r.at++
	return &r.records[r.at-1], nil
}

// rewind gives the records the offsets from next on.
func (r *replay) rewind(next int64) {
	r.at = 0
	for i := range r.records {
		r.records[i].Offset = next + int64(i)
		r.values[i].at = 0
	}
}

// testFetcher is a fetcher whose responses the test makes, delivering to the source's channel.
func testFetcher(t testing.TB, cfg Config) (*fetcher, *Source) {
	t.Helper()
	cfg = cfg.withDefaults()
	s := &Source{cfg: cfg, out: make(chan *slab, deliveries), closing: make(chan struct{}), log: slog.New(slog.DiscardHandler)}
	s.slabs = freeList{standard: cfg.MaxBytes, misuse: s.misuse, limit: 1 << 30}
	f := &fetcher{cfg: &s.cfg, stats: &s.stats, slabs: &s.slabs, out: s.out, account: newAccount("t", 0), topic: "t", log: s.log}
	f.open(0)
	return f, s
}

func response(b protocol.RecordReader) *fetch.ResponsePartition {
	return &fetch.ResponsePartition{RecordSet: protocol.RecordSet{Records: &protocol.RecordStream{Records: []protocol.RecordReader{b}}}}
}

// From the response to the last Finish, a message costs no allocation of ours.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	f, s := testFetcher(t, Config{})
	batch := newReplay(32, 70_000) // 2.2 MB: three slabs
	r := response(&protocol.RecordBatch{Records: batch})
	ctx := context.Background()
	cycle := func() {
		batch.rewind(f.next)
		r.RecordSet.Records.(*protocol.RecordStream).Records[0].(*protocol.RecordBatch).BaseOffset = f.next
		if err := f.consume(ctx, r); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < 32; {
			msgs, err := s.Fetch(ctx)
			if err != nil {
				t.Fatal(err)
			}
			n += len(msgs)
			for _, m := range msgs {
				m.Finish(ingest.Written)
			}
		}
	}
	for range 3 {
		cycle()
	}
	if a := testing.AllocsPerRun(50, cycle); a > 2 { // the closures of one response
		t.Errorf("%v allocations for a response of 32 messages, want 2 at most", a)
	}
}

func TestSlabsAreReusedAndBounded(t *testing.T) {
	l := freeList{standard: 1000, limit: 2500}
	a, b, big := l.take(10, nil), l.take(10, nil), l.take(4000, nil)
	if cap(big.buf) != 4000 || cap(a.buf) != 1000 {
		t.Fatalf("capacities %d, %d", cap(big.buf), cap(a.buf))
	}
	l.put(a)
	l.put(b)
	l.put(big) // over the limit
	if l.held != 2000 || len(l.free) != 2 {
		t.Errorf("%d slabs of %d bytes kept, want 2 of 2000", len(l.free), l.held)
	}
	if got := l.take(10, nil); got != b {
		t.Error("the slab returned last, warm in the cache, was not taken first")
	}
	if got := l.take(2000, nil); got == a {
		t.Error("a slab too small was taken")
	}
}

func TestDoubleFinishIsReportedAndHarmless(t *testing.T) {
	f, s := testFetcher(t, Config{})
	if err := f.consume(context.Background(), response(plainBatch(0, 0, 1, 2))); err != nil {
		t.Fatal(err)
	}
	msgs, err := s.Fetch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	msgs[1].Finish(ingest.Written)
	msgs[1].Finish(ingest.Written)
	msgs[2].Finish(99) // no such outcome: given back, so that nothing is lost
	p := f.account.get()
	if p.Written != 1 || p.GivenBack != 1 || p.InFlight != 1 || s.stats.Misuses.Load() != 2 {
		t.Errorf("account %+v, %d misuses", p, s.stats.Misuses.Load())
	}
	if c := f.tenure.window.Committable(); c != 0 {
		t.Errorf("committable %d, want 0", c)
	}
}

func TestOldBrokerIsAskedForMore(t *testing.T) {
	f, _ := testFetcher(t, Config{MaxBytes: 1 << 20, MaxMessageBytes: 3 << 20})
	f.maxBytes = f.cfg.MaxBytes
	cut := &fetch.ResponsePartition{HighWatermark: 10, LastStableOffset: 10}
	for _, want := range []int{2 << 20, 4 << 20, 6 << 20, 6 << 20} {
		if err := f.consume(context.Background(), cut); err != nil || f.maxBytes != want {
			t.Errorf("asks for %d, %v, want %d", f.maxBytes, err, want)
		}
	}
	f.maxBytes = f.cfg.MaxBytes
	held := &fetch.ResponsePartition{HighWatermark: 10, LastStableOffset: 0} // an open transaction
	if err := f.consume(context.Background(), held); err != nil || f.maxBytes != 1<<20 {
		t.Errorf("asks for %d, %v, though nothing is readable", f.maxBytes, err)
	}
}

func TestAnswerErrors(t *testing.T) {
	f, _ := testFetcher(t, Config{})
	for _, r := range []*fetch.Response{
		{},
		{ErrorCode: 7},
		{Topics: []fetch.ResponseTopic{{Partitions: []fetch.ResponsePartition{{ErrorCode: 6}}}}},
	} {
		if p, err := f.answer(r); err == nil {
			t.Errorf("%+v gave %+v", r, p)
		}
	}
	if got := classify(kafka.OffsetOutOfRange); got != outOfRange {
		t.Errorf("class %d", got)
	}
}
