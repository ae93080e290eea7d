package config

import (
	"errors"
	"strings"
	"testing"
)

// TestFaultsAreFoundBeforeTheRun: each of these would be refused by a part of the program only when the run
// opens it, or would quietly mean something else.
func TestFaultsAreFoundBeforeTheRun(t *testing.T) {
	for _, c := range []struct{ old, new, key string }{
		{"topics: [ztf]", `topics: [ztf, ""]`, "source.kafka.topics[1]"},
		{"topics: [ztf]", "topics: [ztf, ztf]", "source.kafka.topics[1]"},
		{"topics: [ztf]", "topics: [ztf]\n    commit_interval: 0s", "source.kafka.commit_interval"},
		{"topics: [ztf]", "topics: [ztf]\n    commit_interval: 5m", "source.kafka.commit_interval"},
		{"topics: [ztf]", "topics: [ztf]\n    tls: {enabled: true, cert: validate.go}", "source.kafka.tls"},
		{"[127.0.0.1:9092]", `[":9092"]`, "source.kafka.brokers[0]"},
		{"models:", "pipeline: {batch_wait: 0s}\nmodels:", "pipeline.batch_wait"},
		{"sinks:", "    device: \"cuda:\"\nsinks:", "models[0].device"},
		{"sinks:", "sinks:\n  index: {dir: ./out/}", "sinks.index.dir"},
		{"sinks:", "sinks:\n  milvus: {address: 127.0.0.1:19530, collection: a-b}", "sinks.milvus.collection"},
		{"sinks:", "sinks:\n  alerts: {topic: a, min_probability: NaN}", "sinks.alerts.min_probability"},
		{"sinks:", `sinks:` + "\n" + `  alerts: {topic: a, labels: [""]}`, "sinks.alerts.labels[0]"},
		{"    brokers: [127.0.0.1:9092]\n    topics: [ztf]", "    group: g", "dead_letters.topic"},
	} {
		t.Run(c.key+" "+c.new, func(t *testing.T) {
			text := strings.Replace(good(t), c.old, c.new, 1)
			_, err := Parse("night.yaml", []byte(text), noEnv)
			var e *Error
			if !errors.As(err, &e) || len(e.Faults) != 1 || e.Faults[0].Key != c.key || e.Faults[0].Fix == "" {
				t.Errorf("want one fault of %s with a fix, got: %v\n%s", c.key, err, text)
			}
		})
	}
}
