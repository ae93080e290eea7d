package kafka

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultsAreValid(t *testing.T) {
	conn := Connection{Brokers: []string{"localhost:9092"}}
	for name, err := range map[string]error{
		"source":       Config{Connection: conn, Topics: []string{"t"}, Group: "g"}.Validate(),
		"producer":     ProducerConfig{Connection: conn}.Validate(),
		"dead letters": DeadLettersConfig{Connection: conn, Topic: "d"}.Validate(),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateListsEveryFault(t *testing.T) {
	cfg := Config{
		Connection: Connection{
			Brokers: []string{"localhost", ":9092"}, DialTimeout: time.Hour,
			TLS: TLS{CertFile: "c.pem"}, SASL: SASL{Mechanism: "md5", User: "u"},
		},
		Topics: []string{"", "a", "a"}, MinBytes: 2 << 20, MaxBytes: 100, MaxWait: time.Hour, WindowMessages: -1,
		WindowBytes: -1, MaxMessageBytes: -1, CommitInterval: time.Hour, SessionTimeout: time.Millisecond,
		RebalanceTimeout: time.Millisecond, JoinGroupBackoff: time.Hour, TopicPoll: time.Hour,
		StartAt: "middle", Isolation: "none",
	}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("valid")
	}
	for _, want := range []string{
		"brokers[0]", "brokers[1]", "dial timeout", "tls:", "mechanism", "user and password", "topics[0]", "topics[2]",
		"group: none", "min bytes", "max bytes", "max wait", "window messages", "window bytes", "max message bytes",
		"commit interval", "session timeout", "rebalance timeout", "join group backoff", "topic poll", "start at", "isolation",
	} {
		if !strings.Contains(err.Error(), "kafka: "+want) && !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in:\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 22 {
		t.Errorf("%d faults, want 22:\n%v", n, err)
	}
	if _, err := New(cfg, Options{}); err == nil {
		t.Error("New took it")
	}
}

func TestBackoffDoublesToItsCap(t *testing.T) {
	var b backoff
	for i := range 40 {
		full := min(time.Second, 10*time.Millisecond<<min(i, 20))
		if d := b.next(10*time.Millisecond, time.Second); d < full/2 || d > full {
			t.Errorf("pause %d is %v, want %v to %v", i, d, full/2, full)
		}
	}
	b.reset()
	if d := b.next(10*time.Millisecond, time.Second); d > 10*time.Millisecond {
		t.Errorf("first pause after a success is %v", d)
	}
}
