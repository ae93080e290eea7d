package pipeline

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latency measures how long messages take to become durable, from two starting points.
type latency struct {
	mu        sync.Mutex
	published *hdrhistogram.Histogram // from the producer's timestamp
	fetched   *hdrhistogram.Histogram // from this process receiving it
}

// Histograms span 1 microsecond to 1 hour at two significant digits (20 kB each); longer waits, such as
// replays of old nights, count as an hour.
const longest = time.Hour

func newLatency() latency {
	empty := func() *hdrhistogram.Histogram { return hdrhistogram.New(1, longest.Microseconds(), 2) }
	return latency{published: empty(), fetched: empty()}
}

func (l *latency) observe(durable, published, fetched time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	record(l.published, durable, published)
	record(l.fetched, durable, fetched)
}

// record ignores unknown starts and clamps skewed clocks to the range of the histogram.
func record(h *hdrhistogram.Histogram, end, start time.Time) {
	if start.IsZero() {
		return
	}
	us := min(max(end.Sub(start).Microseconds(), 1), longest.Microseconds())
	_ = h.RecordValue(us) // cannot fail: the value was brought into range
}

// Latency is a summary of how long messages took to become durable.
type Latency struct {
	Count         int64
	P50, P99, Max time.Duration
}

func summarise(h *hdrhistogram.Histogram) Latency {
	us := func(v int64) time.Duration { return time.Duration(v) * time.Microsecond }
	return Latency{Count: h.TotalCount(), P50: us(h.ValueAtQuantile(50)), P99: us(h.ValueAtQuantile(99)), Max: us(h.Max())}
}

// summary returns the latencies from publication and from fetch.
func (l *latency) summary() (published, fetched Latency) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return summarise(l.published), summarise(l.fetched)
}
