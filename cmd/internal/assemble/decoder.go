package assemble

import (
	"fmt"
	"slices"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/ingest/decode"
	"github.com/galaxalign/galaxalign/ingest/fits"
	"github.com/galaxalign/galaxalign/ingest/packet"
)

// DecoderOptions says what the decoders of a configuration take from a message for models that want
// these images and features.
func DecoderOptions(s *config.Source, images, features []string) (decode.Options, error) {
	o := decode.Options{
		Format:      s.Format,
		MaxInflated: int(s.MaxInflated),
		Packet:      packet.Options{Features: features, Stamps: stamps(images), MaxInflated: int(s.MaxInflated)},
		FITS:        fits.Options{Survey: s.Survey, Bands: bands(s, images), AllowMissingBands: true},
	}
	o.FITS.Limits.MaxInflated = int(s.MaxInflated)
	if s.Schemas.Folder != "" || s.Schemas.Registry != "" {
		schemas, err := avro.NewSchemas(avro.SchemasOptions{Folder: s.Schemas.Folder, Registry: s.Schemas.Registry})
		if err != nil {
			return o, fmt.Errorf("source.schemas: %w", err)
		}
		o.Packet.Schemas, o.Packet.ResolveTimeout = schemas, s.Schemas.Timeout.Std()
	}
	if err := o.Validate(); err != nil {
		return o, fmt.Errorf("source: %w", err)
	}
	return o, nil
}

// stamps keeps the images that alert packets carry.
func stamps(images []string) []string {
	var out []string
	for _, name := range []string{packet.Science, packet.Template, packet.Difference} {
		if slices.Contains(images, name) {
			out = append(out, name)
		}
	}
	return out
}

// bands are the FITS images to take: those of the configuration, else those the models want that no
// packet carries.
func bands(s *config.Source, images []string) []string {
	if len(s.Bands) > 0 {
		return s.Bands
	}
	alert := stamps(images)
	var out []string
	for _, name := range images {
		if !slices.Contains(alert, name) {
			out = append(out, name)
		}
	}
	return out
}

// newDecoder returns the constructor that each worker calls.
func newDecoder(o decode.Options) func() (ingest.Decoder, error) {
	return func() (ingest.Decoder, error) { return decode.New(o) }
}
