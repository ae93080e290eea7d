package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/segmentio/kafka-go"
)

// run keeps this process a member of its group until soft ends. Each turn joins with the topics that exist
// now: kafka-go assigns nothing at all while one of the topics it was given is missing, and asks for
// generation after generation without a pause.
func (s *Source) run(soft, hard context.Context) {
	defer close(s.done)
	var retry backoff
	for soft.Err() == nil {
		counts, err := s.cluster.topics(soft, s.cfg.Topics)
		if soft.Err() != nil {
			return
		}
		s.noteTopics(soft, counts, err)
		if err != nil || len(counts) == 0 {
			c := transient
			if err != nil {
				c = classify(err)
			}
			retry.pause(soft, c)
			continue
		}
		retry.reset()
		if err := s.member(soft, hard, counts); err != nil {
			s.topicFaults(soft, s.cfg.Topics, "joining the group: "+s.cluster.explain(err))
			retry.pause(soft, denied)
		}
	}
}

// noteTopics shows which topics are missing, or why none could be looked up.
func (s *Source) noteTopics(ctx context.Context, counts map[string]int, err error) {
	if err != nil {
		s.topicFaults(ctx, s.cfg.Topics, s.cluster.explain(err))
		return
	}
	for _, t := range s.cfg.Topics {
		text := ""
		if counts[t] == 0 {
			text = fmt.Sprintf("topic %q does not exist, or this user may not see it; looking again every few seconds", t)
		}
		s.topicFaults(ctx, []string{t}, text)
	}
}

// topicFaults sets the fault of whole topics and logs it when it is new.
func (s *Source) topicFaults(ctx context.Context, topics []string, text string) {
	changed := false
	for _, t := range topics {
		s.account(t, -1).set(func(p *ingest.Progress) {
			changed = changed || p.Fault != text
			p.Fault = text
		})
	}
	if changed && text != "" {
		s.log.WarnContext(ctx, "kafka topics are not being read", "topics", topics, "fault", text)
	}
}

// member joins the group with the topics of counts and serves its generations until soft ends or the set
// of existing topics changes.
func (s *Source) member(soft, hard context.Context, counts map[string]int) error {
	topics := slices.Sorted(maps.Keys(counts))
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: s.cfg.Group, Brokers: s.cfg.Brokers, Dialer: s.cluster.dialer, Topics: topics,
		HeartbeatInterval: s.cfg.SessionTimeout / 8, SessionTimeout: s.cfg.SessionTimeout,
		RebalanceTimeout: s.cfg.RebalanceTimeout, JoinGroupBackoff: s.cfg.JoinGroupBackoff,
		StartOffset: s.cfg.startOffset(), Timeout: s.cfg.DialTimeout,
	})
	if err != nil {
		return err
	}
	defer group.Close()
	var retry backoff
	for soft.Err() == nil {
		gen, err := group.Next(soft)
		if soft.Err() != nil {
			return nil
		}
		if err != nil {
			s.joinFailed(soft, topics, err, &retry)
			continue
		}
		retry.reset()
		s.topicFaults(soft, topics, "")
		s.stats.Generations.Add(1)
		seen := make(chan map[string]int, 1)
		gen.Start(func(ctx context.Context) { seen <- s.serve(ctx, soft, hard, gen, counts) })
		counts = <-seen
		if !slices.Equal(slices.Sorted(maps.Keys(counts)), topics) {
			return nil
		}
	}
	return nil
}

// joinFailed shows why no generation came. The group's own pause is JoinGroupBackoff; what is added here
// makes repeated failures rarer, those that wait for a person most of all.
func (s *Source) joinFailed(ctx context.Context, topics []string, err error, retry *backoff) {
	if classify(err) == fenced || retryAtOnce(err) {
		return
	}
	s.topicFaults(ctx, topics, "joining the group: "+s.cluster.explain(err))
	if c := classify(err); c == denied {
		retry.pause(ctx, c)
		return
	}
	sleep(ctx, retry.next(s.cfg.JoinGroupBackoff, joinLast))
}

// joinLast is the longest pause between attempts to join.
const joinLast = 2 * time.Second

// serve reads the generation's partitions until the group calls for a rebalance, soft ends, this member
// is found to be fenced, or topics or partitions appear or vanish. It returns what exists then. Before
// it returns it commits once more, and ends the tenures: what is still in flight is given back.
func (s *Source) serve(gen, soft, hard context.Context, g *kafka.Generation, counts map[string]int) map[string]int {
	ctx, cancel := context.WithCancel(gen)
	defer cancel()
	defer context.AfterFunc(soft, cancel)()
	fetchers := s.assign(g)
	var wg sync.WaitGroup
	for f, start := range fetchers {
		wg.Go(func() { f.run(ctx, start) })
	}
	c := &committer{source: s, generation: g, fetchers: slices.Collect(maps.Keys(fetchers))}
	counts = s.watch(ctx, c, counts)
	cancel()
	wg.Wait()
	c.last(hard)
	for f := range fetchers {
		f.close(soft.Err() == nil)
	}
	return counts
}

// assign makes a fetcher for each partition of the generation, with the offset to start at.
func (s *Source) assign(g *kafka.Generation) map[*fetcher]int64 {
	fetchers := map[*fetcher]int64{}
	for topic, list := range g.Assignments {
		for _, a := range list {
			f := &fetcher{
				cfg: &s.cfg, cluster: s.cluster, log: s.log, stats: &s.stats, slabs: &s.slabs, out: s.out,
				account: s.account(topic, int32(a.ID)), topic: topic, partition: int32(a.ID),
			}
			f.account.set(func(p *ingest.Progress) {
				p.Committed, p.Fault = max(-1, a.Offset), "" // below 0 the offset is a sentinel
			})
			fetchers[f] = a.Offset
		}
	}
	s.slabs.setLimit(int64(len(fetchers)) * (s.cfg.WindowBytes + int64(s.cfg.MaxBytes)))
	return fetchers
}

// watch commits on a timer and looks for new topics and partitions, until ctx ends or something calls for
// a new generation.
func (s *Source) watch(ctx context.Context, c *committer, counts map[string]int) map[string]int {
	commit := time.NewTicker(s.cfg.CommitInterval)
	defer commit.Stop()
	poll := time.NewTicker(s.cfg.TopicPoll)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return counts
		case <-commit.C:
			if c.commit(ctx) == fenced {
				return counts
			}
		case <-poll.C:
			now, err := s.cluster.topics(ctx, s.cfg.Topics)
			if err != nil {
				continue // the fetchers meet the same error and show it
			}
			s.noteTopics(ctx, now, nil)
			if !maps.Equal(now, counts) {
				s.log.InfoContext(ctx, "kafka topics changed: rejoining the group", "partitions", now)
				return now
			}
		}
	}
}
