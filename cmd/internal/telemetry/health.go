package telemetry

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Register adds /metrics, /healthz and /readyz to mux. Liveness answers 200 while the process can
// answer at all; readiness answers 200 when nothing is being retried, else 503 with one sentence a
// trouble.
func Register(mux *http.ServeMux, run Run) error {
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		NewCollector(run), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if troubles := Troubles(run); len(troubles) > 0 {
			http.Error(w, strings.Join(troubles, "\n"), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return nil
}

// Troubles says in words what is being retried at the moment; none means that the run is ready.
func Troubles(run Run) []string {
	var out []string
	for _, p := range run.Progress() {
		if p.Fault != "" {
			out = append(out, fmt.Sprintf("source %s partition %d: %s", p.Topic, p.Partition, p.Fault))
		}
	}
	for _, s := range run.Sinks() {
		if !s.Healthy {
			out = append(out, fmt.Sprintf("sink %s: %s", s.Name, s.LastError))
		}
	}
	if fault := run.Snapshot().DeadLetterFault; fault != "" {
		out = append(out, "dead letters: "+fault)
	}
	return out
}
