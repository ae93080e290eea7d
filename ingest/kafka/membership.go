package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/segmentio/kafka-go"
)

// run keeps this process a member of its group until soft ends, then leaves it.
func (s *Source) run(soft, hard context.Context) {
	defer close(s.done)
	g := &group{cfg: &s.cfg, cluster: s.cluster}
	defer g.leave(hard)
	var retry backoff
	for soft.Err() == nil {
		gen, err := g.join(soft)
		if soft.Err() != nil {
			return
		}
		if err != nil {
			s.joinFailed(soft, err, &retry)
			continue
		}
		retry.reset()
		s.topicFaults(soft, s.cfg.Topics, "")
		s.stats.Generations.Add(1)
		s.serve(soft, hard, g, gen)
	}
}

// joinFailed shows why there is no generation and waits before the next attempt: longest when it waits for
// a person, not at all for an ordinary step of the protocol, which the broker paces itself.
func (s *Source) joinFailed(ctx context.Context, err error, retry *backoff) {
	if errors.Is(err, kafka.RebalanceInProgress) {
		return
	}
	s.topicFaults(ctx, s.cfg.Topics, "joining the group: "+s.cluster.explain(err))
	if c := classify(err); c == denied {
		retry.pause(ctx, c)
		return
	}
	sleep(ctx, retry.next(s.cfg.JoinGroupBackoff, joinLast))
}

// joinLast is the longest pause between attempts to join.
const joinLast = 2 * time.Second

// noteTopics shows which topics are missing.
func (s *Source) noteTopics(ctx context.Context, counts map[string]int) {
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

// serve reads the generation's partitions until the group calls for a rebalance, soft ends, this member
// is found to be fenced, or it leads the group and topics or partitions appear or vanish. Before it
// returns it commits once more, and ends the tenures: what is still in flight is given back.
func (s *Source) serve(soft, hard context.Context, g *group, gen *generation) {
	ctx, cancel := context.WithCancel(soft)
	defer cancel()
	fetchers := s.assign(gen)
	var wg sync.WaitGroup
	for f, start := range fetchers {
		wg.Go(func() { f.run(ctx, start) })
	}
	wg.Go(func() {
		defer cancel()
		s.heartbeats(ctx, g, gen)
	})
	c := &committer{source: s, generation: gen.id, member: g.member, fetchers: slices.Collect(maps.Keys(fetchers))}
	s.watch(ctx, c, gen)
	cancel()
	wg.Wait()
	c.last(hard)
	for f := range fetchers {
		f.close(soft.Err() == nil)
	}
}

// assign makes a fetcher for each partition of the generation, with the offset to start at.
func (s *Source) assign(gen *generation) map[*fetcher]int64 {
	fetchers := map[*fetcher]int64{}
	for key, offset := range gen.offsets {
		f := &fetcher{
			cfg: &s.cfg, cluster: s.cluster, log: s.log, stats: &s.stats, slabs: &s.slabs, out: s.out,
			account: s.account(key.topic, key.partition), topic: key.topic, partition: key.partition,
		}
		f.account.set(func(p *ingest.Progress) { p.Committed, p.Fault = offset, "" })
		fetchers[f] = offset
		if offset < 0 {
			fetchers[f] = s.cfg.startOffset()
		}
	}
	s.slabs.setLimit(int64(len(fetchers)) * (s.cfg.WindowBytes + int64(s.cfg.MaxBytes)))
	return fetchers
}

// heartbeats keeps the membership alive and returns when the generation is over. While the coordinator
// cannot be reached it goes on trying, and the fetchers go on reading: if the group has meanwhile given the
// partitions to others, its refusal of the commits makes the repeated work harmless.
func (s *Source) heartbeats(ctx context.Context, g *group, gen *generation) {
	tick := time.NewTicker(s.cfg.SessionTimeout / 8)
	defer tick.Stop()
	failing := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := g.heartbeat(ctx, gen)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failing = time.Time{}
		case errors.Is(err, kafka.RebalanceInProgress), classify(err) == fenced:
			return
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) > s.cfg.SessionTimeout:
			s.topicFaults(ctx, s.cfg.Topics, "no contact to the group's coordinator: "+s.cluster.explain(err))
		}
	}
}

// watch commits on a timer and looks for topics and partitions that appear or vanish, until ctx ends or
// something calls for a new generation.
func (s *Source) watch(ctx context.Context, c *committer, gen *generation) {
	commit := time.NewTicker(s.cfg.CommitInterval)
	defer commit.Stop()
	poll := time.NewTicker(s.cfg.TopicPoll)
	defer poll.Stop()
	if gen.leader {
		s.noteTopics(ctx, gen.counts)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-commit.C:
			if c.commit(ctx) == fenced {
				return
			}
		case <-poll.C:
			now, err := s.cluster.topics(ctx, s.cfg.Topics)
			if err != nil {
				continue // the fetchers meet the same error and show it
			}
			s.noteTopics(ctx, now)
			if gen.leader && s.changed(gen.counts, now) {
				s.log.InfoContext(ctx, "kafka topics changed: sharing the partitions out anew", "partitions", now)
				return
			}
		}
	}
}

// changed says whether one of this source's topics has another number of partitions now.
func (s *Source) changed(before, now map[string]int) bool {
	return slices.ContainsFunc(s.cfg.Topics, func(t string) bool { return before[t] != now[t] })
}
