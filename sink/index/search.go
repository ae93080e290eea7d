package index

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/viterin/vek/vek32"
	"golang.org/x/sync/errgroup"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// MaxHits bounds the hits of one search.
const MaxHits = 10_000

// Search returns the q.K entries that pass the filter and have the largest cosine similarity to
// q.Vector, best first; entries with equal similarity come in a fixed order. Scores are
// computed in float32 and are within 1e-5 of exact ones.
func (x *Index) Search(ctx context.Context, q sink.Query) ([]sink.Hit, error) {
	query, err := x.unit(q.Vector)
	if err != nil {
		return nil, err
	}
	if q.K < 1 || q.K > MaxHits {
		return nil, fmt.Errorf("vector index: %d hits asked for: want 1 to %d", q.K, MaxHits)
	}
	f, err := compile(q.Filter)
	if err != nil {
		return nil, fmt.Errorf("vector index: %w", err)
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.closed {
		return nil, fmt.Errorf("vector index: %w", sink.ErrClosed)
	}
	best, err := x.scan(ctx, query, f, min(q.K, x.store.len()))
	if err != nil {
		return nil, err
	}
	hits := make([]sink.Hit, len(best))
	for i, c := range best {
		hits[i] = x.hit(c)
	}
	return hits, nil
}

// Get returns a copy of the embedding stored for a record, or sink.ErrNotFound.
func (x *Index) Get(_ context.Context, id schemas.RecordID) ([]float32, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.closed {
		return nil, fmt.Errorf("vector index: %w", sink.ErrClosed)
	}
	slot, ok := x.store.slots[id]
	if !ok {
		return nil, fmt.Errorf("vector index: record %s: %w", id, sink.ErrNotFound)
	}
	return slices.Clone(x.store.vector(int(slot))), nil
}

// unit returns the query scaled to length one, which keeps every product within float32.
func (x *Index) unit(v []float32) ([]float32, error) {
	if len(v) != x.model.Embedding {
		return nil, fmt.Errorf("vector index: the query has %d values, embeddings of model %s have %d", len(v), x.model.Name, x.model.Embedding)
	}
	n := sink.Norm(v)
	if !sink.Comparable(n) {
		return nil, fmt.Errorf("vector index: the query has length %v as a vector: cosine similarity needs one from %g to %g", n, sink.MinNorm, sink.MaxNorm)
	}
	u := make([]float32, len(v))
	for i, a := range v {
		u[i] = float32(float64(a) / n)
	}
	return u, nil
}

// candidate is a slot with its similarity.
type candidate struct {
	similarity float32
	slot       uint32
}

// compare orders candidates best first: a total order, so that the result does not depend on how the
// work was shared out.
func compare(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.similarity, a.similarity), cmp.Compare(a.slot, b.slot))
}

// scan shares the blocks out to workers, each with a heap of its own, and merges their best.
func (x *Index) scan(ctx context.Context, query []float32, f *filter, k int) ([]candidate, error) {
	if k == 0 {
		return nil, ctx.Err()
	}
	workers := max(1, min(x.cfg.SearchWorkers, len(x.store.blocks)))
	heaps := make([]topK, workers)
	group, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		heaps[w].k = k
		group.Go(func() error {
			for b := w; b < len(x.store.blocks); b += workers {
				if err := ctx.Err(); err != nil {
					return err
				}
				x.store.scanBlock(b, query, f, &heaps[w])
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var all []candidate
	for i := range heaps {
		all = append(all, heaps[i].items...)
	}
	slices.SortFunc(all, compare)
	return all[:min(k, len(all))], nil
}

// scanBlock offers the entries of one block that pass the filter.
func (s *store) scanBlock(b int, query []float32, f *filter, best *topK) {
	first := b * blockRows
	rows := min(blockRows, s.len()-first)
	block := s.blocks[b]
	for i := range rows {
		slot := first + i
		if f != nil && !f.passes(&s.meta[slot]) {
			continue
		}
		sim := vek32.Dot(query, block[i*s.dim:(i+1)*s.dim]) * s.inverse[slot]
		best.offer(candidate{similarity: sim, slot: uint32(slot)})
	}
}

// hit renders a candidate.
func (x *Index) hit(c candidate) sink.Hit {
	m := &x.store.meta[c.slot]
	return sink.Hit{
		ID: m.id, Similarity: max(-1, min(1, c.similarity)), Survey: m.survey, ObjectID: m.object,
		ObservationID: m.obs, RA: m.ra, Dec: m.dec, ObservedAt: observedTime(m.observed), Label: m.label,
		Probability: m.prob,
	}
}
