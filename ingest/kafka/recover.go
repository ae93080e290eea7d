package kafka

import (
	"context"
	"fmt"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/segmentio/kafka-go"
)

// healthy clears the fault after a fetch that worked. The note of an offset reset stays until a commit has
// gone past it, so that it is seen.
func (f *fetcher) healthy() {
	f.retry.reset()
	f.account.set(func(p *ingest.Progress) {
		if p.Fault != "" && p.Committed >= f.resetAt {
			p.Fault = ""
		}
	})
}

// fail shows err as the partition's fault.
func (f *fetcher) fail(ctx context.Context, err error) {
	f.show(ctx, f.cluster.explain(err))
}

// show sets the fault's text and logs it when it is new.
func (f *fetcher) show(ctx context.Context, text string) {
	isNew := false
	f.account.set(func(p *ingest.Progress) {
		isNew = p.Fault != text
		p.Fault = text
	})
	if isNew {
		f.log.WarnContext(ctx, "kafka partition is not being read", "topic", f.topic, "partition", f.partition, "offset", f.next, "fault", text)
	}
}

// recover meets an error of a fetch: begin again elsewhere when the offset is gone, else wait.
func (f *fetcher) recover(ctx context.Context, err error) {
	f.stats.FetchErrors.Add(1)
	c := classify(err)
	if c == outOfRange {
		f.resume(ctx)
		return
	}
	f.fail(ctx, f.cause(ctx, err))
	f.retry.pause(ctx, c)
}

// cause looks behind "topic not found": that is also what the transport says while it has never reached a
// broker, and then its metadata holds the real error.
func (f *fetcher) cause(ctx context.Context, err error) error {
	if _, metaErr := f.cluster.topics(ctx, []string{f.topic}); metaErr != nil {
		return metaErr
	}
	return err
}

// resume begins again where the configuration says, after the wanted offset turned out not to be in the
// log: deleted by retention before it was read, or cut off with a lost leader. It is never silent.
func (f *fetcher) resume(ctx context.Context) {
	lost := f.next
	f.stats.OffsetResets.Add(1)
	if !f.seek(ctx, f.cfg.startOffset()) {
		return
	}
	f.resetAt = f.next + 1
	f.show(ctx, fmt.Sprintf("offset %d is not in the log any more (deleted by retention, or the topic was made anew): reading on at %d, the %s one; what lay between was not read",
		lost, f.next, f.cfg.StartAt))
	f.account.end(f.tenure)
	f.replace(f.next, func(p *ingest.Progress) { p.Committed = -1 })
}

// seek sets f.next to the first or last offset of the partition, trying until ctx ends.
func (f *fetcher) seek(ctx context.Context, where int64) bool {
	for ctx.Err() == nil {
		offset, err := f.cluster.endOffset(ctx, f.topic, f.partition, where)
		if err == nil {
			f.next = offset
			f.retry.reset()
			return true
		}
		if ctx.Err() == nil {
			f.stats.FetchErrors.Add(1)
			f.fail(ctx, f.cause(ctx, err))
			f.retry.pause(ctx, classify(err))
		}
	}
	return false
}

// startOffset is the sentinel of the configured start.
func (c *Config) startOffset() int64 {
	if c.StartAt == Latest {
		return kafka.LastOffset
	}
	return kafka.FirstOffset
}
