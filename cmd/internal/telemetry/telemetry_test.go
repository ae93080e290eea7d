package telemetry

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/cmd/internal/pipeline"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

type fakeRun struct {
	snapshot pipeline.Snapshot
	progress []ingest.Progress
	sinks    []sink.State
}

func (f *fakeRun) Snapshot() pipeline.Snapshot { return f.snapshot }
func (f *fakeRun) Progress() []ingest.Progress { return f.progress }
func (f *fakeRun) Sinks() []sink.State         { return f.sinks }

func get(t *testing.T, run Run, path string) (int, string) {
	t.Helper()
	mux := http.NewServeMux()
	if err := Register(mux, run); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mux)
	defer server.Close()
	response, err := http.Get(server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestMetricsAreTheAccount(t *testing.T) {
	run := &fakeRun{
		snapshot: pipeline.Snapshot{
			Fetched: 12, Written: 8, Duplicates: 2, Quarantined: 1, InFlight: 1,
			Reasons:         map[pipeline.Refusal]int64{{Stage: schemas.StageIngest, Reason: schemas.ReasonTruncated}: 1},
			Labels:          map[pipeline.Label]int64{{Model: "one", Class: "spiral"}: 5, {Model: "two", Class: "spiral"}: 3},
			FromPublication: pipeline.Latency{Count: 8, P50: 250 * time.Millisecond, P99: time.Second},
		},
		progress: []ingest.Progress{{Topic: "ztf", Partition: 3, Fetched: 12, HighWater: 20, Committed: 9}},
		sinks:    []sink.State{{Name: "arrow", Healthy: true}},
	}
	status, body := get(t, run, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	for _, want := range []string{
		`galaxalign_stage_total{stage="fetched"} 12`,
		`galaxalign_messages_finished_total{outcome="written"} 8`,
		`galaxalign_messages_finished_total{outcome="given_back"} 0`,
		`galaxalign_messages_in_flight 1`,
		`galaxalign_quarantined_total{reason="truncated",stage="ingest"} 1`,
		`galaxalign_records_by_label_total{label="spiral",model="one"} 5`,
		`galaxalign_records_by_label_total{label="spiral",model="two"} 3`,
		`galaxalign_durable_latency_seconds{from="publication",quantile="0.5"} 0.25`,
		`galaxalign_partition_lag{partition="3",topic="ztf"} 11`,
		`galaxalign_sink_healthy{sink="arrow"} 1`,
		`galaxalign_dead_letters_available 1`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("missing %s", want)
		}
	}
}

func TestReadinessNamesEveryTrouble(t *testing.T) {
	run := &fakeRun{}
	if status, _ := get(t, run, "/readyz"); status != http.StatusOK {
		t.Errorf("healthy run: status %d", status)
	}
	run.progress = []ingest.Progress{{Topic: "ztf", Partition: 1, Fault: "no broker answers"}}
	run.sinks = []sink.State{{Name: "milvus", LastError: "connection refused"}}
	run.snapshot.DeadLetterFault = "topic is missing"
	status, body := get(t, run, "/readyz")
	if status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	for _, want := range []string{"source ztf partition 1: no broker answers", "sink milvus: connection refused", "dead letters: topic is missing"} {
		if !strings.Contains(body, want) {
			t.Errorf("missing %q in %q", want, body)
		}
	}
	if status, _ := get(t, run, "/healthz"); status != http.StatusOK {
		t.Errorf("a run in trouble is alive: status %d", status)
	}
}
