// Package alerts sends records to a Kafka topic, for brokers and people downstream.
//
// Guarantee: a record that Write acknowledged is on the topic, acknowledged by all in-sync replicas. It
// may be there more than once: the topic has no memory that survives this process, so what a crash or a
// lost answer makes uncertain is sent again. Consumers drop what they have seen by the record_id header.
//
// # Messages
//
// The key is the object id, so that one object's alerts stay in order on one partition (partitioned as
// the Java client does, murmur2). The value is the alert of package schemas, Avro or JSON. Headers:
// record_id (32 hexadecimal digits), model, model_version, content-type.
package alerts

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/internal/idset"
)

// The names of the message headers.
const (
	HeaderRecordID     = "record_id"
	HeaderModel        = "model"
	HeaderModelVersion = "model_version"
	HeaderContentType  = "content-type"
)

// Sink sends records as alerts. It implements sink.Sink. Records that the filter leaves out count as
// written: nothing is owed for them.
type Sink struct {
	cfg       Config
	writer    *kafka.Writer
	transport *kafka.Transport // the sink's own, or nil
	encoder   *schemas.AlertEncoder

	mu     sync.Mutex // guards what follows
	sent   *idset.Set
	batch  idset.Table // ids of the batch in progress
	values []byte      // the values of the batch, one after the other
	msgs   []kafka.Message
	index  []int // of each message's record in the batch
	closed bool
}

// Open makes the sink; it connects with the first Write.
func Open(cfg Config) (*Sink, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	cfg = cfg.withDefaults()
	encoder, err := schemas.NewAlertEncoder()
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	codec, _ := compression(cfg.Compression) // validated
	s := &Sink{cfg: cfg, encoder: encoder, sent: idset.New(cfg.Horizon)}
	transport := cfg.Transport
	if transport == nil {
		s.transport = &kafka.Transport{}
		transport = s.transport
	}
	s.writer = &kafka.Writer{
		Addr:         kafka.TCP(cfg.Brokers...),
		Topic:        cfg.Topic,
		Balancer:     kafka.Murmur2Balancer{},
		RequiredAcks: kafka.RequireAll, // the library's default waits for nobody
		BatchSize:    1000,
		BatchBytes:   int64(cfg.MaxMessageBytes),
		BatchTimeout: 5 * time.Millisecond, // the default of 1 s would hold back every small batch
		MaxAttempts:  3,                    // retry belongs to the fan-out
		Compression:  codec,
		Transport:    transport,
	}
	return s, nil
}

// Name returns "alerts".
func (s *Sink) Name() string { return "alerts" }

