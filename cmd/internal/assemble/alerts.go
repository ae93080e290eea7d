package assemble

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/schemas/spelling"
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

// knownLabels refuses a label that no model has: nothing would ever match it, and nothing would say so.
func knownLabels(labels []string, models []Model) error {
	var classes []string
	for _, m := range models {
		classes = union(classes, m.Info().Classes)
	}
	var errs []error
	for _, l := range labels {
		if slices.Contains(classes, l) {
			continue
		}
		hint := "there are " + strings.Join(classes, ", ")
		if near := spelling.Nearest(l, classes); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		errs = append(errs, fmt.Errorf("no model has a class %q; %s", l, hint))
	}
	return errors.Join(errs...)
}

// Close closes the sink and then the connections it used.
func (s *alertSink) Close(ctx context.Context) error {
	err := s.Sink.Close(ctx)
	s.transport.CloseIdleConnections()
	return err
}
