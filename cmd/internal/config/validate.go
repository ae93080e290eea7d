package config

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/galaxalign/galaxalign/schemas/spelling"
)

// checker collects what is wrong with a configuration, key by key.
type checker struct {
	faults []Fault
}

func (c *checker) fail(key, problem, fix string) {
	c.faults = append(c.faults, Fault{Key: key, Problem: problem, Fix: fix})
}

func (c *checker) oneOf(key, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	shown := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
	fix := "write one of " + strings.Join(shown, ", ")
	if near := spelling.Nearest(value, shown); near != "" {
		fix = fmt.Sprintf("did you mean %q?", near)
	}
	c.fail(key, fmt.Sprintf("%q is not known", value), fix)
}

func (c *checker) between(key string, value, low, high int) {
	if value < low || value > high {
		c.fail(key, fmt.Sprintf("%d is out of range", value), fmt.Sprintf("use %d to %d", low, high))
	}
}

func (c *checker) address(key, value string) {
	if _, port, err := net.SplitHostPort(value); err != nil || port == "" {
		c.fail(key, fmt.Sprintf("%q is not host:port", value), "write for example 127.0.0.1:9092")
	}
}

// addresses checks addresses to connect to, which unlike one to listen on need a host.
func (c *checker) addresses(key string, values []string) {
	for i, v := range values {
		if strings.HasPrefix(v, ":") {
			v = ""
		}
		c.address(fmt.Sprintf("%s[%d]", key, i), v)
	}
}

// names checks a list of names: none empty, none twice.
func (c *checker) names(key string, values []string) {
	for i, v := range values {
		if v == "" {
			c.fail(fmt.Sprintf("%s[%d]", key, i), "an empty name", "write the name or take the item out")
		} else if slices.Contains(values[:i], v) {
			c.fail(fmt.Sprintf("%s[%d]", key, i), fmt.Sprintf("%q is given twice", v), "remove one")
		}
	}
}

func (c *checker) within(key string, value Duration, low, high time.Duration, usual string) {
	if value.Std() < low || value.Std() > high {
		c.fail(key, value.Std().String()+" is out of range", fmt.Sprintf("use %v to %v; %s is usual", low, high, usual))
	}
}

func (c *checker) file(key, path, what string) {
	if path == "" {
		return
	}
	if _, err := os.Stat(path); err != nil {
		c.fail(key, fmt.Sprintf("%s %q cannot be read: %v", what, path, err), "give the path of an existing file")
	}
}

// Check lists what is wrong with a configuration for running the live pipeline. Lines are zero.
func Check(c *Config) []Fault {
	var k checker
	k.source(&c.Source)
	k.models(c.Models)
	k.pipeline(&c.Pipeline)
	k.sinks(c)
	k.deadLetters(c)
	if c.HTTP.Listen != "" {
		k.address("http.listen", c.HTTP.Listen)
	}
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", c.Log.Format, "text", "json")
	return k.faults
}

func (c *checker) source(s *Source) {
	c.oneOf("source.format", s.Format, "auto", "ztf", "lsst", "fits")
	if s.MaxInflated < 64*KiB {
		c.fail("source.max_inflated", "smaller than any cutout", "use at least 64KiB; 64MiB is usual")
	}
	c.file("source.schemas.folder", s.Schemas.Folder, "schema folder")
	if r := s.Schemas.Registry; r != "" && !strings.HasPrefix(r, "http://") && !strings.HasPrefix(r, "https://") {
		c.fail("source.schemas.registry", fmt.Sprintf("%q is not an address", r), "start it with http:// or https://")
	}
	if s.Format == "lsst" && s.Schemas.Folder == "" && s.Schemas.Registry == "" {
		c.fail("source.schemas", "LSST packets name their schema by number only", "give schemas.folder or schemas.registry")
	}
	c.kafka(&s.Kafka)
}

