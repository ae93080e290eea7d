package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
)

// Batch is a run of records of one model. Its memory belongs to the caller and is valid until Write
// returns; a sink that keeps anything longer copies it.
type Batch struct {
	Model   *schemas.ModelInfo
	Records []schemas.Record
}

// Report is what Write did with a batch. The caller owns it and reuses it.
type Report struct {
	Written int // records made durable by this call
	// Duplicate lists the indexes of records that were durable before this call, ascending.
	Duplicate []int
}

// Reset empties the report for the next batch.
func (r *Report) Reset() { r.Written, r.Duplicate = 0, r.Duplicate[:0] }

// Sink is a durable destination of records. Implementations are held to the conformance suite in
// sink/sinktest.
type Sink interface {
	// Name identifies the sink in metrics, logs and dead letters.
	Name() string
	// Write returns nil once every record of the batch is durable. *RejectedError names records that
	// this sink will never take, the others being durable; any other error means that nothing may be
	// assumed written and the whole batch can be tried again. Calls come from one goroutine at a time.
	Write(ctx context.Context, b *Batch, r *Report) error
	// Close makes everything written visible to readers and releases the sink. No record that Write
	// acknowledged is lost whether or not Close is called.
	Close(ctx context.Context) error
}

// RejectedError says that some records of a batch can never be written here. Records not listed are
// durable.
type RejectedError struct {
	Sink    string
	Rejects []Reject
}

// Reject is one record that a sink refused for good.
type Reject struct {
	Index int // into Batch.Records
	Err   error
}

// Error counts the refused records and quotes the first cause.
func (e *RejectedError) Error() string {
	return fmt.Sprintf("%s: %d records refused, first (index %d): %v", e.Sink, len(e.Rejects), e.Rejects[0].Index, e.Rejects[0].Err)
}

// Searcher finds the records whose embeddings are nearest to a query.
type Searcher interface {
	// Search returns up to q.K hits, best first. A search over nothing returns no hits and no error.
	Search(ctx context.Context, q Query) ([]Hit, error)
	// Get returns the embedding stored for a record, or ErrNotFound.
	Get(ctx context.Context, id schemas.RecordID) ([]float32, error)
}

// Query asks for the nearest neighbours of a vector by cosine similarity.
type Query struct {
	Vector []float32 // any non-zero length; len = the model's embedding
	K      int       // at most this many hits, 1 to 10,000
	Filter Filter
}

// Filter narrows a search; zero fields do not filter.
type Filter struct {
	Label        string    // class name
	MinProb      float32   // probability of the label at least this
	After        time.Time // observed at or after
	Before       time.Time // observed before
	RA, Dec      float64   // centre of a cone, ICRS degrees; used when RadiusArcsec > 0
	RadiusArcsec float64
}

// Hit is one search result.
type Hit struct {
	ID            schemas.RecordID
	Similarity    float32 // cosine similarity, -1 to 1
	Survey        string
	ObjectID      string
	ObservationID string
	RA, Dec       float64
	ObservedAt    time.Time
	Label         string
	Probability   float32
}
