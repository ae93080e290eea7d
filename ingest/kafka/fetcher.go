package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/window"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// fetchGrace is how much longer than MaxWait a fetch may take before the connection is given up.
const fetchGrace = 10 * time.Second

// Reasons to leave the walk over a response before its end.
var (
	errRewind   = errors.New("messages were given back")
	errTooLarge = errors.New("record too large")
)

// fetcher reads one partition during one generation. Steps, repeated until its context ends:
//
//	fetch    one request to the partition's leader
//	filter   drop what is below the wanted offset, of aborted transactions, or a marker
//	admit    take a place in the ack window, waiting while it is full
//	copy     into the slab; a full slab, and the last of a response, is sent
//
// A slab is sent before waiting for room, since only its messages' finishes can make room. When a message
// was given back, the fetcher lets the window run empty and begins again at the committable offset.
type fetcher struct {
	cfg       *Config
	cluster   *cluster
	log       *slog.Logger
	stats     *Stats
	slabs     *freeList
	out       chan<- *slab
	account   *account
	topic     string
	partition int32

	tenure   *tenure // replaced by a rewind, under account.mu
	next     int64   // the offset to fetch next
	resetAt  int64   // a commit of this offset clears the note of an offset reset
	maxBytes int
	filter   filter
	retry    backoff
	slab     *slab     // being filled, or nil
	fetched  time.Time // of the response being walked
}

// run fetches until ctx ends. start is the committed offset, or one of kafka.FirstOffset, kafka.LastOffset.
func (f *fetcher) run(ctx context.Context, start int64) {
	if f.next = start; start < 0 && !f.seek(ctx, start) {
		return
	}
	f.maxBytes = f.cfg.MaxBytes
	f.open(f.next)
	for ctx.Err() == nil {
		if f.givenBack() && !f.rewind(ctx) {
			return
		}
		part, err := f.request(ctx)
		if err == nil {
			err = f.consume(ctx, part)
		}
		switch {
		case err == nil:
			f.healthy()
		case errors.Is(err, errRewind):
		case errors.Is(err, errTooLarge):
			f.fail(ctx, err)
			<-ctx.Done()
		case ctx.Err() == nil:
			f.recover(ctx, err)
		}
	}
}

// open starts a tenure at offset next.
func (f *fetcher) open(next int64) { f.replace(next, func(*ingest.Progress) {}) }

// replace starts a tenure at offset next and changes the account in the same step.
func (f *fetcher) replace(next int64, change func(*ingest.Progress)) {
	t := newTenure(f.account, next, window.Limits{Messages: f.cfg.WindowMessages, Bytes: f.cfg.WindowBytes})
	f.account.set(func(p *ingest.Progress) {
		f.tenure = t
		change(p)
	})
}

// request asks the partition's leader for what is at f.next.
func (f *fetcher) request(ctx context.Context) (*fetch.ResponsePartition, error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.MaxWait+fetchGrace)
	defer cancel()
	req := &fetch.Request{
		ReplicaID: -1, SessionEpoch: -1,
		MaxWaitTime: int32(f.cfg.MaxWait.Milliseconds()), MinBytes: int32(f.cfg.MinBytes),
		MaxBytes: math.MaxInt32, // of one partition: its own limit holds
		Topics: []fetch.RequestTopic{{Topic: f.topic, Partitions: []fetch.RequestPartition{{
			Partition: f.partition, FetchOffset: f.next,
			CurrentLeaderEpoch: -1, LogStartOffset: -1, PartitionMaxBytes: int32(f.maxBytes),
		}}}},
	}
	if f.cfg.Isolation == ReadCommitted {
		req.IsolationLevel = int8(kafka.ReadCommitted)
	}
	f.stats.Fetches.Add(1)
	m, err := f.cluster.rt.RoundTrip(ctx, f.cluster.addr, req)
	if err != nil {
		return nil, err
	}
	return f.answer(m)
}

// answer takes the one partition out of a response.
func (f *fetcher) answer(m protocol.Message) (*fetch.ResponsePartition, error) {
	r, ok := m.(*fetch.Response)
	if !ok {
		return nil, fmt.Errorf("fetch answered with %T", m)
	}
	if r.ErrorCode != 0 {
		return nil, kafka.Error(r.ErrorCode)
	}
	if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 1 {
		return nil, fmt.Errorf("fetch of one partition answered with %d topics", len(r.Topics))
	}
	p := &r.Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		return nil, kafka.Error(p.ErrorCode)
	}
	return p, nil
}

