package kafka

import (
	"context"
	"net"
	"sync"
	"time"
)

// gate opens every connection of a cluster and can end them all at once. kafka-go's transport leaves a
// request whose context ended to finish in the background, a long poll for one; closing its connection is
// the one way to be rid of it at shutdown.
type gate struct {
	dialer net.Dialer

	mu    sync.Mutex
	shut  bool
	conns map[*gateConn]struct{}
}

// gateConn is a connection that leaves its gate when it is closed.
type gateConn struct {
	net.Conn
	gate *gate
}

func newGate(timeout time.Duration) *gate {
	return &gate{dialer: net.Dialer{Timeout: timeout}, conns: map[*gateConn]struct{}{}}
}

// dial connects, or fails with net.ErrClosed once the gate is closed.
func (g *gate) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := g.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &gateConn{Conn: conn, gate: g}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		conn.Close()
		return nil, net.ErrClosed
	}
	g.conns[c] = struct{}{}
	return c, nil
}

// close closes every open connection and refuses new ones.
func (g *gate) close() {
	g.mu.Lock()
	g.shut = true
	conns := g.conns
	g.conns = nil
	g.mu.Unlock()
	for c := range conns {
		c.Conn.Close()
	}
}

// Close closes the connection.
func (c *gateConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}
