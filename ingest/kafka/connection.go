package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Connection says how to reach a cluster. Sources, dead letters and producers share it.
type Connection struct {
	Brokers     []string      // host:port of brokers to begin with; the rest is learned from them
	ClientID    string        // name the brokers see in logs and quotas; default "galaxalign"
	DialTimeout time.Duration // for connecting, TLS and SASL together; default 5 s
	TLS         TLS
	SASL        SASL
}

// TLS of a connection. It is on when Enabled is set or any file is named.
type TLS struct {
	Enabled  bool
	CAFile   string // PEM certificates to trust instead of the system's
	CertFile string // PEM client certificate, with KeyFile
	KeyFile  string // PEM key of CertFile
}

// SASL credentials of a connection; an empty Mechanism means none.
type SASL struct {
	Mechanism string // "plain", "scram-sha-256" or "scram-sha-512"
	User      string
	Password  string
}

func (t TLS) on() bool { return t.Enabled || t.CAFile != "" || t.CertFile != "" || t.KeyFile != "" }

func (c Connection) withDefaults() Connection {
	setDefault(&c.ClientID, "galaxalign")
	setDefault(&c.DialTimeout, 5*time.Second)
	return c
}

// Validate lists every fault of the connection, or returns nil. It reads no file.
func (c Connection) Validate() error {
	c = c.withDefaults()
	var f faults
	f.check(len(c.Brokers) > 0, "brokers: none given")
	for i, b := range c.Brokers {
		f.address(fmt.Sprintf("brokers[%d]", i), b)
	}
	f.between("dial timeout", c.DialTimeout, 10*time.Millisecond, time.Minute)
	f.check((c.TLS.CertFile == "") == (c.TLS.KeyFile == ""), "tls: client certificate and key come together")
	if c.SASL != (SASL{}) {
		f.check(slices.Contains([]string{"plain", "scram-sha-256", "scram-sha-512"}, c.SASL.Mechanism),
			"sasl: mechanism %q, want plain, scram-sha-256 or scram-sha-512", c.SASL.Mechanism)
		f.check(c.SASL.User != "" && c.SASL.Password != "", "sasl: user and password are both needed")
	}
	return errors.Join(f...)
}

// cluster is the client side of one Kafka cluster: everything that opens connections.
type cluster struct {
	addr   net.Addr
	rt     *kafka.Transport
	client *kafka.Client
	gate   *gate
	stop   context.CancelFunc
}

// metadataTTL is the longest the transport trusts its view of partitions and leaders (it refreshes after
// a random time below it, half of it on average). After a leader moved, fetches fail until the next look.
const metadataTTL = 2 * time.Second

// newCluster makes the clients of c, which is valid. It fails only on TLS files that cannot be used.
func (c Connection) newCluster(topics []string) (*cluster, error) {
	c = c.withDefaults()
	tlsConfig, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	g := newGate(c.DialTimeout)
	ctx, stop := context.WithCancel(context.Background())
	rt := &kafka.Transport{
		Context: ctx, // of the goroutines that keep its metadata fresh
		Dial:    g.dial, DialTimeout: c.DialTimeout, MetadataTTL: metadataTTL, MetadataTopics: topics,
		ClientID: c.ClientID, TLS: tlsConfig, SASL: mechanism,
	}
	addr := kafka.TCP(c.Brokers...)
	return &cluster{addr: addr, rt: rt, gate: g, stop: stop, client: &kafka.Client{Addr: addr, Transport: rt}}, nil
}

// close ends every connection at once; requests under way fail.
func (c *cluster) close() {
	c.stop()
	c.rt.CloseIdleConnections()
	c.gate.close()
}

// load reads the files and returns nil when TLS is off.
func (t TLS) load() (*tls.Config, error) {
	if !t.on() {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("kafka: tls: CA file: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka: tls: CA file %s holds no PEM certificate", t.CAFile)
		}
	}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("kafka: tls: client certificate: %w", err)
		}
		cfg.Certificates = []tls.Certificate{cert}
	}
	return cfg, nil
}

// mechanism returns nil when there are no credentials.
func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case "plain":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, s.User, s.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, s.User, s.Password)
	}
	return nil, fmt.Errorf("kafka: sasl: unknown mechanism %q", s.Mechanism)
}
