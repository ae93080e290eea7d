// Package sinktest is the conformance suite that every sink passes, and a sink in memory that fails on
// demand for the tests of whatever writes to sinks.
//
// Guarantee: a sink that passes Run keeps the contract of sink.Sink as far as its harness says it can:
// acknowledged records survive a crash, and writing a record again changes nothing that a reader sees.
package sinktest

import (
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// Backend is one empty storage of the sink under test. Sinks opened on it share what was written.
type Backend interface {
	// Open opens the sink on the storage, or opens it again after Close or Crash.
	Open(t *testing.T) sink.Sink
	// Crash drops an open sink as the death of its process would: nothing is flushed or made visible,
	// but locks and goroutines are gone. The sink is not used afterwards.
	Crash(t *testing.T, s sink.Sink)
	// Read returns every record a reader sees now, in any order, in copies. A sink that keeps fewer
	// fields than the record has returns those it keeps and says so in Features.
	Read(t *testing.T) []schemas.Record
}

// Harness is what a sink gives to Run.
type Harness struct {
	// New makes an empty storage for records of that model. Clean-up goes to t.Cleanup.
	New func(t *testing.T, m *schemas.ModelInfo) Backend
	Features
}

// Features say what a back end can do; the suite tests no more than that and no less.
type Features struct {
	// NeedsEmbedding: records without an embedding are refused (a vector index).
	NeedsEmbedding bool
	// Remembers says how long the sink knows the records it has written.
	Remembers Memory
	// KeepsLast: a record written again with the same id and other contents replaces the first.
	// Otherwise the first stays.
	KeepsLast bool
	// Appends: a reader may see a record once more for each time it was written across a restart
	// (a topic). Only for sinks with Remembers below Durable.
	Appends bool
	// Fields lists the fields Read returns beyond the identity; see Field.
	Fields Field
}

// Memory is how long a sink knows what it has written.
type Memory uint8

// The memories, in rising order.
const (
	Nothing Memory = iota // reports no duplicates (a plain upsert)
	Process               // knows the records written since it was opened
	Durable               // knows them after a restart as well
)

// Field is a set of record fields. Survey, ObjectID, ObservationID, Label and Probability are always
// compared.
type Field uint8

// The fields a back end may or may not keep.
const (
	Position      Field = 1 << iota // RA, Dec, with NaN for unknown
	ObservedAt                      // to the microsecond
	Origin                          // all of it
	Probabilities                   // all classes
	Embedding                       // exactly
	Quality                         // ValidFraction and Flags
	Times                           // PublishedAt and ProcessedAt, to the microsecond
	AllFields     = Position | ObservedAt | Origin | Probabilities | Embedding | Quality | Times
)

// Model returns a model with three classes and an embedding of that length, for tests.
func Model(embedding int) *schemas.ModelInfo {
	return &schemas.ModelInfo{
		Name: "starter", Version: "1.2.0",
		Hash:       "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		RecipeHash: "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100",
		Classes:    []string{"elliptical", "spiral", "merger"},
		Embedding:  embedding,
	}
}
