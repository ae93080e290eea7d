package kafka

import (
	"bytes"
	"errors"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Responses as brokers send them: size, correlation id, then throttle time and error code. A kafka-go that
// reads them in the right order fails here, and heartbeatError has to follow.
func TestHeartbeatErrorOnTheWire(t *testing.T) {
	for _, c := range []struct {
		version int16
		body    []byte
		want    error
	}{
		{0, []byte{0, 27}, kafka.RebalanceInProgress},
		{3, []byte{0, 0, 0, 0, 0, 0}, nil},
		{3, []byte{0, 0, 0, 0, 0, 27}, kafka.RebalanceInProgress},
		{3, []byte{0, 0, 0, 100, 0, 0}, nil}, // throttled by 100 ms
		{3, []byte{0, 0, 0, 100, 0, 22}, kafka.IllegalGeneration},
	} {
		wire := append([]byte{0, 0, 0, byte(4 + len(c.body)), 0, 0, 0, 1}, c.body...)
		_, m, err := protocol.ReadResponse(bytes.NewReader(wire), protocol.Heartbeat, c.version)
		if err != nil {
			t.Fatal(err)
		}
		if err := heartbeatError(m); !errors.Is(err, c.want) {
			t.Errorf("version %d, % x: %v, want %v", c.version, c.body, err, c.want)
		}
	}
}

// The members of one group may read different topics; the leader shares out those of all.
func TestMembersReadDifferentTopics(t *testing.T) {
	t.Parallel()
	conn := broker(t)
	for _, topic := range []string{"one", "two"} {
		ensureTopic(t, conn, Topic{Name: topic})
		produce(t, conn, topic, "of "+topic)
	}
	a := open(t, config(conn, "g", "one"))
	readAll(t, a, "of one")
	b := open(t, config(conn, "g", "two"))
	readAll(t, b, "of two")
}
