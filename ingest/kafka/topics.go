package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// Topic describes a topic to be created.
type Topic struct {
	Name              string
	Partitions        int               // default 1
	ReplicationFactor int               // default 1; use 3 in production
	Config            map[string]string // topic settings, "max.message.bytes" for one
}

// EnsureTopics creates the topics that do not exist and returns once every partition of each has a
// leader, so that a write right after succeeds. Existing topics are left as they are. It retries
// until ctx ends while the brokers cannot be reached or are electing; a topic the brokers refuse is an
// error at once.
func EnsureTopics(ctx context.Context, conn Connection, topics ...Topic) error {
	if err := conn.Validate(); err != nil {
		return err
	}
	cl, err := conn.newCluster(nil)
	if err != nil {
		return err
	}
	defer cl.close()
	cl.rt.MetadataTTL = 100 * time.Millisecond // leaders are waited for by looking at metadata
	var retry backoff
	for {
		err := cl.ensure(ctx, topics)
		if err == nil {
			return nil
		}
		var refused *refusedError
		if errors.As(err, &refused) || classify(err) == denied {
			return fmt.Errorf("kafka: ensure topics: %s: %w", cl.explain(err), err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("kafka: ensure topics: %s: %w", cl.explain(err), ctx.Err()) // explain names the cause
		}
		sleep(ctx, retry.next(20*time.Millisecond, time.Second))
	}
}

// refusedError is a broker's final word on the creation of a topic.
type refusedError struct {
	topic string
	err   error
}

func (e *refusedError) Error() string { return fmt.Sprintf("topic %s: %v", e.topic, e.err) }
func (e *refusedError) Unwrap() error { return e.err }

// ensure makes one attempt; an error that is not a *refusedError may pass.
func (c *cluster) ensure(ctx context.Context, topics []Topic) error {
	missing, err := c.missing(ctx, topics)
	if err != nil || len(missing) == 0 {
		return err
	}
	res, err := c.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: missing})
	if err != nil {
		return err
	}
	for topic, err := range res.Errors {
		var code kafka.Error
		switch {
		case err == nil || errors.Is(err, kafka.TopicAlreadyExists):
		case errors.As(err, &code) && code.Temporary():
			return err
		default:
			return &refusedError{topic, err}
		}
	}
	return errNotReady
}

var errNotReady = errors.New("partitions without a leader")

// missing returns the topics that do not exist, or errNotReady while one that does has a partition
// without a leader.
func (c *cluster) missing(ctx context.Context, topics []Topic) ([]kafka.TopicConfig, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchGrace)
	defer cancel()
	res, err := c.client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	var list []kafka.TopicConfig
	for _, t := range topics {
		i := slices.IndexFunc(res.Topics, func(m kafka.Topic) bool { return m.Name == t.Name })
		if i < 0 || errors.Is(res.Topics[i].Error, kafka.UnknownTopicOrPartition) {
			list = append(list, t.config())
			continue
		}
		for _, p := range res.Topics[i].Partitions {
			if p.Leader.Host == "" {
				err = errNotReady
			}
		}
	}
	return list, err
}

func (t Topic) config() kafka.TopicConfig {
	setDefault(&t.Partitions, 1)
	setDefault(&t.ReplicationFactor, 1)
	c := kafka.TopicConfig{Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: t.ReplicationFactor}
	for _, k := range slices.Sorted(maps.Keys(t.Config)) {
		c.ConfigEntries = append(c.ConfigEntries, kafka.ConfigEntry{ConfigName: k, ConfigValue: t.Config[k]})
	}
	return c
}
