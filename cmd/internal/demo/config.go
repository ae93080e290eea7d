package demo

import (
	"path/filepath"
	"time"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
)

// Configuration is the pipeline of the demo: its topic, the starter bundle, and files below dir.
func Configuration(dir, bundle, listen string, brokers []string) *config.Config {
	cfg := config.Default()
	cfg.Source.Survey = "simulated"
	cfg.Source.Format = "fits"
	cfg.Source.Kafka.Brokers = brokers
	cfg.Source.Kafka.Topics = []string{Topic}
	cfg.Source.Kafka.Group = "galaxalign-demo"
	cfg.Models = []config.Model{{Bundle: bundle}}
	cfg.Sinks.Arrow.Dir = filepath.Join(dir, "arrow")
	cfg.Sinks.Arrow.MaxAge = config.Duration(time.Minute)
	cfg.Sinks.Index.Dir = filepath.Join(dir, "index")
	cfg.Sinks.Index.MaxVectors = 100_000
	cfg.Sinks.Index.Overflow = "drop_oldest"
	cfg.DeadLetters.Topic = DeadTopic
	cfg.HTTP.Listen = listen
	cfg.Log.Level = "error"
	return &cfg
}
