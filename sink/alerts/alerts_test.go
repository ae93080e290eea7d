package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/hamba/avro/v2/ocf"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const partitions = 3

// topic is a Backend: one topic on a broker in this process.
type topic struct {
	cfg   Config
	model *schemas.ModelInfo
}

func newTopic(t *testing.T, m *schemas.ModelInfo, encoding Encoding) *topic {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "alerts"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return &topic{cfg: Config{Brokers: cluster.ListenAddrs(), Topic: "alerts", Encoding: encoding}, model: m}
}

func (b *topic) Open(t *testing.T) sink.Sink { return open(t, b.cfg) }

func open(t *testing.T, cfg Config) *Sink {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// Crash drops the sink: what it remembers is gone, and it has nothing else to lose.
func (b *topic) Crash(t *testing.T, s sink.Sink) {
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// messages reads the topic from start to end.
func (b *topic) messages(t *testing.T) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.cfg.Brokers...), kgo.ConsumeTopics(b.cfg.Topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	left := b.ends(t)
	var out []*kgo.Record
	for left > 0 {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			out = append(out, r)
			left--
		})
	}
	return out
}

// ends returns the number of messages on the topic.
func (b *topic) ends(t *testing.T) (n int64) {
	t.Helper()
	for p := range partitions {
		conn, err := kafka.DialLeader(t.Context(), "tcp", b.cfg.Brokers[0], b.cfg.Topic, p)
		if err != nil {
			t.Fatal(err)
		}
		last, err := conn.ReadLastOffset()
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		n += last
	}
	return n
}

func (b *topic) Read(t *testing.T) []schemas.Record {
	var out []schemas.Record
	for _, m := range b.messages(t) {
		decode := decodeAvro
		if b.cfg.Encoding == JSON {
			decode = decodeJSON
		}
		r := decode(t, m.Value)
		r.Label = slices.Index(b.model.Classes, labelOf(t, b.cfg.Encoding, m.Value))
		if string(m.Key) != string(r.ObjectID) {
			t.Fatalf("key %q, object id %q", m.Key, r.ObjectID)
		}
		checkHeaders(t, b, m, r.ID)
		out = append(out, r)
	}
	return out
}

func checkHeaders(t *testing.T, b *topic, m *kgo.Record, id schemas.RecordID) {
	t.Helper()
	want := map[string]string{
		HeaderRecordID: id.String(), HeaderModel: b.model.Name, HeaderModelVersion: b.model.Version,
		HeaderContentType: b.cfg.Encoding.contentType(),
	}
	if len(m.Headers) != len(want) {
		t.Fatalf("%d headers, want %d", len(m.Headers), len(want))
	}
	for _, h := range m.Headers {
		if want[h.Key] != string(h.Value) {
			t.Fatalf("header %s is %q, want %q", h.Key, h.Value, want[h.Key])
		}
	}
}

// alert has the fields that the tests compare, under the names both forms share.
type alert struct {
	RecordID      string   `json:"record_id" avro:"record_id"`
	Survey        string   `json:"survey" avro:"survey"`
	ObjectID      string   `json:"object_id" avro:"object_id"`
	ObservationID string   `json:"observation_id" avro:"observation_id"`
	RA            *float64 `json:"ra" avro:"ra"`
	Dec           *float64 `json:"dec" avro:"dec"`
	Label         *string  `json:"label" avro:"label"`
	Probability   float32  `json:"probability" avro:"probability"`
}

func (a *alert) record(t *testing.T) schemas.Record {
	t.Helper()
	id, err := schemas.ParseRecordID(a.RecordID)
	if err != nil {
		t.Fatal(err)
	}
	r := schemas.Record{
		ID: id, Survey: a.Survey, ObjectID: []byte(a.ObjectID), ObservationID: []byte(a.ObservationID),
		RA: math.NaN(), Dec: math.NaN(), Probability: a.Probability,
	}
	if a.RA != nil {
		r.RA, r.Dec = *a.RA, *a.Dec
	}
	return r
}

func parse(t *testing.T, encoding Encoding, value []byte) *alert {
	t.Helper()
	var a alert
	if encoding == JSON {
		if err := json.Unmarshal(value, &a); err != nil {
			t.Fatal(err)
		}
		return &a
	}
	dec, err := ocf.NewDecoder(bytes.NewReader(value))
	if err != nil {
		t.Fatal(err)
	}
	if !dec.HasNext() {
		t.Fatalf("no alert in the container: %v", dec.Error())
	}
	if err := dec.Decode(&a); err != nil {
		t.Fatal(err)
	}
	return &a
}

func decodeAvro(t *testing.T, value []byte) schemas.Record { return parse(t, Avro, value).record(t) }
func decodeJSON(t *testing.T, value []byte) schemas.Record { return parse(t, JSON, value).record(t) }

func labelOf(t *testing.T, encoding Encoding, value []byte) string {
	a := parse(t, encoding, value)
	if a.Label == nil {
		t.Fatal("no label")
	}
	return *a.Label
}

