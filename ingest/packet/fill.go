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

// maxName bounds a name in bytes. The longest in use (DESIRT) has 51.
const maxName = 256

// appendFirst appends the first of the slots that names something: a string of 1 to maxName bytes, or a
// number that is not 0, which surveys write for none.
func appendFirst(dst []byte, row []avro.Value, slots []int) []byte {
	for _, slot := range slots {
		v := &row[slot]
		if n, ok := v.Int64(); ok && n != 0 {
			return strconv.AppendInt(dst, n, 10)
		}
		if v.Kind == avro.KindString && len(v.Bytes) > 0 && len(v.Bytes) <= maxName {
			return append(dst, v.Bytes...)
		}
	}
	return dst
}

// identified refuses a packet without identity.
func (p *plan) identified(c *schemas.Cutout) error {
	if len(c.ObservationID) == 0 {
		return schemas.NewFault(schemas.StageIngest, schemas.ReasonMissingField,
			"the %s packet has no %s of 1 to %d bytes, which names the observation", p.layout.survey, p.layout.observation[0], maxName)
	}
	if len(c.ObjectID) == 0 && !p.layout.anonymous {
		return schemas.NewFault(schemas.StageIngest, schemas.ReasonMissingField,
			"the %s packet has no %s of 1 to %d bytes, which names the source", p.layout.survey, p.layout.object[0], maxName)
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
