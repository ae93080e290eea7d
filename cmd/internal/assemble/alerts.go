package assemble

import (
	"context"
	"fmt"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/sink/alerts"
)

// alertSink owns the transport that it lends to the alert topic.
type alertSink struct {
	*alerts.Sink
	transport *kafkago.Transport
}

// openAlerts writes alerts to the brokers of the source unless it has its own; credentials and TLS are
// the source's.
func openAlerts(cfg *config.Config) (*alertSink, error) {
	a, k := &cfg.Sinks.Alerts, &cfg.Source.Kafka
	brokers := a.Brokers
	if len(brokers) == 0 {
		brokers = k.Brokers
	}
	transport, err := Connection(k, brokers).NewTransport()
	if err != nil {
		return nil, fmt.Errorf("sinks.alerts: %w", err)
	}
	s, err := alerts.Open(alerts.Config{
		Brokers: brokers, Topic: a.Topic, Encoding: alerts.Encoding(a.Format),
		Labels: a.Labels, MinProbability: float32(a.MinProbability), Transport: transport,
	})
	if err != nil {
		return nil, fmt.Errorf("sinks.alerts: %w", err)
	}
	return &alertSink{s, transport}, nil
}

// Close closes the sink and then the connections it used.
func (s *alertSink) Close(ctx context.Context) error {
	err := s.Sink.Close(ctx)
	s.transport.CloseIdleConnections()
	return err
}
