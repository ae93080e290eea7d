// Package config is the one configuration of the program: a struct with defaults, read from YAML and
// the environment, validated as a whole.
//
// Guarantee: Load either returns a configuration every part of the program accepts, or an error that
// lists every fault at once, each with its line, key, what is wrong and how to put it right.
package config

import "time"

// Config is everything that a running pipeline is told. Durations are written "200ms", "5s", "15m";
// sizes are written "512KiB", "64MiB", "2GiB" or as plain bytes.
type Config struct {
	Source      Source      `yaml:"source"`
	Models      []Model     `yaml:"models"`
	Pipeline    Pipeline    `yaml:"pipeline"`
	Sinks       Sinks       `yaml:"sinks"`
	DeadLetters DeadLetters `yaml:"dead_letters"`
	HTTP        HTTP        `yaml:"http"`
	Log         Log         `yaml:"log"`
}

// Source says where cutouts come from and how to read them.
type Source struct {
	// Survey is the name given to FITS cutouts, whose headers seldom say it; alert packets know theirs.
	Survey string `yaml:"survey"`
	// Format of the payloads: auto (by their bytes), ztf, lsst or fits.
	Format string `yaml:"format"`
	// Bands names the planes of a FITS cube in stored order, or the extensions to take.
	Bands []string `yaml:"bands"`
	// MaxInflated bounds one decompressed payload. A live alert is under 1 MiB; a backfill brick of
	// 3600 x 3600 float32 takes 52 MB.
	MaxInflated Bytes   `yaml:"max_inflated"`
	Schemas     Schemas `yaml:"schemas"`
	Kafka       Kafka   `yaml:"kafka"`
}

// Schemas says where the Avro schemas of LSST packets come from: a folder, a registry, or both, in
// which case the folder is the fall-back while the registry is away.
type Schemas struct {
	Folder   string   `yaml:"folder"`
	Registry string   `yaml:"registry"` // base address, "http://host:port/apis/ccompat/v7"
	Timeout  Duration `yaml:"timeout"`  // of one registry request
}

// Kafka is the consumer group that live cutouts are read with.
type Kafka struct {
	Brokers  []string `yaml:"brokers"` // host:port
	Topics   []string `yaml:"topics"`
	Group    string   `yaml:"group"`
	StartAt  string   `yaml:"start_at"`  // where a new group begins: earliest or latest
	MaxFetch Bytes    `yaml:"max_fetch"` // bytes asked of a broker at once; near the producer's batch size is cheapest
	// WindowMessages and WindowBytes bound what one partition may have in flight, fetched but not
	// finished. Resident memory for payloads is at most partitions x window_bytes: 4 x 32 MiB = 128 MiB.
	WindowMessages int      `yaml:"window_messages"`
	WindowBytes    Bytes    `yaml:"window_bytes"`
	CommitInterval Duration `yaml:"commit_interval"`
	SessionTimeout Duration `yaml:"session_timeout"`
	TLS            TLS      `yaml:"tls"`
	SASL           SASL     `yaml:"sasl"`
}

// TLS of a connection to Kafka.
type TLS struct {
	Enabled bool   `yaml:"enabled"`
	CA      string `yaml:"ca"`   // PEM file of the authority that signed the broker's certificate; empty = system roots
	Cert    string `yaml:"cert"` // PEM file of the client's certificate, for mutual TLS
	Key     string `yaml:"key"`
}

// SASL credentials of a connection to Kafka. Give the password through the environment:
// GALAXALIGN_SOURCE_KAFKA_SASL_PASSWORD.
type SASL struct {
	Mechanism string `yaml:"mechanism"` // plain, scram-sha-256, scram-sha-512, or empty for none
	User      string `yaml:"user"`
	Password  string `yaml:"password"`
}

// Model is one bundle to run over every cutout.
type Model struct {
	Bundle  string `yaml:"bundle"`  // folder with manifest.json
	Device  string `yaml:"device"`  // cpu, or cuda:N; a device that is not there is an error
	Threads int    `yaml:"threads"` // ONNX Runtime threads inside one run
}

