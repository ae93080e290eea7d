package telemetry

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/galaxalign/galaxalign/cmd/internal/pipeline"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/sink"
)

// Run is what telemetry needs of a running pipeline.
type Run interface {
	Snapshot() pipeline.Snapshot
	Progress() []ingest.Progress
	Sinks() []sink.State
}

// collector turns the pipeline's account into metrics at the moment of a scrape.
type collector struct {
	run Run

	stage, bytes, outcome, inFlight, reason, label   *prometheus.Desc
	latency, dead                                    *prometheus.Desc
	partition, partitionLag, committed, partitionErr *prometheus.Desc
	sinkHealthy, sinkAttempts                        *prometheus.Desc
}

// NewCollector returns a Prometheus collector over a run.
func NewCollector(run Run) prometheus.Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("galaxalign_"+name, help, labels, nil)
	}
	return &collector{
		run:          run,
		stage:        desc("stage_total", "Items that passed a stage: fetched and decoded count messages, prepared and classified tensor rows, acknowledged records.", "stage"),
		bytes:        desc("fetched_bytes_total", "Payload bytes taken from the sources."),
		outcome:      desc("messages_finished_total", "Messages finished, by outcome. Fetched = written + duplicate + quarantined + given_back + in flight.", "outcome"),
		inFlight:     desc("messages_in_flight", "Messages fetched and not yet finished."),
		reason:       desc("quarantined_total", "Quarantined messages by the stage that refused them and the reason code.", "stage", "reason"),
		label:        desc("records_by_label_total", "Records written, by model and class.", "model", "label"),
		latency:      desc("durable_latency_seconds", "Time until a message is durable, since this process started, from publication or from fetch.", "from", "quantile"),
		dead:         desc("dead_letters_available", "1 while dead letters can be written, else 0."),
		partition:    desc("partition_messages_total", "Messages of one partition, by what became of them.", "topic", "partition", "outcome"),
		partitionLag: desc("partition_lag", "Messages published and not yet committed; -1 while unknown.", "topic", "partition"),
		committed:    desc("partition_committed_offset", "Next offset that a restart would read; -1 before the first commit.", "topic", "partition"),
		partitionErr: desc("partition_healthy", "1 while the partition is read without error, else 0.", "topic", "partition"),
		sinkHealthy:  desc("sink_healthy", "1 while a sink takes records, 0 while writes to it are being retried.", "sink"),
		sinkAttempts: desc("sink_failed_attempts", "Failed attempts of the batch a sink is being tried with.", "sink"),
	}
}

// Describe sends the description of every metric.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.stage, c.bytes, c.outcome, c.inFlight, c.reason, c.label, c.latency, c.dead,
		c.partition, c.partitionLag, c.committed, c.partitionErr, c.sinkHealthy, c.sinkAttempts,
	} {
		out <- d
	}
}

// Collect reads the account and sends every metric.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.run.Snapshot()
	count := func(d *prometheus.Desc, v int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count(c.stage, s.Fetched, "fetched")
	count(c.stage, s.Decoded, "decoded")
	count(c.stage, s.Prepared, "prepared")
	count(c.stage, s.Classified, "classified")
	count(c.stage, s.Records, "acknowledged")
	count(c.bytes, s.Bytes)
	count(c.outcome, s.Written, "written")
	count(c.outcome, s.Duplicates, "duplicate")
	count(c.outcome, s.Quarantined, "quarantined")
	count(c.outcome, s.GivenBack, "given_back")
	gauge(c.inFlight, float64(s.InFlight))
	for kind, n := range s.Reasons {
		count(c.reason, n, string(kind.Stage), string(kind.Reason))
	}
	for l, n := range s.Labels {
		count(c.label, n, l.Model, l.Class)
	}
	gauge(c.dead, flag(s.DeadLetterFault == ""))
	for from, l := range map[string]pipeline.Latency{"publication": s.FromPublication, "fetch": s.FromFetch} {
		gauge(c.latency, l.P50.Seconds(), from, "0.5")
		gauge(c.latency, l.P99.Seconds(), from, "0.99")
		gauge(c.latency, l.Max.Seconds(), from, "1")
	}
	c.partitions(count, gauge)
	for _, state := range c.run.Sinks() {
		gauge(c.sinkHealthy, flag(state.Healthy), state.Name)
		gauge(c.sinkAttempts, float64(state.Attempts), state.Name)
	}
}

// partitions sends the account of every partition.
func (c *collector) partitions(count func(*prometheus.Desc, int64, ...string), gauge func(*prometheus.Desc, float64, ...string)) {
	for _, p := range c.run.Progress() {
		id := strconv.Itoa(int(p.Partition))
		count(c.partition, p.Fetched, p.Topic, id, "fetched")
		count(c.partition, p.Written, p.Topic, id, "written")
		count(c.partition, p.Duplicates, p.Topic, id, "duplicate")
		count(c.partition, p.Quarantined, p.Topic, id, "quarantined")
		count(c.partition, p.GivenBack, p.Topic, id, "given_back")
		gauge(c.partitionLag, float64(p.Lag()), p.Topic, id)
		gauge(c.committed, float64(p.Committed), p.Topic, id)
		gauge(c.partitionErr, flag(p.Fault == ""), p.Topic, id)
	}
}

func flag(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}
