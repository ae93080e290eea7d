package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
)

// committer makes the committable offsets of one generation's partitions durable. Every request carries
// the generation and member, so the group refuses it once the partitions are someone else's.
type committer struct {
	source     *Source
	generation int
	member     string
	fetchers   []*fetcher
}

// Limits of one commit request, and of the attempts before a partition is let go. A rebalance waits for
// them, so they stay well below the rebalance timeout.
const (
	commitTimeout = 5 * time.Second
	lastTimeout   = 8 * time.Second
)

// due is one partition's offset to commit.
type due struct {
	fetcher *fetcher
	tenure  *tenure // the commit is booked only while this is the partition's tenure
	offset  offsetcommit.RequestPartition
}

// commit sends what has become committable since the last commit that succeeded; a failed one is repeated
// with the next. It returns the class of the failure, or transient.
func (c *committer) commit(ctx context.Context) class {
	_, class := c.try(ctx)
	return class
}

// last commits before the partitions are let go, trying until it succeeds, the group refuses it for good,
// or time is up.
func (c *committer) last(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastTimeout)
	defer cancel()
	var retry backoff
	for ctx.Err() == nil {
		done, class := c.try(ctx)
		if done || class == fenced {
			return
		}
		retry.pause(ctx, class)
	}
}

// try sends one request; done says that nothing is left to commit.
func (c *committer) try(ctx context.Context) (done bool, _ class) {
	list := c.due()
	if len(list) == 0 {
		return true, transient
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	err := c.send(ctx, list)
	if err == nil {
		c.source.stats.Commits.Add(1)
		return true, transient
	}
	if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		c.source.stats.CommitErrors.Add(1)
		c.source.log.WarnContext(ctx, "kafka commit failed; it is repeated with the next", "error", err)
	}
	return false, classify(err)
}

// due lists the partitions whose committable offset is above the committed one.
func (c *committer) due() []due {
	var list []due
	for _, f := range c.fetchers {
		f.account.mu.Lock()
		if t := f.tenure; t != nil {
			if offset := t.window.Committable(); offset > f.account.progress.Committed {
				list = append(list, due{f, t, offsetcommit.RequestPartition{
					PartitionIndex: f.partition, CommittedOffset: offset, CommittedLeaderEpoch: -1,
				}})
			}
		}
		f.account.mu.Unlock()
	}
	return list
}

// send commits the list and books the partitions the group accepted. It returns the first refusal.
func (c *committer) send(ctx context.Context, list []due) error {
	req := &offsetcommit.Request{
		GroupID: c.source.cfg.Group, GenerationID: int32(c.generation), MemberID: c.member,
		RetentionTimeMs: -1, // the broker's; kafka-go's Client asks for one day
	}
	byTopic := map[string]int{}
	for _, d := range list {
		i, ok := byTopic[d.fetcher.topic]
		if !ok {
			i = len(req.Topics)
			byTopic[d.fetcher.topic] = i
			req.Topics = append(req.Topics, offsetcommit.RequestTopic{Name: d.fetcher.topic})
		}
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, d.offset)
	}
	m, err := c.source.cluster.rt.RoundTrip(ctx, c.source.cluster.addr, req)
	if err != nil {
		return err
	}
	refused := map[partitionKey]error{}
	for _, t := range m.(*offsetcommit.Response).Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				refused[partitionKey{t.Name, p.PartitionIndex}] = kafka.Error(p.ErrorCode)
			}
		}
	}
	for _, d := range list {
		if e := refused[partitionKey{d.fetcher.topic, d.offset.PartitionIndex}]; e != nil {
			err = e
			continue
		}
		d.book()
	}
	return err
}

// book records that the group has the offset. After an offset reset the partition's numbers may begin
// again lower, and a commit from before must not hold up those from after.
func (d due) book() {
	d.fetcher.account.set(func(p *ingest.Progress) {
		if d.fetcher.tenure == d.tenure {
			p.Committed = max(p.Committed, d.offset.CommittedOffset)
		}
	})
}
