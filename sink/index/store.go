package index

import (
	"slices"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// blockRows is the number of vectors in one block: 4 MiB at 512 values. Blocks are never moved, so
// growing copies nothing and searches keep their place.
const blockRows = 2048

// store holds the entries in memory. Slots are numbered from 0 in the order of arrival and, once the
// store is full and drops the oldest, reused in that order. It is not safe for concurrent use.
type store struct {
	dim, limit int
	blocks     [][]float32 // blockRows*dim values each
	inverse    []float32   // 1 over the norm of each vector
	meta       []meta
	slots      map[schemas.RecordID]uint32
	oldest     int // slot that is reused next, once full
	texts      map[string]string
}

// meta is what an entry has beside its vector.
type meta struct {
	id            schemas.RecordID
	survey, label string // interned
	object, obs   string
	ra, dec       float64
	observed      int64
	prob          float32
}

func newStore(dim, limit int) *store {
	return &store{dim: dim, limit: limit, slots: map[schemas.RecordID]uint32{}, texts: map[string]string{}}
}

// len returns the number of entries.
func (s *store) len() int { return len(s.meta) }

// has reports whether the id is held.
func (s *store) has(id schemas.RecordID) bool { _, ok := s.slots[id]; return ok }

// vector returns the vector of a slot; it is a view.
func (s *store) vector(slot int) []float32 {
	at := slot % blockRows * s.dim
	return s.blocks[slot/blockRows][at : at+s.dim : at+s.dim]
}

// put adds an entry or replaces the one with its id; in a full store a new id takes the place of the
// oldest. The entry is copied, but for its texts.
func (s *store) put(e *entry) {
	slot, ok := s.slots[e.id]
	if !ok {
		slot = s.free()
		s.slots[e.id] = slot
	}
	s.meta[slot] = meta{
		id: e.id, survey: s.intern(e.survey), label: s.intern(e.label), object: e.object, obs: e.obs,
		ra: e.ra, dec: e.dec, observed: e.observed, prob: e.prob,
	}
	s.inverse[slot] = float32(1 / sink.Norm(e.vector))
	copy(s.vector(int(slot)), e.vector)
}

// free returns a slot for a new id.
func (s *store) free() uint32 {
	if n := s.len(); n < s.limit {
		if n%blockRows == 0 {
			s.blocks = append(s.blocks, make([]float32, blockRows*s.dim))
		}
		s.meta = append(s.meta, meta{})
		s.inverse = append(s.inverse, 0)
		return uint32(n)
	}
	slot := s.oldest
	s.oldest = (s.oldest + 1) % s.limit
	delete(s.slots, s.meta[slot].id)
	return uint32(slot)
}

// intern returns the one copy of a text that many entries share.
func (s *store) intern(text string) string {
	if own, ok := s.texts[text]; ok {
		return own
	}
	s.texts[text] = text
	return text
}

// holds reports whether the record is held with the same contents.
func (s *store) holds(r *schemas.Record, m *schemas.ModelInfo) bool {
	slot, ok := s.slots[r.ID]
	if !ok {
		return false
	}
	e := &s.meta[slot]
	return e.survey == r.Survey && e.label == labelOf(r, m) && e.object == string(r.ObjectID) &&
		e.obs == string(r.ObservationID) && sameNumber(e.ra, r.RA) && sameNumber(e.dec, r.Dec) &&
		e.observed == observedMicros(r.ObservedAt) && e.prob == r.Probability &&
		slices.Equal(s.vector(int(slot)), r.Embedding)
}

func sameNumber(a, b float64) bool { return a == b || a != a && b != b }

// each visits the entries from the oldest to the newest; the entry's vector is a view.
func (s *store) each(visit func(*entry) error) error {
	n := s.len()
	for i := range n {
		slot := (s.oldest + i) % n
		m := &s.meta[slot]
		e := entry{
			id: m.id, survey: m.survey, object: m.object, obs: m.obs, label: m.label,
			ra: m.ra, dec: m.dec, observed: m.observed, prob: m.prob, vector: s.vector(slot),
		}
		if err := visit(&e); err != nil {
			return err
		}
	}
	return nil
}
