package decode

import (
	"bytes"
	"fmt"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/ingest/fits"
	"github.com/galaxalign/galaxalign/schemas"
)

// sniffer decodes each message by what its bytes are.
type sniffer struct {
	packets, files ingest.Decoder
	gunzip         fits.InflateFunc
	limit          int
	inflated       []byte
	inner          ingest.Message // a gzipped message as it is inside
}

// Decode fills c from a message of any format.
func (s *sniffer) Decode(m *ingest.Message, c *schemas.Cutout) error {
	if !bytes.HasPrefix(m.Value, gzipMagic) {
		return s.plain(m, c)
	}
	out, err := s.gunzip(s.inflated, m.Value, s.limit)
	s.inflated = out
	if err != nil {
		if schemas.AsFault(err) != nil {
			return err
		}
		f := schemas.NewFault(schemas.StageIngest, schemas.ReasonBadGzip, "the message is a damaged gzip stream; fetch it again")
		f.Err = err
		return f
	}
	s.inner = *m
	s.inner.Value = out
	err = s.plain(&s.inner, c)
	s.inner = ingest.Message{}
	if err != nil {
		return unplaced(err)
	}
	return nil
}

// unplaced takes the position from a fault: it counts inflated bytes, which the payload does not have.
func unplaced(err error) error {
	f := schemas.AsFault(err)
	if f == nil {
		return err
	}
	inside := *f
	inside.Position = -1
	return &inside
}

// plain decodes a message that is not gzipped.
func (s *sniffer) plain(m *ingest.Message, c *schemas.Cutout) error {
	b := m.Value
	switch {
	case bytes.HasPrefix(b, []byte(avro.ContainerMagic)):
		return s.packets.Decode(m, c)
	case bytes.HasPrefix(b, []byte("SIMPLE")):
		return s.files.Decode(m, c)
	case isWire(b):
		return s.packets.Decode(m, c)
	}
	f := schemas.NewFault(schemas.StageIngest, schemas.ReasonUnknownFormat,
		"the message is %s; this program reads survey alerts in Avro, and FITS", looksLike(b))
	f.Position = 0
	return f
}

// isWire reports whether b has the header of the Confluent wire format. Schema ids are positive, which
// keeps runs of zeros out.
func isWire(b []byte) bool {
	id, _, ok := avro.Wire(b)
	return ok && id > 0
}

var gzipMagic = []byte{0x1f, 0x8b}

// looksLike names what a payload is, in words, for the person who reads the dead letters.
func looksLike(b []byte) string {
	if len(b) == 0 {
		return "empty"
	}
	for _, m := range [...]struct{ magic, name string }{
		{"\x1f\x8b", "gzip inside gzip"}, {"BZh", "bzip2"}, {"\xfd7zXZ", "xz"}, {"\x28\xb5\x2f\xfd", "zstandard"},
		{"\x1f\x9d", "Unix compress (.Z)"}, {"PK\x03\x04", "a zip archive"}, {"PAR1", "a Parquet file"},
		{"ARROW1", "an Arrow file"}, {"\x89HDF", "an HDF5 file"}, {"\x93NUMPY", "a NumPy array"},
		{"\x89PNG", "a PNG picture"}, {"\xff\xd8\xff", "a JPEG picture"}, {"%PDF", "a PDF document"},
		{"XTENSION", "a FITS extension without its primary header"},
	} {
		if bytes.HasPrefix(b, []byte(m.magic)) {
			return m.name
		}
	}
	if len(b) > 262 && string(b[257:262]) == "ustar" {
		return "a tar archive"
	}
	switch text := bytes.TrimLeft(b, " \t\r\n\xef\xbb\xbf"); {
	case bytes.HasPrefix(text, []byte("<")):
		return "an HTML or XML page"
	case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
		return "JSON"
	}
	return fmt.Sprintf("of an unknown kind, beginning with the bytes % x", b[:min(len(b), 8)])
}
