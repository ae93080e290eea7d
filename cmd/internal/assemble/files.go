package assemble

import (
	"fmt"
	"log/slog"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/arrowfile"
	"github.com/galaxalign/galaxalign/sink/parquet"
)

func filesConfig(f config.Files, model *schemas.ModelInfo) arrowfile.Config {
	return arrowfile.Config{Dir: modelDir(f.Dir, model), MaxRows: f.MaxRows, MaxBytes: int64(f.MaxBytes), MaxAge: f.MaxAge.Std()}
}

func openArrow(f config.Files, model *schemas.ModelInfo, log *slog.Logger) (*arrowfile.Sink, error) {
	s, err := arrowfile.Open(filesConfig(f, model), arrowfile.WithLogger(log))
	if err != nil {
		return nil, fmt.Errorf("sinks.arrow: %w", err)
	}
	return s, nil
}

func openParquet(f config.Files, model *schemas.ModelInfo, log *slog.Logger) (*arrowfile.Sink, error) {
	s, err := parquet.Open(filesConfig(f, model), arrowfile.WithLogger(log))
	if err != nil {
		return nil, fmt.Errorf("sinks.parquet: %w", err)
	}
	return s, nil
}
