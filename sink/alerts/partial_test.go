package alerts

import (
	"bytes"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// The Kafka protocol's numbers: key of a produce request and two of its error codes.
const (
	produceKey         = 0
	codeTooLarge       = 10
	codeNotEnoughReply = 19
)

// failPartition makes the broker answer produce requests for one partition with an error code for as
// long as fail says so.
func failPartition(cluster *kfake.Cluster, partition int32, code int16, fail func(records []byte) bool) {
	cluster.ControlKey(produceKey, func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		r := request.(*kmsg.ProduceRequest)
		for _, topic := range r.Topics {
			for _, p := range topic.Partitions {
				if p.Partition != partition || !fail(p.Records) {
					return nil, nil, false
				}
			}
		}
		response := r.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range r.Topics {
			t := kmsg.NewProduceResponseTopic()
			t.Topic, t.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				answer := kmsg.NewProduceResponseTopicPartition()
				answer.Partition, answer.ErrorCode = p.Partition, code
				t.Partitions = append(t.Partitions, answer)
			}
			response.Topics = append(response.Topics, t)
		}
		return response, nil, true
	})
}

func newFailingTopic(t *testing.T, m *schemas.ModelInfo) (*topic, *kfake.Cluster) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "alerts"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return &topic{cfg: Config{Brokers: cluster.ListenAddrs(), Topic: "alerts", Encoding: Avro}, model: m}, cluster
}

// TestWhatOnePartitionTookIsNotSentAgain has one partition fail at first: the retry of the fan-out
// sends to that one alone.
func TestWhatOnePartitionTookIsNotSentAgain(t *testing.T) {
	m := sinktest.Model(0)
	b, cluster := newFailingTopic(t, m)
	var failures atomic.Int32
	failures.Store(4) // one more than the writer tries by itself
	failPartition(cluster, 1, codeNotEnoughReply, func([]byte) bool { return failures.Add(-1) >= 0 })
	f, err := sink.NewFanout(sink.FanoutConfig{MinBackoff: 1, MaxBackoff: 1}, open(t, b.cfg))
	if err != nil {
		t.Fatal(err)
	}
	var result sink.Result
	if err := f.Write(t.Context(), sinktest.Batch(m, 0, 60), &result); err != nil {
		t.Fatal(err)
	}
	if n := failures.Load(); n >= 0 {
		t.Fatalf("%d failures were not asked for", n+1)
	}
	if f.States()[0].Retries == 0 {
		t.Fatal("the fan-out had nothing to retry: the test shows nothing")
	}
	sinktest.CheckRecords(t, b.Read(t), sinktest.Records(m, 0, 60), sinktest.Position)
}

// TestBrokerRefusalIsNarrowedToTheRecord has the broker refuse every request that holds one message.
func TestBrokerRefusalIsNarrowedToTheRecord(t *testing.T) {
	m := sinktest.Model(0)
	b, cluster := newFailingTopic(t, m)
	batch := sinktest.Batch(m, 0, 30)
	marked := batch.Records[17].ID.String()
	for p := range int32(partitions) {
		failPartition(cluster, p, codeTooLarge, func(records []byte) bool { return bytes.Contains(records, []byte(marked)) })
	}
	b.cfg.Compression = "none"
	f, err := sink.NewFanout(sink.FanoutConfig{}, open(t, b.cfg))
	if err != nil {
		t.Fatal(err)
	}
	var result sink.Result
	if err := f.Write(t.Context(), batch, &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Rejections) != 1 || result.Rejections[0].Index != 17 {
		t.Fatalf("rejections %+v, want record 17", result.Rejections)
	}
	want := append(sinktest.Records(m, 0, 17), sinktest.Records(m, 18, 12)...)
	sinktest.CheckRecords(t, b.Read(t), want, sinktest.Position)
}
