// Package idset remembers record ids in bounded memory.
//
// Guarantee: a Set of horizon n knows at least the last n different ids that were added to it.
package idset

import (
	"encoding/binary"

	"github.com/galaxalign/galaxalign/schemas"
)

// Table is a set of ids: open addressing with linear probing over 16-byte slots, at most half full. The
// ids are SHA-256 prefixes, so their first bytes serve as the hash. The zero Table is empty and ready.
// It is not safe for concurrent use.
type Table struct {
	slots []schemas.RecordID // length a power of two; the zero id marks a free slot
	n     int                // ids in slots
	zero  bool               // the zero id itself is in the set
}

// minSlots is the size of the first allocation, 1 KiB.
const minSlots = 64

// Len returns the number of ids.
func (t *Table) Len() int {
	if t.zero {
		return t.n + 1
	}
	return t.n
}

// Has reports whether id is in the set.
func (t *Table) Has(id schemas.RecordID) bool {
	if id == (schemas.RecordID{}) {
		return t.zero
	}
	return len(t.slots) > 0 && t.slots[t.find(id)] == id
}

// Add puts id into the set and reports whether it was new.
func (t *Table) Add(id schemas.RecordID) bool {
	if id == (schemas.RecordID{}) {
		added := !t.zero
		t.zero = true
		return added
	}
	if 2*(t.n+1) > len(t.slots) {
		t.grow()
	}
	i := t.find(id)
	if t.slots[i] == id {
		return false
	}
	t.slots[i] = id
	t.n++
	return true
}

// Reset empties the set and keeps its memory.
func (t *Table) Reset() {
	clear(t.slots)
	t.n, t.zero = 0, false
}

// find returns the slot that holds id, or the free slot where it belongs.
func (t *Table) find(id schemas.RecordID) int {
	mask := len(t.slots) - 1
	i := int(binary.LittleEndian.Uint64(id[:8])) & mask
	for t.slots[i] != id && t.slots[i] != (schemas.RecordID{}) {
		i = (i + 1) & mask
	}
	return i
}

func (t *Table) grow() {
	old := t.slots
	t.slots = make([]schemas.RecordID, max(minSlots, 2*len(old)))
	for _, id := range old {
		if id != (schemas.RecordID{}) {
			t.slots[t.find(id)] = id
		}
	}
}

// Set remembers the most recent ids: two tables of at most horizon ids each. When the current one is
// full it becomes the old one and the old one is forgotten, so between horizon and 2*horizon ids are
// known. Memory at most 2 tables x 16 B x 2^ceil(log2(2*horizon)): 64 MiB for a horizon of 1,000,000.
// It is not safe for concurrent use.
type Set struct {
	horizon    int
	cur, old   Table
	generation uint64
}

// New makes a Set; a horizon below 1 counts as 1.
func New(horizon int) *Set { return &Set{horizon: max(1, horizon)} }

// Has reports whether id is among the ids remembered.
func (s *Set) Has(id schemas.RecordID) bool { return s.cur.Has(id) || s.old.Has(id) }

// Add remembers id.
func (s *Set) Add(id schemas.RecordID) {
	if s.cur.Has(id) {
		return
	}
	if s.cur.Len() >= s.horizon {
		s.cur, s.old = s.old, s.cur
		s.cur.Reset()
		s.generation++
	}
	s.cur.Add(id)
}

// Len returns the number of ids held; one added again after a new table began counts twice.
func (s *Set) Len() int { return s.cur.Len() + s.old.Len() }

// Generation counts how often the set has begun a new table. An id added while it was g is known for
// as long as it is g or g+1.
func (s *Set) Generation() uint64 { return s.generation }
