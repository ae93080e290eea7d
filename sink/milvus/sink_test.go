package milvus

import (
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

func TestSinkConforms(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		New: func(t *testing.T, m *schemas.ModelInfo) sinktest.Backend {
			return &table{cfg: Config{Address: newFake(t).address}, model: m, await: func(*testing.T, *Searcher) {}}
		},
		Features: kept,
	})
}
