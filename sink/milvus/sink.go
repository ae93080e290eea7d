package milvus

import (
	"context"
	"fmt"

	"github.com/milvus-io/milvus-sdk-go/v2/client"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// Sink writes records to Milvus. Write is called by one goroutine at a time, as sink.Sink says; the
// searches and Close may be called at any time.
type Sink struct {
	cfg  Config
	conn connection

	// Owned by Write.
	cols    columns
	last    map[schemas.RecordID]int
	ready   map[string]bool // collections known to exist, to be indexed and to have their alias
	aliased map[string]bool // collections that this sink has given their alias once
}

var _ sink.Sink = (*Sink)(nil)

// New makes a sink. It does not connect: Milvus may come up later, and the first Write says if it is
// not there.
func New(cfg Config) (*Sink, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Sink{
		cfg: cfg, conn: newConnection(cfg),
		last: map[schemas.RecordID]int{}, ready: map[string]bool{}, aliased: map[string]bool{},
	}, nil
}

// Name identifies the sink.
func (s *Sink) Name() string { return "milvus" }

// Write upserts the batch in requests of bounded size. Milvus cannot tell a new row from a replaced
// one, so the report never lists duplicates: the sink that judges them is another.
func (s *Sink) Write(ctx context.Context, b *sink.Batch, r *sink.Report) error {
	r.Reset()
	if err := s.conn.open(ctx); err != nil {
		return err
	}
	if len(b.Records) == 0 {
		return nil
	}
	if b.Model.Embedding == 0 {
		return fmt.Errorf("milvus: model %s makes no embedding: import its bundle with --embedding, or take sinks.milvus out", b.Model.Name)
	}
	rows, rejects := selectRows(b, s.last)
	if err := s.send(ctx, b, rows); err != nil {
		clear(s.ready) // the collection may have been dropped or moved: look again before the next try
		return err
	}
	r.Written = len(b.Records) - len(rejects)
	if len(rejects) > 0 {
		return &sink.RejectedError{Sink: s.Name(), Rejects: rejects}
	}
	return nil
}

// send upserts the chosen rows, in order, after making sure of their collection.
func (s *Sink) send(ctx context.Context, b *sink.Batch, rows []int) error {
	c, err := s.conn.client(ctx)
	if err != nil {
		return err
	}
	collection, err := s.ensureCollection(ctx, c, b.Model)
	if err != nil {
		return err
	}
	step := requestRows(s.cfg.BatchRows, b.Model.Embedding)
	for start := 0; start < len(rows); start += step {
		if err := s.upsert(ctx, c, collection, b, rows[start:min(start+step, len(rows))]); err != nil {
			return err
		}
	}
	return nil
}

// upsert sends the chosen rows in one request.
func (s *Sink) upsert(ctx context.Context, c client.Client, collection string, b *sink.Batch, rows []int) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	s.cols.reset()
	for _, i := range rows {
		s.cols.add(&b.Records[i], b.Model)
	}
	if _, err := c.Upsert(ctx, collection, "", s.cols.entities(b.Model.Embedding)...); err != nil {
		return callError(ctx, err, "upsert of %d rows into %s at %s", s.cols.len(), collection, s.cfg.Address)
	}
	return nil
}

// Close releases the connection. Acknowledged rows are durable without it.
func (s *Sink) Close(ctx context.Context) error { return s.conn.close(ctx) }
