package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func noEnv(string) (string, bool) { return "", false }

// good returns a configuration that is valid, with a bundle folder that exists.
func good(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	return `source:
  format: ztf
  kafka:
    brokers: [127.0.0.1:9092]
    topics: [ztf]
models:
  - bundle: ` + dir + `
sinks:
  arrow: {dir: out, max_bytes: 64MiB, max_age: 1m}
dead_letters: {topic: ztf-dead}
`
}

func TestParseKeepsDefaultsAndReadsUnits(t *testing.T) {
	cfg, err := Parse("night.yaml", []byte(good(t)), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Sinks.Arrow.MaxBytes != 64*MiB || cfg.Sinks.Arrow.MaxAge.Std().Seconds() != 60 {
		t.Errorf("units: got %d bytes, %v", cfg.Sinks.Arrow.MaxBytes, cfg.Sinks.Arrow.MaxAge.Std())
	}
	if cfg.Source.Kafka.Group != "galaxalign" || cfg.Pipeline.BatchRows != 16 {
		t.Errorf("defaults lost: group %q, batch %d", cfg.Source.Kafka.Group, cfg.Pipeline.BatchRows)
	}
}

func TestEveryFaultIsListedWithItsLine(t *testing.T) {
	text := `source:
  formt: ztf
  kafka:
    brokers: [localhost]
    topics: [ztf]
    session_timeout: soon
models:
  - bundle: /nowhere/at/all
pipeline:
  batch_rows: 0
sinks:
  arrow: out
dead_letters: {topic: ztf}
log: {level: inof}
`
	_, err := Parse("night.yaml", []byte(text), noEnv)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		`line 2: source.formt: unknown key; did you mean "format"?`,
		`line 4: source.kafka.brokers[0]: "localhost" is not host:port`,
		`line 6: source.kafka.session_timeout: "soon" is not a duration`,
		`line 8: models[0].bundle: bundle "/nowhere/at/all/manifest.json" cannot be read`,
		`line 10: pipeline.batch_rows: 0 is out of range; use 1 to 4096`,
		`line 12: sinks.arrow: needs keys below it`,
		`line 13: dead_letters.topic: is also read from`,
		`line 14: log.level: "inof" is not known; did you mean "info"?`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in:\n%v", want, err)
		}
	}
}

func TestSyntaxFaultNamesItsLine(t *testing.T) {
	_, err := Parse("night.yaml", []byte("source:\n  kafka: [a, b\nmodels: }\n"), noEnv)
	var e *Error
	if !errors.As(err, &e) || e.Faults[0].Line == 0 && e.Faults[len(e.Faults)-1].Line == 0 {
		t.Fatalf("no line in: %v", err)
	}
	if len(e.Faults) != 1 {
		t.Errorf("faults of what was not read: %v", err)
	}
	if !strings.Contains(err.Error(), "not YAML") {
		t.Errorf("got %v", err)
	}
}

func TestEnvironmentOverridesSecrets(t *testing.T) {
	env := map[string]string{
		"GALAXALIGN_SOURCE_KAFKA_SASL_PASSWORD": "tiptop",
		"GALAXALIGN_SOURCE_KAFKA_BROKERS":       "a:1,b:2",
	}
	text := strings.Replace(good(t), "topics: [ztf]", "topics: [ztf]\n    sasl: {mechanism: plain, user: me}", 1)
	cfg, err := Parse("night.yaml", []byte(text), func(k string) (string, bool) { v, ok := env[k]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Source.Kafka.SASL.Password != "tiptop" || len(cfg.Source.Kafka.Brokers) != 2 {
		t.Errorf("got %+v", cfg.Source.Kafka)
	}
}

func TestBytesRoundTrip(t *testing.T) {
	for text, want := range map[string]Bytes{"0": 0, "65536": 64 * KiB, "512KiB": 512 * KiB, "64 MiB": 64 * MiB, "2GiB": 2 * GiB} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%q: got %d, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "9999999999GiB", "1.5MiB"} {
		var b Bytes
		if b.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("source: {format: ztf}\nmodels: [{bundle: x}]"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("pipeline: {batch_rows: 1e9}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := Parse("f", data, noEnv); err == nil && cfg == nil {
			t.Error("no configuration and no error")
		}
	})
}

// TestExampleKnowsEveryKey parses the example and checks that each key of the struct is in it.
func TestExampleKnowsEveryKey(t *testing.T) {
	text := strings.ReplaceAll(string(Example), "# parquet:", "parquet:")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "# milvus:", "milvus:"), "# alerts:", "alerts:")
	_, err := Parse("example.yaml", []byte(text), noEnv)
	var e *Error
	if !errors.As(err, &e) || len(e.Faults) != 1 || e.Faults[0].Key != "models[0].bundle" {
		t.Errorf("only the bundle should be missing: %v", err)
	}
	for _, key := range []string{"source", "models", "pipeline", "sinks", "dead_letters", "http", "log", "overflow", "max_fetch", "window_bytes", "drain_timeout"} {
		if !strings.Contains(text, key+":") {
			t.Errorf("the example lacks %q", key)
		}
	}
}

// TestTheComposeFileIsValid loads the configuration that the compose file mounts: only its bundle, which
// the user brings, may be missing.
func TestTheComposeFileIsValid(t *testing.T) {
	path := filepath.Join("..", "..", "..", "deploy", "compose", "galaxalign.yaml")
	_, err := Load(path)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	for _, f := range e.Faults {
		if f.Key != "models[0].bundle" {
			t.Errorf("%s: %s", path, f)
		}
	}
}