// Write sends the records that pass the filter and waits for their acknowledgement; see sink.Sink. A
// record known to be on the topic, sent by this process and within Horizon, is a duplicate.
func (s *Sink) Write(ctx context.Context, b *sink.Batch, r *sink.Report) error {
	r.Reset()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("alerts: %w", sink.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	rejects := s.collect(b, r)
	if err := s.send(ctx, b); err != nil {
		return err
	}
	r.Written = len(b.Records) - len(r.Duplicate) - len(rejects)
	if len(rejects) > 0 {
		return &sink.RejectedError{Sink: s.Name(), Rejects: rejects}
	}
	return nil
}

// collect fills s.msgs with the alerts to be sent, reports duplicates and returns the records that
// cannot be alerts.
func (s *Sink) collect(b *sink.Batch, r *sink.Report) (rejects []sink.Reject) {
	s.values, s.msgs, s.index = s.values[:0], s.msgs[:0], s.index[:0]
	s.batch.Reset()
	for i := range b.Records {
		rec := &b.Records[i]
		if err := schemas.CheckRecord(rec, b.Model); err != nil {
			rejects = append(rejects, sink.Reject{Index: i, Err: err})
			continue
		}
		if s.sent.Has(rec.ID) || !s.batch.Add(rec.ID) {
			r.Duplicate = append(r.Duplicate, i)
			continue
		}
		if !s.cfg.wants(rec, b.Model) {
			continue
		}
		if err := s.add(*rec, b.Model, i); err != nil {
			rejects = append(rejects, sink.Reject{Index: i, Err: err})
		}
	}
	return rejects
}

// add encodes one alert. Key and value lie in s.values: the writer may hold on to them after a
// cancelled call, when the batch's own memory is the caller's again. Should the buffer move, messages
// made before keep the old one, and nothing is written to it again.
func (s *Sink) add(r schemas.Record, m *schemas.ModelInfo, index int) error {
	r.Model = m
	start := len(s.values)
	if s.cfg.Encoding == JSON {
		value, err := schemas.MarshalAlertJSON(&r)
		if err != nil {
			return err
		}
		s.values = append(s.values, value...)
	} else {
		s.values = s.encoder.AppendAvro(s.values, &r)
	}
	end := len(s.values)
	s.values = append(s.values, r.ObjectID...)
	msg := kafka.Message{
		Value: s.values[start:end:end],
		Headers: []kafka.Header{
			{Key: HeaderRecordID, Value: []byte(r.ID.String())},
			{Key: HeaderModel, Value: []byte(m.Name)},
			{Key: HeaderModelVersion, Value: []byte(m.Version)},
			{Key: HeaderContentType, Value: []byte(s.cfg.Encoding.contentType())},
		},
	}
	if len(r.ObjectID) > 0 { // no key at all spreads the nameless over the partitions
		msg.Key = s.values[end:len(s.values):len(s.values)]
	}
	if n := messageSize(&msg); n > s.cfg.MaxMessageBytes {
		s.values = s.values[:start]
		return schemas.NewFault(schemas.StageSink, schemas.ReasonTooLarge,
			"the alert takes %d bytes, the limit is %d: raise the maximum message size here and message.max.bytes on the broker", n, s.cfg.MaxMessageBytes)
	}
	s.msgs = append(s.msgs, msg)
	s.index = append(s.index, index)
	return nil
}

// messageSize bounds the size of a message on the wire: its texts, 12 bytes for the lengths of each
// header and 128 for the framing.
func messageSize(m *kafka.Message) int {
	n := 128 + len(m.Key) + len(m.Value)
	for _, h := range m.Headers {
		n += 12 + len(h.Key) + len(h.Value)
	}
	return n
}

// send writes the collected messages and remembers those the brokers acknowledged.
func (s *Sink) send(ctx context.Context, b *sink.Batch) error {
	if len(s.msgs) == 0 {
		return nil
	}
	err := s.writer.WriteMessages(ctx, s.msgs...)
	var each kafka.WriteErrors
	switch {
	case err == nil:
		for _, i := range s.index {
			s.sent.Add(b.Records[i].ID)
		}
		return nil
	case errors.As(err, &each) && len(each) == len(s.msgs):
		for k, failure := range each {
			if failure == nil {
				s.sent.Add(b.Records[s.index[k]].ID)
			}
		}
		return classify(each)
	}
	// The writer may still be sending: it keeps these slices, and the next batch gets others.
	s.values, s.msgs = nil, nil
	return fmt.Errorf("alerts: %w", err)
}

// classify makes one error of many. As long as one of them may pass, the batch is tried again; what is
// left then fails for good, and the fan-out finds out which message is to blame: the broker refuses a
// request as a whole.
func classify(each kafka.WriteErrors) error {
	var permanent error
	for _, err := range each {
		switch {
		case err == nil:
		case errors.Is(err, kafka.MessageSizeTooLarge), errors.Is(err, kafka.InvalidRecord):
			permanent = err
		default:
			return fmt.Errorf("alerts: %d of %d messages failed: %w", each.Count(), len(each), err)
		}
	}
	return sink.Permanent(fmt.Errorf("alerts: the broker refused %d of %d messages: %w", each.Count(), len(each), permanent))
}

// Close releases the connections. Everything acknowledged is on the topic already. Closing again does
// nothing.
func (s *Sink) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.writer.Close()
	if s.transport != nil {
		s.transport.CloseIdleConnections()
	}
	return err
}
