package milvus

import (
	"context"
	"fmt"
	"sync"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// Sink writes records to Milvus. Write is called by one goroutine at a time, as sink.Sink says; Ready,
// Count and the searches may be called at any time.
type Sink struct {
	cfg   Config
	cols  columns
	last  map[schemas.RecordID]int
	ready map[string]bool // collections known to exist, be indexed and be aliased; owned by Write

	mu   sync.Mutex
	conn client.Client
}

// New makes a sink. It does not connect: Milvus may come up later, and the first Write says if it is
// not there.
func New(cfg Config) (*Sink, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Sink{cfg: cfg.withDefaults(), last: map[schemas.RecordID]int{}, ready: map[string]bool{}}, nil
}

// Name identifies the sink.
func (s *Sink) Name() string { return "milvus" }

// Write upserts the batch in requests of bounded size. Milvus cannot tell a new row from a replaced
// one, so the report never lists duplicates: the sink that judges them is another.
func (s *Sink) Write(ctx context.Context, b *sink.Batch, r *sink.Report) error {
	if len(b.Records) == 0 {
		return nil
	}
	if b.Model.Embedding == 0 {
		return fmt.Errorf("milvus: model %s makes no embedding: import its bundle with --embedding, or take sinks.milvus out", b.Model.Name)
	}
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	collection, err := s.ensure(ctx, c, b.Model)
	if err != nil {
		return err
	}
	rows, rejects := selectRows(b, s.last)
	step := max(1, min(s.cfg.BatchRows, maxRequestBytes/rowBytes(b.Model.Embedding)))
	for start := 0; start < len(rows); start += step {
		if err := s.upsert(ctx, c, collection, b, rows[start:min(start+step, len(rows))]); err != nil {
			clear(s.ready) // the collection may have been dropped or moved: look again before the next try
			return err
		}
	}
	r.Written = len(b.Records) - len(rejects)
	if len(rejects) > 0 {
		return &sink.RejectedError{Sink: s.Name(), Rejects: rejects}
	}
	return nil
}

func (s *Sink) ensure(ctx context.Context, c client.Client, model *schemas.ModelInfo) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	return s.ensureCollection(ctx, c, model)
}

// upsert sends the chosen rows in one request.
func (s *Sink) upsert(ctx context.Context, c client.Client, collection string, b *sink.Batch, rows []int) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	s.cols.reset()
	for _, i := range rows {
		s.cols.add(&b.Records[i])
	}
	if _, err := c.Upsert(ctx, collection, "", s.cols.entities(b.Model.Embedding)...); err != nil {
		return fmt.Errorf("milvus: upsert of %d rows into %s at %s: %w", s.cols.len(), collection, s.cfg.Address, err)
	}
	return nil
}

// client returns the connection, dialling when there is none. The client itself reconnects later.
func (s *Sink) client(ctx context.Context) (client.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		return s.conn, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	c, err := client.NewClient(ctx, client.Config{
		Address: s.cfg.Address, DBName: s.cfg.Database,
		Username: s.cfg.User, Password: s.cfg.Password,
		DialOptions: s.dialOptions(),
	})
	if err != nil {
		return nil, fmt.Errorf("milvus: connecting to %s: %w", s.cfg.Address, err)
	}
	s.conn = c
	return c, nil
}

// dialOptions adds to the client's defaults, which passing any option would otherwise replace: fail at
// once when nothing listens, and name the cause.
func (s *Sink) dialOptions() []grpc.DialOption {
	options := append([]grpc.DialOption{}, client.DefaultGrpcOpts...)
	//lint:ignore SA1019 NewClient dials and blocks, so the options that make a blocking dial fail early are the right ones.
	options = append(options, grpc.FailOnNonTempDialError(true), grpc.WithReturnConnectionError())
	if s.cfg.TLS != nil {
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(s.cfg.TLS)))
	}
	return options
}

// Close releases the connection. Acknowledged rows are durable without it.
func (s *Sink) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	if err != nil {
		return fmt.Errorf("milvus: closing: %w", err)
	}
	return nil
}
