package kafka

import (
	"cmp"
	"errors"
	"io"
	"slices"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// controlAbort is the type of a control record that ends a transaction by aborting it (KIP-98; 1 commits).
const controlAbort = 0

// filter walks the record batches of one fetch response and hands on the records that count: at or past
// the wanted offset (a fetch that starts inside a batch is answered with the whole batch) and not of an
// aborted transaction. Control batches are stepped over.
type filter struct {
	next      int64 // the wanted offset; when done, the offset to fetch next
	committed bool  // leave out records of aborted transactions
	pending   []fetch.ResponseTransaction
	aborted   map[int64]struct{} // producers inside an aborted transaction at this point of the log
}

// reset prepares the filter for one response. The broker lists the aborted transactions that touch it, in
// no promised order.
func (f *filter) reset(next int64, committed bool, aborted []fetch.ResponseTransaction) {
	f.next, f.committed = next, committed
	f.pending = append(f.pending[:0], aborted...)
	slices.SortFunc(f.pending, func(a, b fetch.ResponseTransaction) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	if f.aborted == nil {
		f.aborted = map[int64]struct{}{}
	}
	clear(f.aborted)
}

// walk calls take for each record that counts, in order; it is valid only during the call. An error of
// take ends the walk and is returned; next then is the offset of the record that take refused.
func (f *filter) walk(batches []protocol.RecordReader, take func(*protocol.Record) error) error {
	wanted, highest := f.next, int64(-1)
	for _, b := range batches {
		base, err := f.batch(b, take)
		if err != nil {
			return err
		}
		highest = max(highest, base)
	}
	// Compaction leaves batches without records, and batches whose last records are gone, and kafka-go
	// does not keep their last offset. When nothing else came, the wanted offset itself cannot hold a
	// record: step over it, or the same answer would come for ever.
	if f.next == wanted && highest >= 0 {
		f.next = max(wanted, highest) + 1
	}
	return nil
}

// batch walks one batch and returns its base offset, or -1 when its format does not state one.
func (f *filter) batch(b protocol.RecordReader, take func(*protocol.Record) error) (base int64, err error) {
	switch b := b.(type) {
	case *protocol.ControlBatch:
		f.enter(b.BaseOffset)
		f.control(b)
		return b.BaseOffset, nil
	case *protocol.RecordBatch:
		f.enter(b.BaseOffset)
		_, in := f.aborted[b.ProducerID]
		return b.BaseOffset, f.records(b.Records, f.committed && in && b.Attributes.Transactional(), take)
	}
	return -1, f.records(b, false, take) // formats 0 and 1: single messages, without transactions
}

// enter moves the list of aborted transactions up to the batch at base. It comes before the treatment of
// a marker at base: a fetch may start at an abort marker, whose transaction the list still names; the
// other way round that producer's next, committed transaction would be left out.
func (f *filter) enter(base int64) {
	for len(f.pending) > 0 && f.pending[0].FirstOffset <= base {
		f.aborted[f.pending[0].ProducerID] = struct{}{}
		f.pending = f.pending[1:]
	}
}

// control steps over a control batch; an abort marker ends its producer's aborted transaction.
func (f *filter) control(b *protocol.ControlBatch) {
	if c, err := b.ReadControlRecord(); err == nil && c.Type == controlAbort {
		delete(f.aborted, b.ProducerID)
	}
	f.next = max(f.next, b.BaseOffset+1)
}

// records hands on the records of one batch, or only steps over them when the batch is to be left out.
func (f *filter) records(list protocol.RecordReader, leaveOut bool, take func(*protocol.Record) error) error {
	for {
		r, err := list.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if r.Offset >= f.next && !leaveOut {
			err = take(r)
		}
		closeRecord(r)
		if err != nil {
			return err
		}
		f.next = max(f.next, r.Offset+1)
	}
}

// closeRecord returns the record's pages to kafka-go's pool.
func closeRecord(r *protocol.Record) {
	if r.Key != nil {
		r.Key.Close()
	}
	if r.Value != nil {
		r.Value.Close()
	}
}
