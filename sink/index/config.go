package index

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
)

// Overflow says what happens to new records when the index is full.
type Overflow uint8

// The choices.
const (
	// Refuse fails the Write until MaxVectors is raised: nothing is lost, and the pipeline stands still.
	Refuse Overflow = iota
	// DropOldest lets the oldest records go: search covers the last MaxVectors records.
	DropOldest
)

// ErrFull is the cause of a Write refused by an index that is full. It can be retried, to no avail until
// the index is opened with more room.
var ErrFull = errors.New("the index is full: raise its maximum number of vectors, let it drop the oldest, or use the Milvus sink")

// Config sets where the index is and how large it may grow. Zero fields take the defaults.
type Config struct {
	// Dir is the folder of this process alone, made when absent.
	Dir string
	// Model is the model whose embeddings are kept; its Embedding is their length, at least 1.
	// Embeddings of different models cannot be compared, so each has an index of its own.
	Model *schemas.ModelInfo
	// MaxVectors bounds the memory: each record takes 4 B for each value of its embedding and about
	// 200 B beside. Default 500,000: 1.1 GB at 512 values, 0.2 GB at 64. The log on disk is at most
	// about twice as large.
	MaxVectors int
	// Overflow says what happens beyond MaxVectors; the default is Refuse.
	Overflow Overflow
	// SearchWorkers bounds the goroutines of one search. Default: the smaller of 4 and GOMAXPROCS, as
	// memory is the limit and a few cores saturate it.
	SearchWorkers int
}

// DefaultMaxVectors is the default of Config.MaxVectors.
const DefaultMaxVectors = 500_000

// maxEmbedding bounds the length of an embedding; the longest in use have a few thousand values.
const maxEmbedding = 65_536

func (c Config) withDefaults() Config {
	if c.MaxVectors == 0 {
		c.MaxVectors = DefaultMaxVectors
	}
	if c.SearchWorkers == 0 {
		c.SearchWorkers = min(4, runtime.GOMAXPROCS(0))
	}
	return c
}

// Validate lists every fault of the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("no folder: set Dir to where the index shall be kept"))
	}
	switch {
	case c.Model == nil:
		errs = append(errs, errors.New("no model: an index holds the embeddings of one model"))
	case c.Model.Embedding < 1 || c.Model.Embedding > maxEmbedding:
		errs = append(errs, fmt.Errorf("model %s has an embedding of length %d: want 1 to %d; leave the index out for a model without one", c.Model.Name, c.Model.Embedding, maxEmbedding))
	}
	if c.MaxVectors < 0 || c.MaxVectors > 1<<31-1 {
		errs = append(errs, fmt.Errorf("maximum vectors is %d: want 1 to 2^31-1, or 0 for %d", c.MaxVectors, DefaultMaxVectors))
	}
	if c.Overflow > DropOldest {
		errs = append(errs, fmt.Errorf("overflow is %d: want Refuse or DropOldest", c.Overflow))
	}
	if c.SearchWorkers < 0 {
		errs = append(errs, fmt.Errorf("search workers is %d: want at least 1, or 0 for the default", c.SearchWorkers))
	}
	return errors.Join(errs...)
}

// Option injects a collaborator.
type Option func(*Index)

// WithLogger sets where failed rewrites of the log are reported; the default is slog.Default.
func WithLogger(l *slog.Logger) Option { return func(x *Index) { x.logger = l } }

// WithFS sets the file system; the default is that of the operating system.
func WithFS(fs disk.FS) Option { return func(x *Index) { x.fs = fs } }