func (c *checker) kafka(k *Kafka) {
	if len(k.Brokers) == 0 && len(k.Topics) == 0 {
		return
	}
	if len(k.Brokers) == 0 {
		c.fail("source.kafka.brokers", "no broker given", "list at least one host:port")
	}
	c.addresses("source.kafka.brokers", k.Brokers)
	if len(k.Topics) == 0 {
		c.fail("source.kafka.topics", "no topic given", "list the topics to read")
	}
	c.names("source.kafka.topics", k.Topics)
	if k.Group == "" {
		c.fail("source.kafka.group", "no consumer group given", "name one; offsets are kept under it")
	}
	c.oneOf("source.kafka.start_at", k.StartAt, "earliest", "latest")
	if k.MaxFetch < 64*KiB || k.MaxFetch > 64*MiB {
		c.fail("source.kafka.max_fetch", "out of range", "use 64KiB to 64MiB; 1MiB suits most producers")
	}
	c.between("source.kafka.window_messages", k.WindowMessages, 16, 1<<20)
	if k.WindowBytes < 2*k.MaxFetch {
		c.fail("source.kafka.window_bytes", "smaller than two fetches, so fetching would stall", "use at least twice max_fetch")
	}
	c.within("source.kafka.commit_interval", k.CommitInterval, time.Millisecond, time.Minute, "1s")
	if ms := k.SessionTimeout.Std().Milliseconds(); ms < 1000 || ms > 60_000 {
		c.fail("source.kafka.session_timeout", "out of range", "use 1s to 60s; 6s to 10s recovers soonest from a crash")
	}
	c.file("source.kafka.tls.ca", k.TLS.CA, "CA certificate")
	c.file("source.kafka.tls.cert", k.TLS.Cert, "client certificate")
	c.file("source.kafka.tls.key", k.TLS.Key, "client key")
	if (k.TLS.Cert == "") != (k.TLS.Key == "") {
		c.fail("source.kafka.tls", "client certificate or key missing", "give both cert and key, or neither")
	}
	c.oneOf("source.kafka.sasl.mechanism", k.SASL.Mechanism, "", "plain", "scram-sha-256", "scram-sha-512")
	if k.SASL.Mechanism != "" && (k.SASL.User == "" || k.SASL.Password == "") {
		c.fail("source.kafka.sasl", "user or password missing", "set user here and the password in "+EnvName("source.kafka.sasl.password"))
	}
}

func (c *checker) models(models []Model) {
	if len(models) == 0 {
		c.fail("models", "no model given", "list at least one bundle folder; galaxalign bundle starter DIR writes the one that ships")
	}
	for i, m := range models {
		key := fmt.Sprintf("models[%d]", i)
		switch {
		case m.Bundle == "":
			c.fail(key+".bundle", "no bundle folder given", "give the folder that holds manifest.json")
		default:
			if _, err := os.Stat(filepath.Join(m.Bundle, "manifest.json")); err != nil {
				c.fail(key+".bundle", fmt.Sprintf("bundle %q cannot be read: %v", filepath.Join(m.Bundle, "manifest.json"), err),
					"give the folder of a bundle; galaxalign bundle starter DIR writes the one that ships")
			}
		}
		if !isDevice(m.Device) {
			c.fail(key+".device", fmt.Sprintf("%q is not a device", m.Device), "write cpu or cuda:0")
		}
		c.between(key+".threads", m.Threads, 0, 256)
	}
}

// isDevice accepts what an empty key stands for, the CPU, and a GPU by its number.
func isDevice(s string) bool {
	if s == "" || s == "cpu" {
		return true
	}
	number, cuda := strings.CutPrefix(s, "cuda:")
	_, err := strconv.ParseUint(number, 10, 16)
	return cuda && err == nil
}

func (c *checker) pipeline(p *Pipeline) {
	c.between("pipeline.workers", p.Workers, 0, 1024)
	c.between("pipeline.runners", p.Runners, 0, 256)
	c.between("pipeline.batch_rows", p.BatchRows, 1, 4096)
	c.between("pipeline.flush_rows", p.FlushRows, 1, 1<<16)
	if p.BatchWait <= 0 {
		c.fail("pipeline.batch_wait", "must be positive", "20ms is usual")
	}
	if p.FlushWait <= 0 {
		c.fail("pipeline.flush_wait", "must be positive", "200ms is usual")
	}
	if p.DrainTimeout <= 0 {
		c.fail("pipeline.drain_timeout", "must be positive", "20s is usual")
	}
}

