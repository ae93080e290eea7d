package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// topics returns the number of partitions of each of the named topics that exists and may be seen. The answer is as old
// as the transport's metadata. The error is why no broker has answered yet.
func (c *cluster) topics(ctx context.Context, names []string) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchGrace)
	defer cancel()
	res, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: names})
	if err != nil {
		return nil, err
	}
	found := make(map[string]int, len(res.Topics))
	for _, t := range res.Topics {
		switch {
		case t.Error == nil && len(t.Partitions) > 0:
			found[t.Name] = len(t.Partitions)
		case t.Error != nil && !isAbsent(t.Error):
			return nil, fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
	}
	return found, nil
}

// isAbsent says whether a topic's error means that this topic cannot be read now, while others can.
func isAbsent(err error) bool {
	return errors.Is(err, kafka.UnknownTopicOrPartition) || errors.Is(err, kafka.TopicAuthorizationFailed) ||
		errors.Is(err, kafka.LeaderNotAvailable) || errors.Is(err, kafka.InvalidTopic)
}

// endOffset returns the first offset of a partition that is kept (where is kafka.FirstOffset) or the one
// the next record will get (kafka.LastOffset).
func (c *cluster) endOffset(ctx context.Context, topic string, partition int32, where int64) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchGrace)
	defer cancel()
	res, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {{Partition: int(partition), Timestamp: where}}},
	})
	if err != nil {
		return 0, err
	}
	if len(res.Topics[topic]) == 0 {
		return 0, fmt.Errorf("offsets of %s/%d: empty answer", topic, partition)
	}
	p := res.Topics[topic][0]
	if p.Error != nil {
		return 0, p.Error
	}
	if where == kafka.LastOffset {
		return p.LastOffset, nil
	}
	return p.FirstOffset, nil
}
