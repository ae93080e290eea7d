package kafka

import (
	"errors"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// records makes records at the given offsets.
func records(offsets ...int64) protocol.RecordReader {
	list := make([]protocol.Record, len(offsets))
	for i, o := range offsets {
		list[i] = protocol.Record{Offset: o, Value: protocol.NewBytes([]byte{byte(o)})}
	}
	return protocol.NewRecordReader(list...)
}

func plainBatch(base int64, offsets ...int64) protocol.RecordReader {
	return &protocol.RecordBatch{BaseOffset: base, ProducerID: -1, Records: records(offsets...)}
}

func txBatch(producer, base int64, offsets ...int64) protocol.RecordReader {
	return &protocol.RecordBatch{BaseOffset: base, ProducerID: producer, Attributes: protocol.Transactional, Records: records(offsets...)}
}

// marker ends a transaction of the producer: kind 0 aborts, 1 commits.
func marker(producer, base int64, kind int16) protocol.RecordReader {
	b := protocol.NewControlBatch(protocol.ControlRecord{Offset: base, Type: kind})
	b.BaseOffset, b.ProducerID, b.Attributes = base, producer, protocol.Transactional|protocol.Control
	return b
}

func aborted(producerAndFirst ...int64) (list []fetch.ResponseTransaction) {
	for i := 0; i < len(producerAndFirst); i += 2 {
		list = append(list, fetch.ResponseTransaction{ProducerID: producerAndFirst[i], FirstOffset: producerAndFirst[i+1]})
	}
	return list
}

func TestFilter(t *testing.T) {
	const a, b = 100, 200
	cases := []struct {
		name        string
		start       int64
		uncommitted bool
		aborted     []fetch.ResponseTransaction
		batches     []protocol.RecordReader
		want        []int64
		next        int64
	}{
		{"plain", 5, false, nil, []protocol.RecordReader{plainBatch(5, 5, 6), plainBatch(7, 7)}, []int64{5, 6, 7}, 8},
		{"starts inside a batch", 6, false, nil, []protocol.RecordReader{plainBatch(4, 4, 5, 6, 7)}, []int64{6, 7}, 8},
		{"gaps of compaction", 0, false, nil, []protocol.RecordReader{plainBatch(2, 3, 9)}, []int64{3, 9}, 10},
		{"commit marker alone", 5, false, nil, []protocol.RecordReader{marker(a, 5, 1)}, nil, 6},
		{"aborted then committed, one producer", 0, false, aborted(a, 0),
			[]protocol.RecordReader{txBatch(a, 0, 0, 1), marker(a, 2, 0), txBatch(a, 3, 3), marker(a, 4, 1)}, []int64{3}, 5},
		{"starts at the abort marker of a transaction still in the list", 2, false, aborted(a, 0),
			[]protocol.RecordReader{marker(a, 2, 0), txBatch(a, 3, 3), marker(a, 4, 1)}, []int64{3}, 5},
		{"aborts of two producers overlap, list out of order", 0, false, aborted(b, 1, a, 0),
			[]protocol.RecordReader{txBatch(a, 0, 0), txBatch(b, 1, 1), plainBatch(2, 2), marker(a, 3, 0), txBatch(a, 4, 4), txBatch(b, 5, 5), marker(b, 6, 0), marker(a, 7, 1)},
			[]int64{2, 4}, 8},
		{"one producer aborts twice", 0, false, aborted(a, 0, a, 4),
			[]protocol.RecordReader{txBatch(a, 0, 0), marker(a, 1, 0), txBatch(a, 2, 2), marker(a, 3, 1), txBatch(a, 4, 4), marker(a, 5, 0)}, []int64{2}, 6},
		{"plain records of a producer with an aborted transaction", 0, false, aborted(a, 0),
			[]protocol.RecordReader{txBatch(a, 0, 0), &protocol.RecordBatch{BaseOffset: 1, ProducerID: a, Records: records(1)}}, []int64{1}, 2},
		{"uncommitted asks for all", 0, true, aborted(a, 0),
			[]protocol.RecordReader{txBatch(a, 0, 0, 1), marker(a, 2, 0)}, []int64{0, 1}, 3},
		{"a batch that compaction emptied", 7, false, nil, []protocol.RecordReader{plainBatch(7)}, nil, 8},
		{"wanted offset compacted away at the end of its batch", 7, false, nil, []protocol.RecordReader{plainBatch(5, 5, 6)}, nil, 8},
		{"nothing but an emptied batch further on", 7, false, nil, []protocol.RecordReader{plainBatch(11)}, nil, 12},
		{"damaged control record", 3, false, nil,
			[]protocol.RecordReader{&protocol.ControlBatch{BaseOffset: 3, Records: records(3)}}, nil, 4},
		{"old format without batches", 1, false, nil, []protocol.RecordReader{records(0), records(1), records(2)}, []int64{1, 2}, 3},
	}
	for _, c := range cases {
		var f filter
		var got []int64
		f.reset(c.start, !c.uncommitted, c.aborted)
		err := f.walk(c.batches, func(r *protocol.Record) error {
			got = append(got, r.Offset)
			return nil
		})
		if err != nil || !slices.Equal(got, c.want) || f.next != c.next {
			t.Errorf("%s: records %v, next %d, %v; want %v, %d", c.name, got, f.next, err, c.want, c.next)
		}
	}
}

func TestFilterStopsWhereTakeRefuses(t *testing.T) {
	var f filter
	refusal := errors.New("no room")
	f.reset(0, true, nil)
	err := f.walk([]protocol.RecordReader{plainBatch(0, 0, 1, 2)}, func(r *protocol.Record) error {
		if r.Offset == 1 {
			return refusal
		}
		return nil
	})
	if !errors.Is(err, refusal) || f.next != 1 {
		t.Errorf("next %d, %v, want 1 and the refusal", f.next, err)
	}
}
