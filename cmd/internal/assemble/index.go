package assemble

import (
	"fmt"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/index"
)

func openIndex(c config.Index, model *schemas.ModelInfo) (*index.Index, error) {
	cfg := index.Config{Dir: modelDir(c.Dir, model), Model: model, MaxVectors: c.MaxVectors}
	if c.Overflow == "drop_oldest" {
		cfg.Overflow = index.DropOldest
	}
	x, err := index.Open(cfg)
	if err != nil {
		return nil, fmt.Errorf("sinks.index: %w", err)
	}
	return x, nil
}
