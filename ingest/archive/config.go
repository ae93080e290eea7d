package archive

import (
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
)

// Config configures a Source. Zero fields take the defaults named beside them.
//
// Memory: at most WindowBytes of payloads in flight and as much again in buffers waiting for reuse, or one
// message of MaxMessageBytes where that is more.
type Config struct {
	// Name is the topic of every origin, and the name in metrics and logs. Default "archive".
	Name string
	// Paths are files and folders, read in this order. Folders are walked in order of name; in them, names
	// that begin with a dot are passed over, and links to folders are not followed.
	Paths []string
	// Include are patterns of path.Match for the base names of items (files and members of archives, not
	// archives themselves); an item that matches any is read. Default: all are.
	Include []string
	// StateFile remembers what is finished. Its folder must exist. Empty: every run starts at the beginning.
	StateFile string
	// StateInterval is the time between two writes of the state file, if there is progress. Default 1 s.
	StateInterval time.Duration
	// WindowMessages and WindowBytes bound what is delivered and unfinished; a full window blocks Fetch.
	// A message larger than WindowBytes is delivered alone. Default 1,024 and 256 MiB.
	WindowMessages int
	WindowBytes    int64
	// MaxMessageBytes is the largest item delivered; larger ones are refused. Default 64 MiB.
	MaxMessageBytes int64
	// Refused takes what cannot be delivered: items over MaxMessageBytes and the rest of a damaged archive,
	// each as a letter without a payload, whose origin says where it lies. Without it the first of them
	// ends the source with an error.
	Refused ingest.DeadLetters
}

func (c Config) withDefaults() Config {
	setDefault(&c.Name, "archive")
	setDefault(&c.StateInterval, time.Second)
	setDefault(&c.WindowMessages, 1024)
	setDefault(&c.WindowBytes, 256<<20)
	setDefault(&c.MaxMessageBytes, 64<<20)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate lists every fault of the configuration, or returns nil. It does not look at the files.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("archive: "+format, args...))
		}
	}
	check(len(c.Paths) > 0, "no paths given")
	for i, p := range c.Paths {
		check(p != "", "path %d is empty", i)
	}
	for _, pattern := range c.Include {
		_, err := path.Match(pattern, "")
		check(err == nil, "include pattern %q: %v", pattern, err)
	}
	check(c.StateInterval > 0, "state interval: %v, want more than 0", c.StateInterval)
	check(c.WindowMessages > 0, "window messages: %d, want at least 1", c.WindowMessages)
	check(c.WindowBytes > 0, "window bytes: %d, want at least 1", c.WindowBytes)
	check(c.MaxMessageBytes > 0 && c.MaxMessageBytes <= 1<<31-1, "max message bytes: %d, want 1 to %d", c.MaxMessageBytes, int64(1<<31-1))
	return errors.Join(faults...)
}
