package milvus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// MaxHits bounds the hits of one search.
const MaxHits = 10_000

// serverHits is the most hits a Milvus server gives to one request.
const serverHits = 16_384

// Searcher searches the records of one version of a model. It asks the version's own collection and
// not the alias, because embeddings of two versions cannot be compared. Searches see rows at bounded
// staleness: a row is found within a few seconds of its upsert.
type Searcher struct {
	sink       *Sink
	collection string
	dim        int
}

var _ sink.Searcher = (*Searcher)(nil)

// Searcher returns a search over the records of a model.
func (s *Sink) Searcher(model *schemas.ModelInfo) *Searcher {
	return &Searcher{sink: s, collection: CollectionName(s.cfg.Prefix, model), dim: model.Embedding}
}

var hitFields = []string{
	fieldID, fieldSurvey, fieldObject, fieldObservation, fieldRA, fieldDec, fieldObservedAt, fieldLabel, fieldProbability,
}

// Search finds the nearest records by cosine similarity under the filter, best first. A cone is asked
// of Milvus as a box and cut to the circle here, with more hits asked for until K lie within it or
// 16,384 were looked at.
func (s *Searcher) Search(ctx context.Context, q sink.Query) ([]sink.Hit, error) {
	if err := s.check(q); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.sink.cfg.Timeout)
	defer cancel()
	c, err := s.sink.conn.client(ctx)
	if err != nil {
		return nil, err
	}
	for limit := firstLimit(q); ; limit = min(4*limit, serverHits) {
		hits, err := s.nearest(ctx, c, q, limit)
		if err != nil {
			return nil, err
		}
		found := len(hits)
		if hits = cut(hits, q); len(hits) == q.K || found < limit || limit == serverHits {
			return hits, nil
		}
	}
}

// check refuses a query that has no answer; Milvus answers some of them with nothing.
func (s *Searcher) check(q sink.Query) error {
	if len(q.Vector) != s.dim {
		return fmt.Errorf("milvus: the query has %d values, the model's embeddings have %d", len(q.Vector), s.dim)
	}
	if err := checkVector(q.Vector); err != nil {
		return fmt.Errorf("milvus: the query cannot be searched for: %w", err)
	}
	if q.K < 1 || q.K > MaxHits {
		return fmt.Errorf("milvus: %d hits asked for: want 1 to %d", q.K, MaxHits)
	}
	if err := q.Filter.CheckCone(); err != nil {
		return fmt.Errorf("milvus: %w", err)
	}
	return nil
}

// firstLimit is how many hits to ask for at first: more than K where a cone's corners will be cut off,
// because a circle fills pi/4 of its box.
func firstLimit(q sink.Query) int {
	if q.Filter.RadiusArcsec == 0 {
		return q.K
	}
	return min(2*q.K+16, serverHits)
}

// nearest asks the server for the nearest limit rows that pass the filter, its cone taken as a box.
func (s *Searcher) nearest(ctx context.Context, c client.Client, q sink.Query, limit int) ([]sink.Hit, error) {
	params, err := entity.NewIndexHNSWSearchParam(max(hnswSearch, limit))
	if err != nil {
		return nil, fmt.Errorf("milvus: search parameters: %w", err)
	}
	results, err := c.Search(ctx, s.collection, nil, expression(q.Filter), hitFields,
		[]entity.Vector{entity.FloatVector(q.Vector)}, fieldEmbedding, entity.COSINE, limit, params,
		client.WithSearchQueryConsistencyLevel(entity.ClBounded))
	if err != nil {
		if s.missing(ctx, c) {
			return nil, nil
		}
		return nil, callError(ctx, err, "searching %s", s.collection)
	}
	if len(results) == 0 || results[0].ResultCount == 0 {
		return nil, nil // an empty result with output fields carries a meaningless error: look at the count first
	}
	if results[0].Err != nil {
		return nil, callError(ctx, results[0].Err, "searching %s", s.collection)
	}
	return readHits(&results[0])
}

// missing reports whether a call failed because nothing was ever written: the client's errors are texts
// without codes, so the server is asked.
func (s *Searcher) missing(ctx context.Context, c client.Client) bool {
	exists, err := c.HasCollection(ctx, s.collection)
	return err == nil && !exists
}

// cut keeps the first K hits inside the cone.
func cut(hits []sink.Hit, q sink.Query) []sink.Hit {
	kept := hits[:0]
	for _, h := range hits {
		if len(kept) < q.K && q.Filter.InCone(h.RA, h.Dec) {
			kept = append(kept, h)
		}
	}
	return kept
}

