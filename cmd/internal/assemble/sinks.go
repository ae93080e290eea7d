package assemble

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/milvus"
)

// sinks are the destinations of one model and what searches them.
type sinks struct {
	out      *sink.Fanout
	searcher sink.Searcher // nil when there is no vector store
}

// openSinks opens every sink of the configuration for one model. Files come first: they remember what
// was written best, so they judge duplicates.
func openSinks(ctx context.Context, cfg *config.Config, model *schemas.ModelInfo, log *slog.Logger) (s sinks, err error) {
	var opened []sink.Sink
	defer func() {
		if err != nil {
			for _, o := range opened {
				err = errors.Join(err, o.Close(ctx))
			}
		}
	}()
	add := func(o sink.Sink, openErr error) bool {
		if openErr != nil {
			err = openErr
			return false
		}
		opened = append(opened, o)
		return true
	}
	c := &cfg.Sinks
	if c.Arrow.Dir != "" && !add(openArrow(c.Arrow, model, log)) {
		return s, err
	}
	if c.Parquet.Dir != "" && !add(openParquet(c.Parquet, model, log)) {
		return s, err
	}
	if err := needsEmbedding(c, model); err != nil {
		return s, err
	}
	if c.Index.Dir != "" {
		vectors, openErr := openIndex(c.Index, model)
		if !add(vectors, openErr) {
			return s, err
		}
		s.searcher = vectors
	}
	if c.Milvus.Address != "" {
		m, openErr := openMilvus(c.Milvus)
		if !add(m, openErr) {
			return s, err
		}
		s.searcher = m.Searcher(model)
	}
	if c.Alerts.Topic != "" && !add(openAlerts(cfg)) {
		return s, err
	}
	s.out, err = sink.NewFanout(sink.FanoutConfig{}, opened...)
	return s, err
}

// needsEmbedding refuses vector stores for a model that makes no vectors.
func needsEmbedding(c *config.Sinks, model *schemas.ModelInfo) error {
	if model.Embedding > 0 || (c.Index.Dir == "" && c.Milvus.Address == "") {
		return nil
	}
	return fmt.Errorf("model %s makes no embedding, so sinks.index and sinks.milvus cannot hold its records: import its bundle with --embedding, or take them out", model.Name)
}

// modelDir is the folder of one model below a sink's folder.
func modelDir(dir string, model *schemas.ModelInfo) string { return filepath.Join(dir, model.Name) }

func openMilvus(c config.Milvus) (*milvus.Sink, error) {
	cfg := milvus.Config{
		Address: c.Address, Database: c.Database, User: c.User, Password: c.Password,
		Prefix: c.Collection, BatchRows: c.BatchRows,
	}
	if c.TLS {
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	s, err := milvus.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("sinks.milvus: %w", err)
	}
	return s, nil
}
