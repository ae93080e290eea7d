package demo

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/galaxalign/galaxalign/ingest/kafka"
	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// The survey misbehaves on purpose, as surveys do: one message in repeatEvery is published twice, one in
// spoilEvery is cut short, so that duplicates and quarantine can be seen at work.
const (
	repeatEvery = 173
	spoilEvery  = 211
)

// Survey publishes simulated cutouts to the demo's topic.
type Survey struct {
	survey   *simulate.Survey
	producer *kafka.Producer
	sent     atomic.Int64
}

// NewSurvey makes a survey that publishes to the brokers.
func NewSurvey(cfg simulate.Config, brokers []string) (*Survey, error) {
	survey, err := simulate.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	producer, err := kafka.NewProducer(kafka.ProducerConfig{Connection: kafka.Connection{Brokers: brokers}})
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return &Survey{survey: survey, producer: producer}, nil
}

// Run publishes at the pace until ctx ends, which is no error.
func (s *Survey) Run(ctx context.Context, pace simulate.Pace) error {
	err := simulate.Run(ctx, s.survey, pace, s.publish)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// publish sends packets, and finishes a batch that was begun even when ctx ends, so that the count of
// published messages is exact.
func (s *Survey) publish(ctx context.Context, packets []simulate.Packet) error {
	messages := make([]kafka.Message, 0, len(packets)+1)
	for _, p := range packets {
		m := kafka.Message{Key: p.Key, Value: p.Value, Time: p.Due}
		if (p.Index+1)%spoilEvery == 0 {
			m.Value = m.Value[:len(m.Value)/2]
		}
		messages = append(messages, m)
		if (p.Index+1)%repeatEvery == 0 {
			messages = append(messages, m)
		}
	}
	if err := s.producer.Produce(context.WithoutCancel(ctx), Topic, messages); err != nil {
		return fmt.Errorf("demo: publishing: %w", err)
	}
	s.sent.Add(int64(len(messages)))
	return nil
}

// Sent is the number of messages published, repeats included.
func (s *Survey) Sent() int64 { return s.sent.Load() }

// Close releases the connection.
func (s *Survey) Close() error { return s.producer.Close() }
