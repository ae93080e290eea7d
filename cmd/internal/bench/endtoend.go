package bench

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/galaxalign/galaxalign/cmd/internal/assemble"
	"github.com/galaxalign/galaxalign/cmd/internal/pipeline"
)

// EndToEnd is what a run from Kafka to durable sinks took, commits included.
type EndToEnd struct {
	Cutouts       int64   `json:"cutouts"` // finished: written, duplicate or quarantined
	Written       int64   `json:"written"`
	Seconds       float64 `json:"seconds"` // from the first fetched message to the last durable one
	PerSecond     float64 `json:"per_second"`
	Cost                  // of this process, a cutout
	P50Millis     float64 `json:"p50_ms"` // from fetch to durable
	P99Millis     float64 `json:"p99_ms"`
	PeakMiB       float64 `json:"peak_rss_mib"`
	BatchFill     float64 `json:"batch_fill"`
	PublishedP50  float64 `json:"published_p50_ms"` // from publication to durable
	PublishedP99  float64 `json:"published_p99_ms"`
	StartupMillis float64 `json:"startup_ms"` // from the start to the first message: joining the group
}

// MeasureRun runs a pipeline until n messages are finished, or until ctx ends.
func MeasureRun(ctx context.Context, r *assemble.Run, n int64) (*EndToEnd, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	started := time.Now()
	var first, last usage
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		first = await(ctx, func() bool { return r.Pipeline.Snapshot().Fetched > 0 })
		last = await(ctx, func() bool { return finished(r.Pipeline.Snapshot()) >= n })
		stop()
	}()
	err := r.Pipeline.Run(ctx)
	stop()
	<-watched
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return report(r.Pipeline, started, first, last), nil
}

func finished(s pipeline.Snapshot) int64 { return s.Written + s.Duplicates + s.Quarantined }

// await polls every few milliseconds: the pipeline tells its account, not when it changes.
func await(ctx context.Context, done func() bool) usage {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return spent(unix.RUSAGE_SELF)
		case <-tick.C:
		}
	}
	return spent(unix.RUSAGE_SELF)
}

func report(p *pipeline.Pipeline, started time.Time, first, last usage) *EndToEnd {
	s := p.Snapshot()
	done := finished(s)
	took := last.at.Sub(first.at).Seconds()
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	out := &EndToEnd{
		Cutouts: done, Written: s.Written, Seconds: took, PerSecond: float64(done) / max(took, 1e-9),
		Cost:      last.costSince(first, int(done)),
		P50Millis: ms(s.FromFetch.P50), P99Millis: ms(s.FromFetch.P99),
		PublishedP50: ms(s.FromPublication.P50), PublishedP99: ms(s.FromPublication.P99),
		PeakMiB: peakMemory(), StartupMillis: ms(first.at.Sub(started)),
	}
	if b := p.Batching(); len(b) > 0 {
		out.BatchFill = b[0].FillRatio()
	}
	return out
}
