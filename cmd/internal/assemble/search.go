package assemble

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/decode"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// Search is the vector store of a configuration's first model, with the model to embed new pictures.
type Search struct {
	Searcher sink.Searcher
	cfg      *config.Config
	models   []Model
	store    interface{ Close(context.Context) error }
}

var errNoStore = errors.New("no vector store is configured: set sinks.index.dir or sinks.milvus.address")

// OpenSearch opens the vector store that a configuration writes to: Milvus when it is there, else the
// embedded index.
func OpenSearch(ctx context.Context, rt *ort.Runtime, cfg *config.Config) (*Search, error) {
	models, err := OpenModels(rt, cfg.Models[:1], cfg.Pipeline.BatchRows)
	if err != nil {
		return nil, err
	}
	s := &Search{cfg: cfg, models: models}
	if err := s.openStore(models[0].Info()); err != nil {
		return nil, errors.Join(err, closeModels(models))
	}
	return s, nil
}

func (s *Search) openStore(model *schemas.ModelInfo) error {
	switch c := &s.cfg.Sinks; {
	case c.Milvus.Address != "":
		m, err := openMilvus(c.Milvus)
		if err != nil {
			return err
		}
		s.Searcher, s.store = m.Searcher(model), m
	case c.Index.Dir != "":
		x, err := openIndex(c.Index, model)
		if err != nil {
			return err
		}
		s.Searcher, s.store = x, x
	default:
		return errNoStore
	}
	return nil
}

// Search finds the records nearest to a vector. A label that the model does not have is an error.
func (s *Search) Search(ctx context.Context, q sink.Query) ([]sink.Hit, error) {
	if q.Filter.Label != "" {
		if err := knownLabels([]string{q.Filter.Label}, s.models); err != nil {
			return nil, err
		}
	}
	return s.Searcher.Search(ctx, q)
}

// Embed returns the embedding of a FITS file or alert packet; name is its path, for errors.
func (s *Search) Embed(payload []byte, name string) ([]float32, error) {
	m := s.models[0]
	options, err := DecoderOptions(&s.cfg.Source, m.Transform.Recipe().Bands, m.Features())
	if err != nil {
		return nil, err
	}
	decoder, err := decode.New(options)
	if err != nil {
		return nil, err
	}
	var c schemas.Cutout
	c.Reset()
	message := ingest.Message{Key: []byte(filepath.Base(name)), Value: payload, Origin: schemas.Origin{Path: name}}
	if err := decoder.Decode(&message, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	b := m.NewBuffers()
	vector, err := embed(m, b, &c)
	if err := errors.Join(err, b.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return vector, nil
}

// Close releases store and model.
func (s *Search) Close(ctx context.Context) error {
	return errors.Join(s.store.Close(ctx), closeModels(s.models))
}
