package milvus

import (
	"context"
	"errors"
	"fmt"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/galaxalign/galaxalign/sink"
)

// connection is the one connection that writes and searches share. It is made when it is first needed,
// and again after a failure to make it; once made, it reconnects by itself.
type connection struct {
	cfg Config
	// token is held by whoever looks at the fields below. A channel and not a mutex, because dialling
	// takes long and those who wait for it have time limits of their own.
	token  chan struct{}
	made   client.Client
	closed bool
}

func newConnection(cfg Config) connection {
	return connection{cfg: cfg, token: make(chan struct{}, 1)}
}

// take waits for the token.
func (c *connection) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("milvus: %w", err)
	}
	select {
	case c.token <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("milvus: waiting for the connection to %s: %w", c.cfg.Address, ctx.Err())
	}
}

func (c *connection) release() { <-c.token }

// open returns sink.ErrClosed after close, and the context's error when that has ended.
func (c *connection) open(ctx context.Context) error {
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.release()
	if c.closed {
		return fmt.Errorf("milvus: %w", sink.ErrClosed)
	}
	return nil
}

// client returns the connection's client, dialling when there is none.
func (c *connection) client(ctx context.Context) (client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	if err := c.take(ctx); err != nil {
		return nil, err
	}
	defer c.release()
	if c.closed {
		return nil, fmt.Errorf("milvus: %w", sink.ErrClosed)
	}
	if c.made != nil {
		return c.made, nil
	}
	made, err := client.NewClient(ctx, client.Config{
		Address: c.cfg.Address, DBName: c.cfg.Database,
		Username: c.cfg.User, Password: c.cfg.Password,
		DialOptions: c.dialOptions(),
		// Without its greeting: when the greeting fails (a wrong password), the client keeps a
		// connection that nobody can close, one more with every try. The first real call says the same.
		DisableConn: true,
	})
	if err != nil {
		return nil, callError(ctx, err, "connecting to %s", c.cfg.Address)
	}
	c.made = made
	return made, nil
}

// dialOptions adds to the client's defaults, which passing any option would otherwise replace: fail at
// once when nothing listens, and name the cause.
func (c *connection) dialOptions() []grpc.DialOption {
	options := append([]grpc.DialOption{}, client.DefaultGrpcOpts...)
	//lint:ignore SA1019 NewClient dials and blocks, so the options that make a blocking dial fail early are the right ones.
	options = append(options, grpc.FailOnNonTempDialError(true), grpc.WithReturnConnectionError())
	if c.cfg.TLS != nil {
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(c.cfg.TLS)))
	}
	return options
}

// close ends the connection for good. It waits for a dial under way, which its time limit ends.
func (c *connection) close(ctx context.Context) error {
	if err := c.take(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	defer c.release()
	c.closed = true
	if c.made == nil {
		return nil
	}
	err := c.made.Close()
	c.made = nil
	if err != nil {
		return fmt.Errorf("milvus: closing: %w", err)
	}
	return nil
}

// callError wraps the error of one call. A gRPC error that comes of the context's end does not say so
// to errors.Is, and may come from the server a moment before the context itself ends, so the context's
// error goes before it.
func callError(ctx context.Context, err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	ended := ctx.Err()
	if ended == nil && status.Code(err) == codes.DeadlineExceeded {
		ended = context.DeadlineExceeded
	}
	if ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("milvus: %s: %w: %w", what, ended, err)
	}
	return fmt.Errorf("milvus: %s: %w", what, err)
}