func TestAlertsConform(t *testing.T) {
	for _, encoding := range []Encoding{Avro, JSON} {
		t.Run(string(encoding), func(t *testing.T) {
			sinktest.Run(t, sinktest.Harness{
				New: func(t *testing.T, m *schemas.ModelInfo) sinktest.Backend { return newTopic(t, m, encoding) },
				Features: sinktest.Features{
					Remembers: sinktest.Process, Appends: true, Fields: sinktest.Position,
				},
			})
		})
	}
}

func TestFilter(t *testing.T) {
	m := sinktest.Model(0)
	b := newTopic(t, m, Avro)
	b.cfg.Labels, b.cfg.MinProbability = []string{"merger"}, 0.5
	s := open(t, b.cfg)
	batch := sinktest.Batch(m, 0, 200)
	var report sink.Report
	if err := s.Write(t.Context(), batch, &report); err != nil {
		t.Fatal(err)
	}
	if report.Written != 200 {
		t.Fatalf("%d records counted as written, want all 200", report.Written)
	}
	var want []schemas.Record
	for _, r := range batch.Records {
		if m.Classes[r.Label] == "merger" && r.Probability >= 0.5 {
			want = append(want, r)
		}
	}
	if len(want) == 0 || len(want) == 200 {
		t.Fatalf("%d of 200 records pass the filter: the test shows nothing", len(want))
	}
	sinktest.CheckRecords(t, b.Read(t), want, sinktest.Position)
}

func TestOneObjectStaysInOrderOnOnePartition(t *testing.T) {
	m := sinktest.Model(0)
	b := newTopic(t, m, Avro)
	s := open(t, b.cfg)
	batch := sinktest.Batch(m, 0, 300)
	for i := range batch.Records {
		r := &batch.Records[i]
		r.ObjectID = fmt.Appendf(nil, "object-%d", i%10)
		r.ID = schemas.MakeRecordID(r.Survey, r.ObjectID, r.ObservationID, m.Hash)
	}
	var report sink.Report
	if err := s.Write(t.Context(), batch, &report); err != nil {
		t.Fatal(err)
	}
	order := map[string][]string{}
	partition := map[string]int32{}
	for _, msg := range b.messages(t) {
		key := string(msg.Key)
		if p, ok := partition[key]; ok && p != msg.Partition {
			t.Fatalf("%s is on partitions %d and %d", key, p, msg.Partition)
		}
		partition[key] = msg.Partition
		order[key] = append(order[key], parse(t, Avro, msg.Value).ObservationID)
	}
	for key, ids := range order {
		if len(ids) != 30 || !slices.IsSorted(ids) {
			t.Fatalf("%s: observations %v, want 30 in order", key, ids)
		}
	}
}

func TestAlertThatIsTooLargeIsRefusedAlone(t *testing.T) {
	m := sinktest.Model(0)
	b := newTopic(t, m, Avro)
	s := open(t, b.cfg)
	batch := sinktest.Batch(m, 0, 5)
	batch.Records[2].ObservationID = bytes.Repeat([]byte("x"), DefaultMaxMessageBytes)
	var report sink.Report
	var rejected *sink.RejectedError
	if err := s.Write(t.Context(), batch, &report); !errors.As(err, &rejected) || len(rejected.Rejects) != 1 || rejected.Rejects[0].Index != 2 {
		t.Fatalf("error %v, want record 2 refused", err)
	}
	if f := schemas.AsFault(rejected.Rejects[0].Err); f == nil || f.Reason != schemas.ReasonTooLarge {
		t.Fatalf("cause %v, want a Fault with reason too_large", rejected.Rejects[0].Err)
	}
	if n := b.ends(t); n != 4 || report.Written != 4 {
		t.Fatalf("%d messages on the topic and %d reported, want 4", n, report.Written)
	}
}

func TestBrokerAwayIsRetryable(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "alerts"))
	if err != nil {
		t.Fatal(err)
	}
	m := sinktest.Model(0)
	s := open(t, Config{Brokers: cluster.ListenAddrs(), Topic: "alerts"})
	cluster.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var report sink.Report
	err = s.Write(ctx, sinktest.Batch(m, 0, 3), &report)
	if !sink.Retryable(err) {
		t.Fatalf("error %v, want one that can be retried", err)
	}
}

func TestOnePassingFailureMakesTheBatchRetryable(t *testing.T) {
	each := kafka.WriteErrors{nil, kafka.MessageSizeTooLarge, kafka.MessageSizeTooLarge}
	if err := classify(each); sink.Retryable(err) || !errors.Is(err, kafka.MessageSizeTooLarge) {
		t.Fatalf("error %v, want a permanent one", err)
	}
	each[2] = kafka.NotEnoughReplicas
	if err := classify(each); !sink.Retryable(err) || !errors.Is(err, kafka.NotEnoughReplicas) {
		t.Fatalf("error %v, want a transient one: the rest may still pass", err)
	}
}

func TestConfigListsEveryFault(t *testing.T) {
	err := Config{
		Encoding: "xml", MinProbability: float32(math.NaN()), Labels: []string{""}, MaxMessageBytes: -1, Horizon: -1, Compression: "zip",
	}.Validate()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 8 {
		t.Fatalf("faults: %v, want eight", err)
	}
	if err := (Config{Brokers: []string{"localhost:9092"}, Topic: "alerts"}).Validate(); err != nil {
		t.Fatalf("defaults: %v", err)
	}
}
