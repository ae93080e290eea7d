package packet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/ingest/fits"
)

// The stamp roles, which name the images of a cutout.
const (
	Science    = "science"
	Template   = "template"
	Difference = "difference"
)

// Sign is the name of a feature that every survey has: +1 for a source brighter than the template, -1 for
// one fainter, NaN where the packet does not say.
const Sign = "sign"

// Defaults of Options.
const (
	DefaultMaxInflated    = 64 << 20 // bytes; a large live message
	DefaultResolveTimeout = 5 * time.Second
)

// SchemaSource finds the schema of an id. An id that does not exist is a *schemas.Fault with
// ReasonUnknownSchema; any other error is transient. It is shared by all workers.
type SchemaSource interface {
	Resolve(ctx context.Context, id int32) (*avro.Schema, error)
}

// Options says what to take from a packet.
type Options struct {
	// Features are the scalar features in the order the cutout gets them: a field of the survey's
	// candidate record (ZTF, WINTER, DECam: "candidate"; LSST: "diaSource") by name, as in "drb"; any
	// other scalar by its dotted path from the root, as in "diaObject.nDiaSources"; or Sign. Booleans
	// count as 0 and 1; strings, null and absent fields give NaN. A name may be listed more than once.
	Features []string
	// Stamps are the images to decode, in order, a subset of Science, Template and Difference. Empty
	// means all three in this order.
	Stamps []string
	// Schemas finds LSST schemas by id. Without it only LSST containers can be read.
	Schemas SchemaSource
	// ResolveTimeout bounds one look-up in Schemas; 0 means DefaultResolveTimeout.
	ResolveTimeout time.Duration
	// MaxInflated bounds the inflated size of a compressed Avro block in bytes; 0 means
	// DefaultMaxInflated. A worker keeps a buffer as large as its largest block.
	MaxInflated int
	// Limits bound what one stamp may cost. A worker keeps one inflated copy of each stamp.
	Limits fits.Limits
}

// Validate lists every fault of the options.
func (o Options) Validate() error {
	var errs []error
	for i, name := range o.Features {
		if name == "" {
			errs = append(errs, fmt.Errorf("feature %d has no name", i))
		}
	}
	seen := map[string]bool{}
	for _, name := range o.Stamps {
		if stampIndex(name) < 0 {
			errs = append(errs, fmt.Errorf("stamp %q is none of %s, %s, %s", name, Science, Template, Difference))
		}
		if seen[name] {
			errs = append(errs, fmt.Errorf("stamp %q is listed twice", name))
		}
		seen[name] = true
	}
	if o.ResolveTimeout < 0 || o.MaxInflated < 0 {
		errs = append(errs, errors.New("resolve timeout and inflate limit must not be negative"))
	}
	errs = append(errs, o.Limits.Validate())
	return errors.Join(errs...)
}

// withDefaults fills what is left open.
func (o Options) withDefaults() Options {
	if len(o.Stamps) == 0 {
		o.Stamps = []string{Science, Template, Difference}
	}
	if o.ResolveTimeout == 0 {
		o.ResolveTimeout = DefaultResolveTimeout
	}
	if o.MaxInflated == 0 {
		o.MaxInflated = DefaultMaxInflated
	}
	if o.Limits.MaxInflated == 0 {
		o.Limits.MaxInflated = fits.DefaultLimits().MaxInflated
	}
	return o
}

// stampIndex is the place of a stamp role in layout.stamps, or -1.
func stampIndex(name string) int {
	switch name {
	case Science:
		return 0
	case Template:
		return 1
	case Difference:
		return 2
	}
	return -1
}
