package packet

import (
	"math"
	"strconv"

	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/schemas"
)

// identify sets the names of source and observation, as far as the row holds them.
func (p *plan) identify(row []avro.Value, c *schemas.Cutout) {
	c.Survey = p.layout.survey
	c.ObjectID = appendFirst(c.ObjectID[:0], row, p.object)
	c.ObservationID = appendFirst(c.ObservationID[:0], row, p.observation)
	if p.late {
		c.Flags |= schemas.FlagLateSchema
	}
}

// appendFirst appends the first of the slots that names something: a string that is not empty, or a
// number that is not 0, which surveys write for none.
func appendFirst(dst []byte, row []avro.Value, slots []int) []byte {
	for _, slot := range slots {
		v := &row[slot]
		if n, ok := v.Int64(); ok && n != 0 {
			return strconv.AppendInt(dst, n, 10)
		}
		if v.Kind == avro.KindString && len(v.Bytes) > 0 {
			return append(dst, v.Bytes...)
		}
	}
	return dst
}

// identified refuses a packet without identity.
func (p *plan) identified(c *schemas.Cutout) error {
	if len(c.ObservationID) == 0 {
		return schemas.NewFault(schemas.StageIngest, schemas.ReasonMissingField,
			"the %s packet has no %s, which names the observation", p.layout.survey, p.layout.observation[0])
	}
	if len(c.ObjectID) == 0 && !p.layout.anonymous {
		return schemas.NewFault(schemas.StageIngest, schemas.ReasonMissingField,
			"the %s packet has no %s, which names the source", p.layout.survey, p.layout.object[0])
	}
	return nil
}

// measure sets position, time and features.
func (p *plan) measure(row []avro.Value, c *schemas.Cutout) {
	c.RA, _ = row[p.ra].Float64()
	c.Dec, _ = row[p.dec].Float64()
	if !(c.RA >= 0 && c.RA <= 360 && c.Dec >= -90 && c.Dec <= 90) {
		c.RA, c.Dec = math.NaN(), math.NaN()
		c.Flags |= schemas.FlagNoPosition
	}
	value, _ := row[p.time].Float64()
	at, ok := observedAt(value, p.layout.scale)
	if !ok {
		c.Flags |= schemas.FlagBadTime
	}
	c.ObservedAt = at
	for _, slot := range p.features {
		if slot == signFeature {
			c.Features = append(c.Features, p.signOf(&row[p.sign]))
		} else {
			c.Features = append(c.Features, row[slot].Float32())
		}
	}
}

// signOf reads whether the source is brighter than the template: a boolean, an integer, or the strings
// "t", "1", "f", "0" of ZTF.
func (p *plan) signOf(v *avro.Value) float32 {
	positive, known := false, false
	if n, ok := v.Int64(); ok {
		positive, known = n > 0, true
	} else if v.Kind == avro.KindString && len(v.Bytes) == 1 {
		positive = v.Bytes[0] == 't' || v.Bytes[0] == '1'
		known = positive || v.Bytes[0] == 'f' || v.Bytes[0] == '0'
	}
	switch {
	case !known:
		return float32(math.NaN())
	case positive != p.layout.negative:
		return 1
	}
	return -1
}

// images decodes the stamps. base is the position of the datum in the payload, -1 when it has none.
func (p *plan) images(row []avro.Value, base int64, reader StampReader, c *schemas.Cutout) error {
	for i := range p.stamps {
		s := &p.stamps[i]
		v := &row[s.record]
		if v.Kind == avro.KindAbsent {
			v = &row[s.plain]
		}
		if len(v.Bytes) == 0 {
			return schemas.NewFault(schemas.StageIngest, schemas.ReasonMissingCutout,
				"%s is null or absent; without it there is no %s image", s.field, s.role)
		}
		if err := reader.Read(c, s.role, v.Bytes); err != nil {
			return stampError(err, s, v, base)
		}
		p.complete(s, row, c)
	}
	return nil
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
func stampError(err error, s *stampSlot, v *avro.Value, base int64) error {
	inner := schemas.AsFault(err)
	if inner == nil {
		return err
	}
	f := schemas.NewFault(schemas.StageIngest, inner.Reason, "%s: %s", s.field, inner.Detail)
	f.Err = inner.Err
	if base >= 0 {
		f.Position = base + int64(v.Pos) + max(0, inner.Position)
	}
	return f
}
