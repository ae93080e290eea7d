package batch

import (
	"errors"
	"fmt"
	"time"
)

// Lane is a priority class of rows. A batch holds rows of one lane.
type Lane int

// The lanes.
const (
	Live     Lane = iota // what the survey sends now
	Backfill             // what was there before; it gets what live leaves
	lanes
)

// String names the lane as in metrics and configuration.
func (l Lane) String() string {
	switch l {
	case Live:
		return "live"
	case Backfill:
		return "backfill"
	}
	return fmt.Sprintf("lane(%d)", int(l))
}

// Config sizes a batcher. The zero value of each field means its default.
type Config struct {
	// MaxRows is the number of rows of a full batch; default 16, at most the rows of a buffer.
	MaxRows int
	// MaxWait is how long the oldest committed row of a batch waits for more; default 20 ms. It bounds
	// what batching adds to the latency: MaxWait + the time to fill rows already reserved.
	MaxWait time.Duration
	// Runners is the number of goroutines that call the run function; default 1. On a CPU one a core.
	Runners int
}

// The defaults of Config.
const (
	DefaultMaxRows = 16
	DefaultMaxWait = 20 * time.Millisecond
	DefaultRunners = 1
)

// withDefaults fills in the defaults.
func (c Config) withDefaults() Config {
	if c.MaxRows == 0 {
		c.MaxRows = DefaultMaxRows
	}
	if c.MaxWait == 0 {
		c.MaxWait = DefaultMaxWait
	}
	if c.Runners == 0 {
		c.Runners = DefaultRunners
	}
	return c
}

// Validate lists every fault of the configuration.
func (c Config) Validate() error {
	var errs []error
	if c.MaxRows < 0 {
		errs = append(errs, fmt.Errorf("max rows: %d is negative", c.MaxRows))
	}
	if c.MaxWait < 0 {
		errs = append(errs, fmt.Errorf("max wait: %v is negative", c.MaxWait))
	}
	if c.Runners < 0 {
		errs = append(errs, fmt.Errorf("runners: %d is negative", c.Runners))
	}
	return errors.Join(errs...)
}
