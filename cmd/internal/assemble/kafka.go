package assemble

import (
	"fmt"
	"log/slog"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/kafka"
)

// Connection is how the configuration reaches Kafka.
func Connection(k *config.Kafka, brokers []string) kafka.Connection {
	return kafka.Connection{
		Brokers: brokers,
		TLS:     kafka.TLS{Enabled: k.TLS.Enabled, CAFile: k.TLS.CA, CertFile: k.TLS.Cert, KeyFile: k.TLS.Key},
		SASL:    kafka.SASL{Mechanism: k.SASL.Mechanism, User: k.SASL.User, Password: k.SASL.Password},
	}
}

func openKafka(k *config.Kafka, log *slog.Logger) (ingest.Source, error) {
	source, err := kafka.New(kafka.Config{
		Connection:     Connection(k, k.Brokers),
		Topics:         k.Topics,
		Group:          k.Group,
		MaxBytes:       int(k.MaxFetch),
		WindowMessages: k.WindowMessages,
		WindowBytes:    int64(k.WindowBytes),
		CommitInterval: k.CommitInterval.Std(),
		SessionTimeout: k.SessionTimeout.Std(),
		StartAt:        kafka.StartAt(k.StartAt),
	}, kafka.Options{Logger: log})
	if err != nil {
		return nil, fmt.Errorf("source.kafka: %w", err)
	}
	return source, nil
}
