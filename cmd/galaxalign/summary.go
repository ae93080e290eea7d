package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/cmd/internal/pipeline"
)

// errUnbalanced means that some fetched message is not accounted for. It should be impossible.
var errUnbalanced = errors.New("the account does not balance: received is not written + duplicates + quarantined + given back")

// printSummary prints the account of a run, and returns errUnbalanced when it does not add up.
func printSummary(w io.Writer, cfg *config.Config, p *pipeline.Pipeline, took time.Duration) error {
	s := p.Snapshot()
	fmt.Fprintf(w, "\nran %s\n", took.Round(time.Millisecond))
	row := func(name string, n int64, note string) { fmt.Fprintf(w, "  %-12s %10d  %s\n", name, n, note) }
	row("received", s.Fetched, fmt.Sprintf("%.1f MB, %.0f a second", float64(s.Bytes)/1e6, float64(s.Fetched)/took.Seconds()))
	row("written", s.Written, "")
	row("duplicates", s.Duplicates, "")
	row("quarantined", s.Quarantined, reasons(s))
	if s.GivenBack > 0 {
		row("given back", s.GivenBack, "will be read again by the next run")
	}
	if s.FromPublication.Count > 0 {
		fmt.Fprintf(w, "  latency      from publication to durable: p50 %s, p99 %s\n", shown(s.FromPublication.P50), shown(s.FromPublication.P99))
	}
	if s.FromFetch.Count > 0 {
		fmt.Fprintf(w, "               from fetch to durable: p50 %s, p99 %s\n", shown(s.FromFetch.P50), shown(s.FromFetch.P99))
	}
	for _, place := range places(cfg) {
		fmt.Fprintf(w, "  %s\n", place)
	}
	if !s.Balanced() {
		return errUnbalanced
	}
	return nil
}

func shown(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// reasons lists why messages were quarantined, most frequent first.
func reasons(s pipeline.Snapshot) string {
	kinds := make([]pipeline.Refusal, 0, len(s.Reasons))
	for k := range s.Reasons {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b pipeline.Refusal) int {
		if d := s.Reasons[b] - s.Reasons[a]; d != 0 {
			return int(d)
		}
		return strings.Compare(string(a.Reason), string(b.Reason))
	})
	parts := make([]string, len(kinds))
	for i, k := range kinds {
		parts[i] = fmt.Sprintf("%d %s (%s)", s.Reasons[k], k.Reason, k.Stage)
	}
	return strings.Join(parts, ", ")
}

// places says where the output of a run is.
func places(cfg *config.Config) []string {
	var out []string
	add := func(name, where string) {
		if where != "" {
			out = append(out, fmt.Sprintf("%-12s %s", name, where))
		}
	}
	add("arrow", cfg.Sinks.Arrow.Dir)
	add("parquet", cfg.Sinks.Parquet.Dir)
	add("index", cfg.Sinks.Index.Dir)
	if cfg.Sinks.Milvus.Address != "" {
		add("milvus", cfg.Sinks.Milvus.Address+", collection "+cfg.Sinks.Milvus.Collection+"_<model>")
	}
	add("alerts", cfg.Sinks.Alerts.Topic)
	add("dead letters", cfg.DeadLetters.Topic+cfg.DeadLetters.Dir)
	return out
}
