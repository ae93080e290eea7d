package alerts

import (
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"

	"github.com/galaxalign/galaxalign/schemas"
)

// Encoding is the form of a message's value.
type Encoding string

// The encodings.
const (
	Avro Encoding = "avro" // an Avro object container of one alert, as ZTF sends them
	JSON Encoding = "json"
)

// contentType returns the value of the content-type header.
func (e Encoding) contentType() string {
	if e == JSON {
		return "application/json"
	}
	return "application/avro"
}

// Config sets where alerts go and which records become alerts. Zero fields take the defaults.
type Config struct {
	Brokers []string // host:port of at least one broker
	Topic   string   // must exist, or the broker must make topics on demand
	// Encoding is Avro by default.
	Encoding Encoding
	// Labels and MinProbability say which records become alerts: those whose label is listed (all when
	// the list is empty) and whose probability is at least MinProbability, 0 to 1.
	Labels         []string
	MinProbability float32
	// MaxMessageBytes bounds one message and one request, before compression. Default 1,000,000, below
	// the broker's default message.max.bytes of 1,048,588. An alert takes about 4 kB, 3 kB of it schema.
	MaxMessageBytes int
	// Compression of the requests: "none", "gzip", "snappy", "lz4" or "zstd". The default is snappy,
	// which every broker in use reads; the schema that each message repeats all but vanishes.
	Compression string
	// Horizon is the number of most recent record ids that are not sent again by this process.
	// Default 100,000: at most 8 MiB.
	Horizon int
	// Transport carries TLS and SASL settings. It belongs to the caller; nil means plain text through a
	// transport of the sink's own.
	Transport *kafka.Transport
}

// The defaults of Config.
const (
	DefaultMaxMessageBytes = 1_000_000
	DefaultHorizon         = 100_000
)

func (c Config) withDefaults() Config {
	if c.Encoding == "" {
		c.Encoding = Avro
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = DefaultMaxMessageBytes
	}
	if c.Compression == "" {
		c.Compression = "snappy"
	}
	if c.Horizon == 0 {
		c.Horizon = DefaultHorizon
	}
	return c
}

// Validate lists every fault of the configuration.
func (c Config) Validate() error {
	var errs []error
	if len(c.Brokers) == 0 || slices.Contains(c.Brokers, "") {
		errs = append(errs, fmt.Errorf("brokers are %q: want at least one host:port", c.Brokers))
	}
	if c.Topic == "" {
		errs = append(errs, errors.New("no topic for the alerts"))
	}
	if c.Encoding != "" && c.Encoding != Avro && c.Encoding != JSON {
		errs = append(errs, fmt.Errorf("encoding is %q: want %q or %q", c.Encoding, Avro, JSON))
	}
	if !(c.MinProbability >= 0 && c.MinProbability <= 1) {
		errs = append(errs, fmt.Errorf("minimum probability is %v: want 0 to 1", c.MinProbability))
	}
	if slices.Contains(c.Labels, "") {
		errs = append(errs, errors.New("a label to alert on is empty"))
	}
	if c.MaxMessageBytes < 0 {
		errs = append(errs, fmt.Errorf("maximum message size is %d bytes: want at least 1, or 0 for %d", c.MaxMessageBytes, DefaultMaxMessageBytes))
	}
	if _, ok := compression(c.withDefaults().Compression); !ok {
		errs = append(errs, fmt.Errorf("compression is %q: want none, gzip, snappy, lz4 or zstd", c.Compression))
	}
	if c.Horizon < 0 {
		errs = append(errs, fmt.Errorf("horizon is %d: want at least 1, or 0 for %d", c.Horizon, DefaultHorizon))
	}
	return errors.Join(errs...)
}

// compression returns the codec of that name; none is the zero codec.
func compression(name string) (codec kafka.Compression, ok bool) {
	switch name {
	case "none":
		return 0, true
	case "gzip":
		return kafka.Gzip, true
	case "snappy":
		return kafka.Snappy, true
	case "lz4":
		return kafka.Lz4, true
	case "zstd":
		return kafka.Zstd, true
	}
	return 0, false
}

// wants reports whether a record becomes an alert.
func (c *Config) wants(r *schemas.Record, m *schemas.ModelInfo) bool {
	if c.MinProbability > 0 && !(r.Probability >= c.MinProbability) {
		return false
	}
	return len(c.Labels) == 0 || len(m.Classes) > 0 && slices.Contains(c.Labels, m.Classes[r.Label])
}