// consume delivers a response's records and moves f.next.
func (f *fetcher) consume(ctx context.Context, p *fetch.ResponsePartition) error {
	f.account.set(func(a *ingest.Progress) { a.HighWater = p.HighWatermark })
	stream, ok := p.RecordSet.Records.(*protocol.RecordStream)
	if !ok || len(stream.Records) == 0 {
		return f.nothing(p)
	}
	f.maxBytes = f.cfg.MaxBytes
	f.fetched = time.Now()
	f.filter.reset(f.next, f.cfg.Isolation == ReadCommitted, p.AbortedTransactions)
	err := f.filter.walk(stream.Records, func(r *protocol.Record) error { return f.take(ctx, r) })
	f.next = f.filter.next
	if sendErr := f.send(ctx); err == nil {
		err = sendErr
	}
	if err == nil {
		f.tenure.window.Skip(f.next)
	}
	return err
}

// nothing treats a response without a whole record batch. Brokers since 0.10.1 send the first batch
// whatever its size (KIP-74); an older one cuts it off, and the way on is to ask for more.
func (f *fetcher) nothing(p *fetch.ResponsePartition) error {
	end := p.HighWatermark
	if f.cfg.Isolation == ReadCommitted && p.LastStableOffset >= 0 {
		end = min(end, p.LastStableOffset)
	}
	if f.next >= end || f.maxBytes >= 2*f.cfg.MaxMessageBytes {
		return nil
	}
	f.maxBytes = min(2*f.maxBytes, 2*f.cfg.MaxMessageBytes)
	return nil
}

// take admits one record to the window and copies it into the slab.
func (f *fetcher) take(ctx context.Context, r *protocol.Record) error {
	size := recordSize(r)
	if size > f.cfg.MaxMessageBytes {
		f.stats.Oversized.Add(1)
		return fmt.Errorf("%s/%d@%d holds %d bytes, more than the limit of %d; raise MaxMessageBytes, or move the group's offset to %d to leave it out: %w",
			f.topic, f.partition, r.Offset, size, f.cfg.MaxMessageBytes, r.Offset+1, errTooLarge)
	}
	if f.slab != nil && !f.slab.fits(size) {
		if err := f.send(ctx); err != nil {
			return err
		}
	}
	if err := f.admit(ctx, r.Offset, int64(size)); err != nil {
		return err
	}
	if f.slab == nil {
		f.slab = f.slabs.take(size, f.tenure)
	}
	if err := f.slab.add(f.topic, f.partition, r, size, f.fetched); err != nil {
		_ = f.tenure.window.Finish(r.Offset, ingest.GivenBack) // admitted, so it must end: a rewind reads it again
		return err
	}
	return nil
}

// admit waits until the window has room for the record.
func (f *fetcher) admit(ctx context.Context, offset, size int64) error {
	for {
		ok, err := f.tenure.window.Admit(offset, size, f.fetched)
		if ok || err != nil {
			return err
		}
		if err := f.send(ctx); err != nil {
			return err
		}
		if f.givenBack() {
			return errRewind
		}
		f.stats.WindowWaits.Add(1)
		select {
		case <-f.tenure.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// send hands the slab over, if there is one; when ctx ends first, its messages were never delivered.
func (f *fetcher) send(ctx context.Context) error {
	s := f.slab
	if s == nil {
		return nil
	}
	f.slab = nil
	s.refs.Store(int64(len(s.records)))
	select {
	case f.out <- s:
		return nil
	case <-ctx.Done():
		s.release(int64(len(s.records)))
		return ctx.Err()
	}
}

// close ends the fetcher's tenure once run has returned. When the partition passes to another member, its
// fault and its end are that member's to report; at the end of the source they stay for the last report.
func (f *fetcher) close(passedOn bool) {
	if f.tenure != nil {
		f.account.end(f.tenure)
	}
	if passedOn {
		f.account.set(func(p *ingest.Progress) { p.Fault, p.HighWater = "", -1 })
	}
}

func (f *fetcher) givenBack() bool { return f.tenure.window.Stats().GivenBack > 0 }

// rewind waits until nothing is in flight and begins again at the committable offset.
func (f *fetcher) rewind(ctx context.Context) bool {
	for f.tenure.window.Stats().InFlight > 0 {
		select {
		case <-f.tenure.room:
		case <-ctx.Done():
			return false
		}
	}
	sleep(ctx, rewindPause)
	f.stats.Rewinds.Add(1)
	f.next = f.tenure.window.Committable()
	f.account.end(f.tenure)
	f.open(f.next)
	return true
}

// rewindPause keeps a pipeline that gives everything back from turning in a hot loop.
const rewindPause = 200 * time.Millisecond
