package decode

import (
	"errors"
	"fmt"
	"strings"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/fits"
	"github.com/galaxalign/galaxalign/ingest/inflate"
	"github.com/galaxalign/galaxalign/ingest/packet"
)

// The formats of Options.
const (
	Auto = "auto" // look at each message
	ZTF  = "ztf"  // ZTF alerts in Avro containers
	LSST = "lsst" // LSST alerts, in the Confluent wire format or in containers
	FITS = "fits" // FITS files, plain or gzipped
)

// DefaultMaxInflated bounds a gzipped message in bytes: the largest live message, and a 3600x3600 float32
// brick (52 MB).
const DefaultMaxInflated = 64 << 20

// Options says what messages are and what to take from them.
type Options struct {
	// Format is Auto, ZTF, LSST or FITS; empty means Auto.
	Format string
	// Packet configures the reading of alert packets, FITS that of FITS files. FITS.Inflate, where nil,
	// becomes the reader of package inflate.
	Packet packet.Options
	FITS   fits.Options
	// MaxInflated bounds what a message that is gzipped as a whole may inflate to, in bytes, under Auto;
	// 0 means DefaultMaxInflated. A worker keeps a buffer as large as the largest such message.
	MaxInflated int
}

// Validate lists every fault of the options.
func (o Options) Validate() error {
	var errs []error
	switch o.Format {
	case "", Auto, ZTF, LSST, FITS:
	default:
		formats := strings.Join([]string{Auto, ZTF, LSST, FITS}, ", ")
		errs = append(errs, fmt.Errorf("decode: the format %q is none of %s", o.Format, formats))
	}
	if o.MaxInflated < 0 {
		errs = append(errs, errors.New("decode: the inflate limit is negative"))
	}
	return errors.Join(append(errs, o.Packet.Validate(), o.FITS.Validate())...)
}

// New makes the decoder of one worker. Its faults are those of packet.Any and fits.Decoder, and with Auto
// ReasonUnknownFormat.
func New(o Options) (ingest.Decoder, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.MaxInflated == 0 {
		o.MaxInflated = DefaultMaxInflated
	}
	reader := new(inflate.Reader)
	if o.FITS.Inflate == nil {
		o.FITS.Inflate = packet.InflateWith(reader)
	}
	switch o.Format {
	case ZTF:
		return packet.NewZTF(o.Packet), nil
	case LSST:
		return packet.NewLSST(o.Packet), nil
	case FITS:
		return fits.NewDecoder(o.FITS), nil
	}
	return &sniffer{
		packets: packet.NewAny(o.Packet), files: fits.NewDecoder(o.FITS),
		gunzip: packet.InflateWith(reader), limit: o.MaxInflated,
	}, nil
}