// Pipeline sizes the stages between source and sinks.
type Pipeline struct {
	Workers   int      `yaml:"workers"`    // decode workers; 0 = one a core
	Runners   int      `yaml:"runners"`    // batches inferred at once, per model; 0 = one a core
	BatchRows int      `yaml:"batch_rows"` // most cutouts in one inference; 8 to 32 suits a CPU's cache
	BatchWait Duration `yaml:"batch_wait"` // longest a cutout waits for its batch to fill
	// FlushRows and FlushWait bound a sink batch: it is written when it has so many records or its
	// oldest record is so old. Durable latency is at most batch_wait + flush_wait + the write itself.
	FlushRows int      `yaml:"flush_rows"`
	FlushWait Duration `yaml:"flush_wait"`
	// DrainTimeout bounds an orderly stop; what is unfinished then is given back.
	DrainTimeout Duration `yaml:"drain_timeout"`
}

// Sinks lists where records go. Every sink given is required: an offset is committed only after all of
// them hold the record.
type Sinks struct {
	Arrow   Files  `yaml:"arrow"`
	Parquet Files  `yaml:"parquet"`
	Index   Index  `yaml:"index"`
	Milvus  Milvus `yaml:"milvus"`
	Alerts  Alerts `yaml:"alerts"`
}

// Files is a folder of Arrow IPC or Parquet files. A file is sealed, and becomes visible to readers,
// at the first of its three limits.
type Files struct {
	Dir      string   `yaml:"dir"` // empty = off
	MaxRows  int      `yaml:"max_rows"`
	MaxBytes Bytes    `yaml:"max_bytes"`
	MaxAge   Duration `yaml:"max_age"`
}

// Index is the embedded exact vector index.
type Index struct {
	Dir string `yaml:"dir"` // empty = off
	// MaxVectors bounds memory: max_vectors x (4 bytes x embedding + 200), 500,000 x 2,248 = 1.1 GB at 512.
	MaxVectors int `yaml:"max_vectors"`
	// Overflow says what a full index does: refuse (nothing is lost, the pipeline waits for room) or
	// drop_oldest (search covers the newest max_vectors records).
	Overflow string `yaml:"overflow"`
}

// Milvus is a vector database. The password comes from GALAXALIGN_SINKS_MILVUS_PASSWORD.
type Milvus struct {
	Address    string `yaml:"address"` // host:port; empty = off
	Database   string `yaml:"database"`
	Collection string `yaml:"collection"` // prefix of the names: alias <collection>_<model> for outside readers, one collection a model version behind it
	User       string `yaml:"user"`
	Password   string `yaml:"password"`
	TLS        bool   `yaml:"tls"`
	BatchRows  int    `yaml:"batch_rows"` // rows of one upsert; 256 to 1,024 measured best
}

// Alerts is the outgoing topic, on the source's brokers unless brokers are given.
type Alerts struct {
	Topic          string   `yaml:"topic"` // empty = off
	Brokers        []string `yaml:"brokers"`
	Format         string   `yaml:"format"` // avro or json
	Labels         []string `yaml:"labels"` // only these classes; empty = all
	MinProbability float64  `yaml:"min_probability"`
}

// DeadLetters says where refused payloads are kept: a topic for a Kafka source, a folder otherwise.
type DeadLetters struct {
	Topic string `yaml:"topic"`
	Dir   string `yaml:"dir"`
}

// HTTP serves the page, /metrics, /healthz and /readyz.
type HTTP struct {
	Listen string `yaml:"listen"` // host:port; empty = off
	Page   bool   `yaml:"page"`
}

// Log sets what the program says of itself on standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text or json
}

// Default returns the configuration that an empty file stands for.
func Default() Config {
	files := Files{MaxRows: 1_000_000, MaxBytes: 256 * MiB, MaxAge: Duration(15 * time.Minute)}
	return Config{
		Source: Source{
			Format: "auto", MaxInflated: 64 * MiB,
			Schemas: Schemas{Timeout: Duration(5 * time.Second)},
			Kafka: Kafka{
				Group: "galaxalign", StartAt: "earliest", MaxFetch: 1 * MiB,
				WindowMessages: 4096, WindowBytes: 32 * MiB,
				CommitInterval: Duration(time.Second), SessionTimeout: Duration(8 * time.Second),
			},
		},
		Pipeline: Pipeline{
			BatchRows: 16, BatchWait: Duration(20 * time.Millisecond),
			FlushRows: 512, FlushWait: Duration(200 * time.Millisecond),
			DrainTimeout: Duration(20 * time.Second),
		},
		Sinks: Sinks{
			Arrow: files, Parquet: files,
			Index:  Index{MaxVectors: 500_000, Overflow: "refuse"},
			Milvus: Milvus{Collection: "galaxalign", BatchRows: 512},
			Alerts: Alerts{Format: "avro"},
		},
		HTTP: HTTP{Page: true},
		Log:  Log{Level: "info", Format: "text"},
	}
}
