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

// Searcher searches the records of one model through its alias. Searches see rows at bounded
// staleness: a row is found within a few seconds of its upsert.
type Searcher struct {
	sink  *Sink
	alias string
	dim   int
}

// Searcher returns a search over the records of a model.
func (s *Sink) Searcher(model *schemas.ModelInfo) *Searcher {
	return &Searcher{sink: s, alias: AliasName(s.cfg.Prefix, model), dim: model.Embedding}
}

var hitFields = []string{
	fieldID, fieldSurvey, fieldObject, fieldObservation, fieldRA, fieldDec, fieldObservedAt, fieldLabel, fieldProbability,
}

// Search finds the nearest records by cosine similarity under the filter. A cone is asked of Milvus as
// a box with room to spare and cut to the circle here.
func (s *Searcher) Search(ctx context.Context, q sink.Query) ([]sink.Hit, error) {
	if len(q.Vector) != s.dim {
		return nil, fmt.Errorf("milvus: query vector has %d values, the model makes %d", len(q.Vector), s.dim)
	}
	ctx, cancel := context.WithTimeout(ctx, s.sink.cfg.Timeout)
	defer cancel()
	c, err := s.sink.client(ctx)
	if err != nil {
		return nil, err
	}
	limit := searchLimit(q)
	params, err := entity.NewIndexHNSWSearchParam(max(hnswSearch, limit))
	if err != nil {
		return nil, fmt.Errorf("milvus: search parameters: %w", err)
	}
	results, err := c.Search(ctx, s.alias, nil, expression(q.Filter), hitFields,
		[]entity.Vector{entity.FloatVector(q.Vector)}, fieldEmbedding, entity.COSINE, limit, params,
		client.WithSearchQueryConsistencyLevel(entity.ClBounded))
	if err != nil {
		return nil, fmt.Errorf("milvus: searching %s: %w", s.alias, err)
	}
	if len(results) == 0 || results[0].ResultCount == 0 {
		return nil, nil // an empty result with output fields carries a meaningless error: look at the count first
	}
	if results[0].Err != nil {
		return nil, fmt.Errorf("milvus: searching %s: %w", s.alias, results[0].Err)
	}
	hits, err := readHits(&results[0])
	if err != nil {
		return nil, err
	}
	return cut(hits, q), nil
}

// searchLimit asks for more than K where a cone's corners will be cut off: a circle fills pi/4 of its box.
func searchLimit(q sink.Query) int {
	const serverLimit = 16_384
	limit := q.K
	if q.Filter.RadiusArcsec > 0 {
		limit = 2*q.K + 16
	}
	return max(1, min(limit, serverLimit))
}

// cut keeps the first K hits inside the cone.
func cut(hits []sink.Hit, q sink.Query) []sink.Hit {
	kept := hits[:0]
	for _, h := range hits {
		if len(kept) < q.K && inCone(h, q.Filter) {
			kept = append(kept, h)
		}
	}
	return kept
}

// Get returns the stored embedding of a record, at strong consistency.
func (s *Searcher) Get(ctx context.Context, id schemas.RecordID) ([]float32, error) {
	ctx, cancel := context.WithTimeout(ctx, s.sink.cfg.Timeout)
	defer cancel()
	c, err := s.sink.client(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := c.Query(ctx, s.alias, nil, fmt.Sprintf("%s == %q", fieldID, id.String()), []string{fieldEmbedding},
		client.WithSearchQueryConsistencyLevel(entity.ClStrong))
	if err != nil {
		return nil, fmt.Errorf("milvus: reading record %s from %s: %w", id, s.alias, err)
	}
	column, ok := rows.GetColumn(fieldEmbedding).(*entity.ColumnFloatVector)
	if !ok || column.Len() == 0 {
		return nil, fmt.Errorf("milvus: record %s in %s: %w", id, s.alias, sink.ErrNotFound)
	}
	return column.Data()[0], nil
}

// Count is the number of records of the model, by count(*) at strong consistency.
func (s *Searcher) Count(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.sink.cfg.Timeout)
	defer cancel()
	c, err := s.sink.client(ctx)
	if err != nil {
		return 0, err
	}
	rows, err := c.Query(ctx, s.alias, nil, "", []string{"count(*)"}, client.WithSearchQueryConsistencyLevel(entity.ClStrong))
	if err != nil {
		return 0, fmt.Errorf("milvus: counting %s: %w", s.alias, err)
	}
	column, ok := rows.GetColumn("count(*)").(*entity.ColumnInt64)
	if !ok || column.Len() != 1 {
		return 0, errors.New("milvus: count(*) answered without a number")
	}
	return column.Data()[0], nil
}

// Ready returns nil when the model's collection is loaded and answers a strong count: a server that is
// healthy but still reloading after a crash is not ready.
func (s *Searcher) Ready(ctx context.Context) error {
	c, err := s.sink.client(ctx)
	if err != nil {
		return err
	}
	state, err := c.GetLoadState(ctx, s.alias, nil)
	if err != nil {
		return fmt.Errorf("milvus: load state of %s: %w", s.alias, err)
	}
	if state != entity.LoadStateLoaded {
		return fmt.Errorf("milvus: collection %s is not loaded yet (state %v)", s.alias, state)
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

// expression writes a filter in Milvus's language; empty when nothing is filtered.
func expression(f sink.Filter) string {
	var terms []string
	add := func(format string, args ...any) { terms = append(terms, fmt.Sprintf(format, args...)) }
	if f.Label != "" {
		add("%s == %q", fieldLabel, f.Label)
	}
	if f.MinProb > 0 {
		add("%s >= %g", fieldProbability, f.MinProb)
	}
	if !f.After.IsZero() {
		add("%s >= %d", fieldObservedAt, f.After.UnixMicro())
	}
	if !f.Before.IsZero() {
		add("%s > 0 and %s < %d", fieldObservedAt, fieldObservedAt, f.Before.UnixMicro())
	}
	if f.RadiusArcsec > 0 {
		terms = append(terms, box(f))
	}
	return strings.Join(terms, " and ")
}
