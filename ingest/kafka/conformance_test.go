package kafka

import (
	"fmt"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/sourcetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	sourcetest.Run(t, harness(broker(t)))
}

// harness makes topics with fresh names on one cluster.
func harness(conn Connection) sourcetest.Harness {
	topics := 0
	return sourcetest.Harness{
		Redelivers: true,
		Setup: func(t *testing.T, spec sourcetest.Spec) func(*testing.T) ingest.Source {
			topics++
			topic := uniqueName(t, fmt.Sprint("conform", topics))
			ensureTopic(t, conn, Topic{Name: topic, Partitions: spec.Partitions})
			list := make([]Message, len(spec.Values))
			for i, v := range spec.Values {
				list[i] = Message{Key: fmt.Append(nil, i), Value: v}
			}
			produceMessages(t, conn, topic, list)
			cfg := config(conn, topic, topic)
			cfg.WindowMessages = spec.Window
			return func(t *testing.T) ingest.Source { return open(t, cfg) }
		},
	}
}
