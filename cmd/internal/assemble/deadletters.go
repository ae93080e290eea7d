package assemble

import (
	"context"
	"fmt"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/archive"
	"github.com/galaxalign/galaxalign/ingest/kafka"
)

// OpenDeadLetters opens the dead letters of a configuration: a topic on the source's brokers or a folder.
func OpenDeadLetters(cfg *config.Config) (ingest.DeadLetters, error) {
	if cfg.DeadLetters.Dir != "" {
		folder, err := archive.NewDeadLetterFolder(cfg.DeadLetters.Dir)
		if err != nil {
			return nil, fmt.Errorf("dead_letters.dir: %w", err)
		}
		return folder, nil
	}
	k := &cfg.Source.Kafka
	topic, err := kafka.NewDeadLetters(kafka.DeadLettersConfig{Connection: Connection(k, k.Brokers), Topic: cfg.DeadLetters.Topic})
	if err != nil {
		return nil, fmt.Errorf("dead_letters.topic: %w", err)
	}
	return topic, nil
}

// EnsureOutputTopics makes the topics that a run writes to where the brokers allow it.
func EnsureOutputTopics(ctx context.Context, cfg *config.Config) error {
	k := &cfg.Source.Kafka
	var topics []kafka.Topic
	if cfg.DeadLetters.Topic != "" {
		topics = append(topics, kafka.Topic{Name: cfg.DeadLetters.Topic, Partitions: 1})
	}
	if a := cfg.Sinks.Alerts; a.Topic != "" && len(a.Brokers) == 0 {
		topics = append(topics, kafka.Topic{Name: a.Topic, Partitions: 4})
	}
	if len(topics) == 0 {
		return nil
	}
	return kafka.EnsureTopics(ctx, Connection(k, k.Brokers), topics...)
}
