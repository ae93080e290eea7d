package idset

import (
	"math/rand/v2"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
)

func id(n uint64) (id schemas.RecordID) {
	rng := rand.New(rand.NewPCG(n, 1))
	for i := range id {
		id[i] = byte(rng.Uint32())
	}
	return id
}

func TestTableAgreesWithMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var table Table
	want := map[schemas.RecordID]bool{}
	for range 20000 {
		x := id(rng.Uint64N(8000))
		if rng.Uint32N(1000) == 0 {
			x = schemas.RecordID{}
		}
		if got := table.Add(x); got == want[x] {
			t.Fatalf("Add(%s) = %v, known before %v", x, got, want[x])
		}
		want[x] = true
		probe := id(rng.Uint64N(16000))
		if table.Has(probe) != want[probe] {
			t.Fatalf("Has(%s) = %v, want %v", probe, table.Has(probe), want[probe])
		}
	}
	if table.Len() != len(want) {
		t.Fatalf("Len = %d, want %d", table.Len(), len(want))
	}
	table.Reset()
	if table.Len() != 0 || table.Has(id(1)) || table.Has(schemas.RecordID{}) {
		t.Fatal("Reset left ids behind")
	}
}

func TestTableCollisions(t *testing.T) {
	var table Table
	for i := range 100 { // the same hash for all: one long probe sequence
		x := schemas.RecordID{0: 63, 15: byte(i)}
		if !table.Add(x) || table.Add(x) {
			t.Fatalf("id %d: want new once", i)
		}
	}
	if table.Len() != 100 {
		t.Fatalf("Len = %d, want 100", table.Len())
	}
}

func TestSetKeepsTheHorizonAndIsBounded(t *testing.T) {
	const horizon = 100
	s := New(horizon)
	for i := range uint64(1000) {
		s.Add(id(i))
		for j := max(i, horizon-1) - (horizon - 1); j <= i; j++ {
			if !s.Has(id(j)) {
				t.Fatalf("after %d ids, id %d within the horizon is forgotten", i+1, j)
			}
		}
		if s.Len() > 2*horizon {
			t.Fatalf("%d ids held, want at most %d", s.Len(), 2*horizon)
		}
	}
	if s.Has(id(0)) {
		t.Fatal("the first id is still known after 1,000: memory is not bounded")
	}
}

func TestSetGenerationBoundsMembership(t *testing.T) {
	s := New(10)
	s.Add(id(0))
	born := s.Generation()
	for i := uint64(1); s.Generation() <= born+1; i++ {
		if !s.Has(id(0)) {
			t.Fatalf("forgotten in generation %d, was added in %d", s.Generation(), born)
		}
		s.Add(id(i))
	}
}

func TestAddInSteadyStateAllocatesNothing(t *testing.T) {
	s := New(1000)
	var n uint64
	for range 4000 {
		n++
		s.Add(schemas.RecordID{0: byte(n), 1: byte(n >> 8), 8: 1})
	}
	if allocs := testing.AllocsPerRun(2000, func() {
		n++
		s.Add(schemas.RecordID{0: byte(n), 1: byte(n >> 8), 2: byte(n >> 16), 8: 1})
	}); allocs != 0 {
		t.Fatalf("%v allocations an id, want 0", allocs)
	}
}

func BenchmarkAddAndHas(b *testing.B) {
	s := New(1_000_000)
	var x schemas.RecordID
	for i := 0; b.Loop(); i++ {
		x = schemas.RecordID{}
		h := uint64(i) * 0x9E3779B97F4A7C15
		for k := range 8 {
			x[k] = byte(h >> (8 * k))
		}
		if !s.Has(x) {
			s.Add(x)
		}
	}
}
