package packet

import (
	"errors"
	"math"

	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/ingest/fits"
	"github.com/galaxalign/galaxalign/ingest/inflate"
	"github.com/galaxalign/galaxalign/schemas"
)

// stampReader decodes one stamp and adds it to the cutout as an image of the given name. Faults carry
// positions within payload.
type stampReader interface {
	Read(c *schemas.Cutout, name string, payload []byte) error
}

// roles is the number of stamp roles.
const roles = 3

// stamps decodes the stamps of a packet. Gzipped ones are inflated together, which is faster than one
// after the other.
type stamps struct {
	limits  fits.Limits
	readers map[*layout]stampReader
	gunzip  inflate.Reader
	streams [roles]inflate.Stream
	scratch [roles][]byte // memory of the inflated stamps
}

// reader returns the reader for the stamps of a survey.
func (s *stamps) reader(l *layout) stampReader {
	r := s.readers[l]
	if r == nil {
		r = fits.NewStampReader(l.survey, s.limits, InflateWith(&s.gunzip))
		s.readers[l] = r
	}
	return r
}

// InflateWith makes the gzip reader of package fits out of an inflate.Reader, which the caller keeps for
// one worker.
func InflateWith(r *inflate.Reader) fits.InflateFunc {
	return func(dst, src []byte, limit int) ([]byte, error) {
		out, _, err := r.Gunzip(dst, src, limit)
		if errors.Is(err, inflate.ErrTooLarge) {
			f := schemas.NewFault(schemas.StageIngest, schemas.ReasonTooLarge,
				"the gzip stream inflates to more than %d bytes; raise the limit if such data are expected", limit)
			f.Err = err
			return out, f
		}
		return out, err
	}
}

// read decodes the stamps that p wants. base is the position of the datum in the payload, -1 when it has
// none. A stamp that is missing is found before any is decoded.
func (s *stamps) read(p *plan, row []avro.Value, base int64, c *schemas.Cutout) error {
	zipped := 0
	for i := range p.stamps {
		payload := p.stamps[i].value(row).Bytes
		if len(payload) == 0 {
			return schemas.NewFault(schemas.StageIngest, schemas.ReasonMissingCutout,
				"%s is null or absent; without it there is no %s image", p.stamps[i].field, p.stamps[i].role)
		}
		if isGzip(payload) {
			s.streams[zipped] = inflate.Stream{Src: payload, Dst: s.scratch[zipped]}
			zipped++
		}
	}
	s.gunzip.GunzipAll(s.streams[:zipped], s.limits.MaxInflated)
	next := 0
	for i := range p.stamps {
		payload := p.stamps[i].value(row).Bytes
		if isGzip(payload) {
			payload = s.inflated(next, payload, c)
			next++
		}
		if err := p.reader.Read(c, p.stamps[i].role, payload); err != nil {
			return stampError(err, &p.stamps[i], row, base)
		}
		p.complete(&p.stamps[i], row, c)
	}
	return nil
}

// inflated returns what became of a stream, and keeps its memory. A stream that failed is given to the
// reader as it is, which inflates it again and names what is wrong with it.
func (s *stamps) inflated(i int, zipped []byte, c *schemas.Cutout) []byte {
	st := &s.streams[i]
	s.scratch[i] = st.Dst
	switch {
	case st.Err != nil:
		return zipped
	case st.Trailing:
		c.Flags |= schemas.FlagTrailingJunk
	}
	return st.Dst
}

// isGzip reports whether b begins with the gzip magic (RFC 1952, section 2.3.1).
func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

// value returns the bytes of a stamp as the schema has it.
func (s *stampSlot) value(row []avro.Value) *avro.Value {
	if v := &row[s.record]; v.Kind != avro.KindAbsent {
		return v
	}
	return &row[s.plain]
}

// complete adds to the image just read what the survey says of all its stamps.
func (p *plan) complete(s *stampSlot, row []avro.Value, c *schemas.Cutout) {
	img := c.Image(s.role)
	if img == nil {
		return
	}
	l := p.layout
	if l.nominal > 0 && (img.Width < l.nominal || img.Height < l.nominal) {
		c.Flags |= schemas.FlagEdge
	}
	if img.Unit == "" {
		img.Unit = l.unit
	}
	if math.IsNaN(img.PixelScale) {
		img.PixelScale = l.pixelScale
	}
	if math.IsNaN(img.ZeroPoint) {
		img.ZeroPoint = l.zeroPoint
		if p.zeroPoint >= 0 && s.role != Template {
			img.ZeroPoint, _ = row[p.zeroPoint].Float64()
		}
	}
}

// stampError says which stamp a fault is in and moves its position from the stamp to the payload.
func stampError(err error, s *stampSlot, row []avro.Value, base int64) error {
	inner := schemas.AsFault(err)
	if inner == nil {
		return err
	}
	f := schemas.NewFault(schemas.StageIngest, inner.Reason, "%s: %s", s.field, inner.Detail)
	f.Err = inner.Err
	if base >= 0 {
		f.Position = base + int64(s.value(row).Pos)
		if !isGzip(s.value(row).Bytes) {
			f.Position += max(0, inner.Position)
		}
	}
	return f
}
