package sinktest

import (
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// memoryBackend shows the shape of a harness and holds the memory sink to the suite.
type memoryBackend struct{ store Store }

func (b *memoryBackend) Open(*testing.T) sink.Sink        { return &MemorySink{Store: &b.store} }
func (b *memoryBackend) Crash(*testing.T, sink.Sink)      {}
func (b *memoryBackend) Read(*testing.T) []schemas.Record { return b.store.Records() }
func newMemory(*testing.T, *schemas.ModelInfo) Backend    { return &memoryBackend{} }

func TestMemorySinkConforms(t *testing.T) {
	Run(t, Harness{New: newMemory, Features: Features{Remembers: Durable, Fields: AllFields}})
}