func (c *checker) sinks(cfg *Config) {
	s := &cfg.Sinks
	if s.Arrow.Dir == "" && s.Parquet.Dir == "" && s.Index.Dir == "" && s.Milvus.Address == "" && s.Alerts.Topic == "" {
		c.fail("sinks", "no sink given", "give at least sinks.arrow.dir")
	}
	c.files("sinks.arrow", s.Arrow)
	c.files("sinks.parquet", s.Parquet)
	c.folders(s)
	c.between("sinks.index.max_vectors", s.Index.MaxVectors, 1, 100_000_000)
	c.oneOf("sinks.index.overflow", s.Index.Overflow, "refuse", "drop_oldest")
	if s.Milvus.Address != "" {
		c.address("sinks.milvus.address", s.Milvus.Address)
		c.between("sinks.milvus.batch_rows", s.Milvus.BatchRows, 1, 16_384)
		if !collectionName.MatchString(s.Milvus.Collection) {
			c.fail("sinks.milvus.collection", fmt.Sprintf("%q is no name of a collection", s.Milvus.Collection), "use letters, digits and underscores, at most 64; galaxalign is usual")
		}
	}
	if s.Alerts.Topic != "" {
		c.alerts(cfg)
	}
}

// collectionName is what Milvus takes as the beginning of a collection's name.
var collectionName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// folders checks that no two sinks share a folder: each locks its own.
func (c *checker) folders(s *Sinks) {
	taken := map[string]string{}
	for _, f := range []struct{ key, dir string }{
		{"sinks.arrow.dir", s.Arrow.Dir}, {"sinks.parquet.dir", s.Parquet.Dir}, {"sinks.index.dir", s.Index.Dir},
	} {
		if f.dir == "" {
			continue
		}
		dir := filepath.Clean(f.dir)
		if other, ok := taken[dir]; ok {
			c.fail(f.key, "the same folder as "+other, "use a folder of its own")
			continue
		}
		taken[dir] = f.key
	}
}

func (c *checker) files(key string, f Files) {
	if f.Dir == "" {
		return
	}
	c.between(key+".max_rows", f.MaxRows, 1, 1<<30)
	if f.MaxBytes < 1*MiB {
		c.fail(key+".max_bytes", "under 1MiB makes far too many files", "256MiB is usual")
	}
	if f.MaxAge <= 0 {
		c.fail(key+".max_age", "must be positive", "15m is usual: it bounds how long readers wait for a file")
	}
}

func (c *checker) alerts(cfg *Config) {
	a := &cfg.Sinks.Alerts
	c.oneOf("sinks.alerts.format", a.Format, "avro", "json")
	c.addresses("sinks.alerts.brokers", a.Brokers)
	if len(a.Brokers) == 0 && len(cfg.Source.Kafka.Brokers) == 0 {
		c.fail("sinks.alerts.brokers", "no broker given", "list at least one host:port")
	}
	c.names("sinks.alerts.labels", a.Labels)
	if !(a.MinProbability >= 0 && a.MinProbability <= 1) {
		c.fail("sinks.alerts.min_probability", "out of range", "use 0 to 1")
	}
	if slices.Contains(cfg.Source.Kafka.Topics, a.Topic) {
		c.fail("sinks.alerts.topic", "is also read from: every alert would come back as input", "use another topic")
	}
}

func (c *checker) deadLetters(cfg *Config) {
	d := &cfg.DeadLetters
	if d.Topic == "" && d.Dir == "" {
		c.fail("dead_letters", "nowhere to keep payloads that cannot be read", "give dead_letters.topic or dead_letters.dir")
	}
	if d.Topic != "" && d.Dir != "" {
		c.fail("dead_letters", "both a topic and a folder given", "keep one")
	}
	if d.Topic != "" && len(cfg.Source.Kafka.Brokers) == 0 {
		c.fail("dead_letters.topic", "a topic without brokers to keep it", "give source.kafka.brokers, or dead_letters.dir instead")
	}
	if d.Topic != "" && slices.Contains(cfg.Source.Kafka.Topics, d.Topic) {
		c.fail("dead_letters.topic", "is also read from: every dead letter would come back as input", "use another topic")
	}
}
