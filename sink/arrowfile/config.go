package arrowfile

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/galaxalign/galaxalign/sink/internal/disk"
)

// Config sets where and how files are written. Zero fields take the defaults.
type Config struct {
	// Dir is the folder of this process alone, made when absent.
	Dir string
	// MaxRows, MaxBytes and MaxAge say when a segment is sealed; the first to be reached counts.
	// Defaults 1,000,000 rows, 256 MiB and 15 minutes. A record takes about 450 B plus 4 B for each
	// value of its embedding: 256 MiB are about 600,000 records without and 107,000 with 512 values.
	MaxRows  int
	MaxBytes int64
	MaxAge   time.Duration
	// Horizon is the number of most recent record ids known without looking into files. Default
	// 1,000,000: at most 64 MiB of memory (see idset.Set), 17 minutes at 1,000 records a second. The
	// ids of segments that are not yet sealed are kept beside it, whatever the horizon: 32 to 64 B a
	// record, so 32 MiB for each of up to three segments of 1,000,000.
	Horizon int
	// LookupFiles is the number of older files whose ids are kept in memory during a replay of older
	// offsets. Default 2: at most 2 x MaxRows x 2 slots x 16 B, rounded up to a power of two, is
	// 128 MiB with the default MaxRows.
	LookupFiles int
}

// The defaults of Config.
const (
	DefaultMaxRows     = 1_000_000
	DefaultMaxBytes    = 256 << 20
	DefaultMaxAge      = 15 * time.Minute
	DefaultHorizon     = 1_000_000
	DefaultLookupFiles = 2
)

func (c Config) withDefaults() Config {
	if c.MaxRows == 0 {
		c.MaxRows = DefaultMaxRows
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.MaxAge == 0 {
		c.MaxAge = DefaultMaxAge
	}
	if c.Horizon == 0 {
		c.Horizon = DefaultHorizon
	}
	if c.LookupFiles == 0 {
		c.LookupFiles = DefaultLookupFiles
	}
	return c
}

// Validate lists every fault of the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("no folder: set Dir to where the files shall go"))
	}
	if c.MaxRows < 0 {
		errs = append(errs, fmt.Errorf("maximum rows is %d: want at least 1, or 0 for %d", c.MaxRows, DefaultMaxRows))
	}
	if c.MaxBytes < 0 {
		errs = append(errs, fmt.Errorf("maximum bytes is %d: want at least 1, or 0 for %d", c.MaxBytes, DefaultMaxBytes))
	}
	if c.MaxAge < 0 {
		errs = append(errs, fmt.Errorf("maximum age is %s: want a positive duration, or 0 for %s", c.MaxAge, DefaultMaxAge))
	}
	if c.Horizon < 0 {
		errs = append(errs, fmt.Errorf("horizon is %d: want at least 1, or 0 for %d", c.Horizon, DefaultHorizon))
	}
	if c.LookupFiles < 0 {
		errs = append(errs, fmt.Errorf("lookup files is %d: want at least 1, or 0 for %d", c.LookupFiles, DefaultLookupFiles))
	}
	return errors.Join(errs...)
}

// Option injects a collaborator.
type Option func(*Sink)

// WithFormat sets the format of sealed files; the default is Arrow IPC.
func WithFormat(f Format) Option { return func(s *Sink) { s.format = f } }

// WithLogger sets where a failing seal is reported; the default is slog.Default.
func WithLogger(l *slog.Logger) Option { return func(s *Sink) { s.log = l } }

// WithFS sets the file system; the default is that of the operating system.
func WithFS(fs disk.FS) Option { return func(s *Sink) { s.fs = fs } }
