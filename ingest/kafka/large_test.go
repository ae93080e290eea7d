package kafka

import (
	"bytes"
	"hash/crc32"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/twmb/franz-go/pkg/kfake"
)

// largeTopic allows messages of 8 MiB on brokers that do not by default.
func largeTopic(t *testing.T, conn Connection) string {
	topic := uniqueName(t, "large")
	ensureTopic(t, conn, Topic{Name: topic, Config: map[string]string{"max.message.bytes": "10485760"}})
	return topic
}

func TestLargeMessages(t *testing.T) {
	t.Parallel()
	testLargeMessages(t, broker(t, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "10485760"})))
}

// testLargeMessages sends messages of 8 MiB among small ones; fetches of 1 MiB bring them all, in order
// and unharmed.
func testLargeMessages(t *testing.T, conn Connection) {
	topic := largeTopic(t, conn)
	var list []Message
	var sums []uint32
	for i := range 9 {
		size := 100
		if i%3 == 1 {
			size = 8<<20 + i
		}
		value := bytes.Repeat([]byte{byte(i), 1, 2, byte(i), 5, 7, 11}, size/7+1)
		list = append(list, Message{Key: []byte("k"), Value: value})
		sums = append(sums, crc32.ChecksumIEEE(value))
	}
	produceMessages(t, conn, topic, list)
	s := open(t, config(conn, topic, topic))
	for i, m := range fetchN(t, s, len(list)) {
		if m.Origin.Offset != int64(i) || crc32.ChecksumIEEE(m.Value) != sums[i] {
			t.Errorf("message %d at %v has %d bytes and another checksum", i, m.Origin, len(m.Value))
		}
		m.Finish(ingest.Written)
	}
}
