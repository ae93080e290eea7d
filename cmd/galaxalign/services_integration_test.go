//go:build integration

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/galaxalign/galaxalign/ingest/kafka"
)

// service returns what an environment variable says, or skips.
func service(t *testing.T, variable, how string) string {
	t.Helper()
	v := os.Getenv(variable)
	if v == "" {
		t.Skipf("%s is not set: %s", variable, how)
	}
	return v
}

func realKafka(t *testing.T) string {
	t.Helper()
	return service(t, "GALAXALIGN_KAFKA", "start a broker with deploy/local/kafka.sh and give its host:port")
}

func realMilvus(t *testing.T) string {
	t.Helper()
	return service(t, "GALAXALIGN_MILVUS", "start one with deploy/local/milvus.sh and give its host:port")
}

// unique is a name that no other test or run has, for topics, groups and collections.
func unique(what string) string {
	return fmt.Sprintf("e2e_%s_%s", what, strconv.FormatInt(time.Now().UnixNano(), 36))
}

// newTopics makes topics that are deleted after the test.
func newTopics(t *testing.T, broker string, topics ...kafka.Topic) {
	t.Helper()
	if err := kafka.EnsureTopics(t.Context(), kafka.Connection{Brokers: []string{broker}}, topics...); err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(topics))
	for i, topic := range topics {
		names[i] = topic.Name
	}
	t.Cleanup(func() {
		transport := &kafkago.Transport{}
		defer transport.CloseIdleConnections()
		c := kafkago.Client{Addr: kafkago.TCP(broker), Transport: transport, Timeout: 10 * time.Second}
		if _, err := c.DeleteTopics(context.Background(), &kafkago.DeleteTopicsRequest{Topics: names}); err != nil {
			t.Errorf("deleting topics: %v", err)
		}
	})
}

// collection is a Milvus collection behind its alias, dropped after the test.
type collection struct {
	client client.Client
	alias  string
}

func openCollection(t *testing.T, address, alias string) *collection {
	t.Helper()
	c, err := client.NewClient(t.Context(), client.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if table, err := c.DescribeCollection(ctx, alias); err == nil {
			if err := errors.Join(c.DropAlias(ctx, alias), c.DropCollection(ctx, table.Name)); err != nil {
				t.Errorf("dropping %s: %v", table.Name, err)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return &collection{c, alias}
}

// count is count(*) at strong consistency.
func (c *collection) count(t *testing.T) int {
	t.Helper()
	r, err := c.client.Query(t.Context(), c.alias, nil, "", []string{"count(*)"}, client.WithSearchQueryConsistencyLevel(entity.ClStrong))
	if err != nil {
		t.Fatal(err)
	}
	n, err := r.GetColumn("count(*)").GetAsInt64(0)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// proxy stands between the command and a service, and cuts the line when it is told to.
type proxy struct {
	address, target string
	advertised, own []byte // in the answers of a Kafka broker, replaced one by the other; nil otherwise
	listener        net.Listener
	serving         sync.WaitGroup

	mu    sync.Mutex
	open  bool
	conns map[net.Conn]bool
}

// newProxy listens for a service, with the line cut.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: l.Addr().String(), target: target, listener: l, conns: map[net.Conn]bool{}}
	p.serving.Go(p.serve)
	t.Cleanup(func() {
		_ = l.Close() // only ends serve
		p.set(false)
		p.serving.Wait()
	})
	return p
}

// newKafkaProxy is newProxy for a broker. Clients learn the broker's own address from its answers and would
// go past the proxy, so the port in that address is replaced by the proxy's.
func newKafkaProxy(t *testing.T, target string) *proxy {
	t.Helper()
	conn, err := kafkago.DialContext(t.Context(), "tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b, err := conn.Controller()
	if err != nil {
		t.Fatal(err)
	}
	if b.Host != "127.0.0.1" && b.Host != "localhost" {
		t.Skipf("the broker calls itself %s:%d: this test needs one on this machine", b.Host, b.Port)
	}
	p := newProxy(t, target)
	_, port, err := net.SplitHostPort(p.address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	p.advertised = binary.BigEndian.AppendUint32([]byte(b.Host), uint32(b.Port))
	p.own = binary.BigEndian.AppendUint32([]byte(b.Host), uint32(n))
	return p
}

// set restores the line, or cuts it with every connection on it.
func (p *proxy) set(open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = open
	if !open {
		for c := range p.conns {
			_ = c.Close() // only ends its copying
		}
	}
}

// keep takes in a connection unless the line is cut.
func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open {
		p.conns[c] = true
	}
	return p.open
}

func (p *proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	_ = c.Close() // may be closed already
}

func (p *proxy) serve() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.keep(c) {
			_ = c.Close()
			continue
		}
		p.serving.Go(func() { p.forward(c) })
	}
}

// forward copies both ways until one side ends.
func (p *proxy) forward(c net.Conn) {
	defer p.drop(c)
	s, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil || !p.keep(s) {
		if s != nil {
			_ = s.Close()
		}
		return
	}
	defer p.drop(s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(s, c) // an error is the end of the line
		_ = s.Close()
	}()
	p.answers(c, s)
	_ = c.Close()
	<-done
}

// answers copies what the service says, frame by frame where the address in it has to be replaced.
func (p *proxy) answers(c io.Writer, s io.Reader) {
	if p.advertised == nil {
		_, _ = io.Copy(c, s)
		return
	}
	for {
		var size [4]byte
		if _, err := io.ReadFull(s, size[:]); err != nil {
			return
		}
		frame := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(s, frame); err != nil {
			return
		}
		if _, err := c.Write(append(size[:], bytes.ReplaceAll(frame, p.advertised, p.own)...)); err != nil {
			return
		}
	}
}
