package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// ErrClosed is returned by Fetch after Close.
var ErrClosed = errors.New("kafka: source is closed")

// class says how an error of a broker or of the network is met. No class ends the source.
type class int

const (
	transient  class = iota // passes by itself: retried with the ordinary backoff
	denied                  // waits for a person (credentials, certificates, permissions): retried slowly
	outOfRange              // the offset is not in the log: begin again where the configuration says
	fenced                  // this member is no longer in the group's generation: rejoin
)

// classify is the one place that tells errors apart.
func classify(err error) class {
	switch {
	case errors.Is(err, kafka.OffsetOutOfRange):
		return outOfRange
	case errors.Is(err, kafka.IllegalGeneration), errors.Is(err, kafka.UnknownMemberId), errors.Is(err, kafka.FencedInstanceID):
		return fenced
	case errors.Is(err, kafka.SASLAuthenticationFailed), errors.Is(err, kafka.UnsupportedSASLMechanism),
		errors.Is(err, kafka.IllegalSASLState),
		errors.Is(err, kafka.TopicAuthorizationFailed), errors.Is(err, kafka.GroupAuthorizationFailed),
		errors.Is(err, kafka.ClusterAuthorizationFailed), errors.Is(err, kafka.InvalidSessionTimeout), isTLS(err):
		return denied
	}
	return transient
}

// isTLS says whether err came from a TLS handshake.
func isTLS(err error) bool {
	var verify *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	return errors.As(err, &verify) || errors.As(err, &header) || errors.As(err, &alert) || errors.As(err, &authority)
}

// explain renders an error for the person who reads Progress: what it means first, its text after.
func (c *cluster) explain(err error) string {
	if hint := c.hint(err); hint != "" {
		return fmt.Sprintf("%s (%v)", hint, err)
	}
	return err.Error()
}

func (c *cluster) hint(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return "authentication failed: check the SASL user and password"
	case errors.Is(err, kafka.UnsupportedSASLMechanism), errors.Is(err, kafka.IllegalSASLState):
		return "the broker does not take this SASL mechanism on this listener"
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return "the user may not read this topic: grant READ and DESCRIBE on it"
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		return "the user may not use this consumer group: grant READ on it"
	case errors.Is(err, kafka.InvalidSessionTimeout):
		return "the session timeout is outside the broker's group.min.session.timeout.ms to group.max.session.timeout.ms"
	case isTLS(err):
		return "TLS handshake failed: check the CA file, the host name and that the listener speaks TLS"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return c.hintClosed()
	case errors.Is(err, protocol.ErrNoTopic), errors.Is(err, kafka.UnknownTopicOrPartition):
		return "the topic does not exist, or this user may not see it"
	case errors.Is(err, protocol.ErrNoLeader), errors.Is(err, kafka.LeaderNotAvailable), errors.Is(err, kafka.NotLeaderForPartition):
		return "the partition has no leader, or it just moved"
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &op) && op.Op == "dial":
		return "no broker can be reached"
	case errors.Is(err, context.DeadlineExceeded):
		return "the broker did not answer in time"
	}
	return ""
}

// hintClosed is for a connection closed without a word, which is how brokers answer a client that speaks
// the wrong protocol to a listener.
func (c *cluster) hintClosed() string {
	switch {
	case c.rt.SASL == nil && c.rt.TLS == nil:
		return "the broker closed the connection: if this goes on, the listener may want TLS or SASL"
	case c.rt.SASL == nil:
		return "the broker closed the connection: if this goes on, the listener may want SASL"
	}
	return "the broker closed the connection: if this goes on during authentication, check the credentials"
}
