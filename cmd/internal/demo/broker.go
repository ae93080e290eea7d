package demo

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
)

// The topics of the demo.
const (
	Topic     = "cutouts"
	DeadTopic = "cutouts-dead"
)

const partitions = 4

// Broker is the embedded broker.
type Broker struct{ cluster *kfake.Cluster }

// StartBroker starts a broker on a free port of this machine that keeps its log in dir. Old messages are
// dropped beyond 256 MiB a partition (35 minutes at 60 cutouts of 124 kB a second), so that a demo left
// running does not fill the disk.
func StartBroker(dir string) (*Broker, error) {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.SeedTopics(partitions, Topic),
		kfake.SeedTopics(1, DeadTopic),
		kfake.DataDir(dir),
		kfake.BrokerConfigs(map[string]string{
			"log.retention.bytes":    "268435456",
			"log.segment.bytes":      "33554432",
			"log.cleaner.backoff.ms": "15000",
			"message.max.bytes":      "16777216",
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("demo: embedded broker: %w", err)
	}
	return &Broker{cluster}, nil
}

// Addresses are the host:port of the broker.
func (b *Broker) Addresses() []string { return b.cluster.ListenAddrs() }

// Close stops the broker.
func (b *Broker) Close() { b.cluster.Close() }