// Get returns the stored embedding of a record, at strong consistency.
func (s *Searcher) Get(ctx context.Context, id schemas.RecordID) ([]float32, error) {
	notFound := fmt.Errorf("milvus: record %s in %s: %w", id, s.collection, sink.ErrNotFound)
	rows, err := s.query(ctx, fmt.Sprintf("%s == %q", fieldID, id.String()), fieldEmbedding)
	if errors.Is(err, errNoCollection) {
		return nil, notFound
	}
	if err != nil {
		return nil, err
	}
	column, ok := rows.GetColumn(fieldEmbedding).(*entity.ColumnFloatVector)
	if !ok || column.Len() == 0 {
		return nil, notFound
	}
	return column.Data()[0], nil
}

// Count is the number of records of the model, by count(*) at strong consistency.
func (s *Searcher) Count(ctx context.Context) (int64, error) {
	const countAll = "count(*)"
	rows, err := s.query(ctx, "", countAll)
	if errors.Is(err, errNoCollection) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	column, ok := rows.GetColumn(countAll).(*entity.ColumnInt64)
	if !ok || column.Len() != 1 {
		return 0, errors.New("milvus: count(*) answered without a number")
	}
	return column.Data()[0], nil
}

// errNoCollection says that nothing was ever written for the model.
var errNoCollection = errors.New("milvus: no collection")

// query reads fields of the rows that match, at strong consistency.
func (s *Searcher) query(ctx context.Context, match string, fields ...string) (client.ResultSet, error) {
	ctx, cancel := context.WithTimeout(ctx, s.sink.cfg.Timeout)
	defer cancel()
	c, err := s.sink.conn.client(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := c.Query(ctx, s.collection, nil, match, fields, client.WithSearchQueryConsistencyLevel(entity.ClStrong))
	if err != nil {
		if s.missing(ctx, c) {
			return nil, errNoCollection
		}
		return nil, callError(ctx, err, "reading %s where %q", s.collection, match)
	}
	return rows, nil
}

// Ready returns nil when searches are answered: the server is healthy, the model's collection is loaded
// and a strong count is answered. A server is healthy up to half a minute before it has loaded its
// collections again after a crash. Before anything was written a healthy server is enough.
func (s *Searcher) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.sink.cfg.Timeout)
	defer cancel()
	c, err := s.sink.conn.client(ctx)
	if err != nil {
		return err
	}
	health, err := c.CheckHealth(ctx)
	if err != nil {
		return callError(ctx, err, "asking %s for its health", s.sink.cfg.Address)
	}
	if !health.IsHealthy {
		return fmt.Errorf("milvus: %s is not healthy: %s", s.sink.cfg.Address, strings.Join(health.Reasons, "; "))
	}
	state, err := c.GetLoadState(ctx, s.collection, nil)
	if err != nil {
		return callError(ctx, err, "load state of %s", s.collection)
	}
	if state != entity.LoadStateLoaded {
		if s.missing(ctx, c) {
			return nil
		}
		return fmt.Errorf("milvus: collection %s is not loaded yet (state %v)", s.collection, state)
	}
	_, err = s.Count(ctx)
	return err
}

// readHits turns the columns of a result into hits.
func readHits(r *client.SearchResult) ([]sink.Hit, error) {
	text := func(field string) []string {
		if c, ok := r.Fields.GetColumn(field).(*entity.ColumnVarChar); ok {
			return c.Data()
		}
		return nil
	}
	id, survey, object := text(fieldID), text(fieldSurvey), text(fieldObject)
	observation, label := text(fieldObservation), text(fieldLabel)
	ra, okRA := r.Fields.GetColumn(fieldRA).(*entity.ColumnDouble)
	dec, okDec := r.Fields.GetColumn(fieldDec).(*entity.ColumnDouble)
	at, okAt := r.Fields.GetColumn(fieldObservedAt).(*entity.ColumnInt64)
	prob, okProb := r.Fields.GetColumn(fieldProbability).(*entity.ColumnFloat)
	n := r.ResultCount
	if !okRA || !okDec || !okAt || !okProb || len(r.Scores) < n ||
		min(len(id), len(survey), len(object), len(observation), len(label), ra.Len(), dec.Len(), at.Len(), prob.Len()) < n {
		return nil, errors.New("milvus: search answered without all output fields")
	}
	hits := make([]sink.Hit, n)
	for i := range hits {
		h := &hits[i]
		parsed, err := schemas.ParseRecordID(id[i])
		if err != nil {
			return nil, fmt.Errorf("milvus: search: %w", err)
		}
		*h = sink.Hit{
			ID: parsed, Similarity: r.Scores[i], Survey: survey[i], ObjectID: object[i], ObservationID: observation[i],
			Label: label[i], Probability: prob.Data()[i],
		}
		h.RA, h.Dec = position(ra.Data()[i], dec.Data()[i])
		if us := at.Data()[i]; us != 0 {
			h.ObservedAt = time.UnixMicro(us).UTC()
		}
	}
	return hits, nil
}
