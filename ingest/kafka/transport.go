package kafka

import "github.com/segmentio/kafka-go"

// NewTransport makes a transport with the connection's TLS and SASL settings, for a writer outside this
// package. It belongs to the caller, who closes its idle connections. It fails only on TLS files that
// cannot be used.
func (c Connection) NewTransport() (*kafka.Transport, error) {
	c = c.withDefaults()
	tlsConfig, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	return &kafka.Transport{
		DialTimeout: c.DialTimeout, MetadataTTL: metadataTTL, ClientID: c.ClientID, TLS: tlsConfig, SASL: mechanism,
	}, nil
}
