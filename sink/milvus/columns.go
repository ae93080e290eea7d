package milvus

import (
	"time"
	"unicode/utf8"

	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"github.com/galaxalign/galaxalign/schemas"
)

// columns gathers the rows of one upsert field by field. It is reused from request to request.
type columns struct {
	id, survey, object, observation, label, origin []string
	ra, dec                                        []float64
	observedAt, flags, processedAt                 []int64
	probability, valid                             []float32
	embedding                                      [][]float32
}

func (c *columns) reset() {
	c.id, c.survey, c.object = c.id[:0], c.survey[:0], c.object[:0]
	c.observation, c.label, c.origin = c.observation[:0], c.label[:0], c.origin[:0]
	c.ra, c.dec = c.ra[:0], c.dec[:0]
	c.observedAt, c.flags, c.processedAt = c.observedAt[:0], c.flags[:0], c.processedAt[:0]
	c.probability, c.valid = c.probability[:0], c.valid[:0]
	c.embedding = c.embedding[:0]
}

func (c *columns) len() int { return len(c.id) }

// add appends a record that checkRow lets pass.
func (c *columns) add(r *schemas.Record, m *schemas.ModelInfo) {
	ra, dec := stored(r.RA, r.Dec)
	c.id = append(c.id, r.ID.String())
	c.survey = append(c.survey, text(r.Survey))
	c.object = append(c.object, text(r.ObjectID))
	c.observation = append(c.observation, text(r.ObservationID))
	c.ra, c.dec = append(c.ra, ra), append(c.dec, dec)
	c.observedAt = append(c.observedAt, micros(r.ObservedAt))
	c.label = append(c.label, text(label(r, m)))
	c.probability = append(c.probability, r.Probability)
	c.valid = append(c.valid, r.ValidFraction)
	c.flags = append(c.flags, int64(r.Flags))
	c.origin = append(c.origin, text(r.Origin.String()))
	c.processedAt = append(c.processedAt, micros(r.ProcessedAt))
	c.embedding = append(c.embedding, r.Embedding)
}

// entities hands the rows to the client. The slices are shared, so they must stay until the call ends.
func (c *columns) entities(dim int) []entity.Column {
	return []entity.Column{
		entity.NewColumnVarChar(fieldID, c.id),
		entity.NewColumnVarChar(fieldSurvey, c.survey),
		entity.NewColumnVarChar(fieldObject, c.object),
		entity.NewColumnVarChar(fieldObservation, c.observation),
		entity.NewColumnDouble(fieldRA, c.ra),
		entity.NewColumnDouble(fieldDec, c.dec),
		entity.NewColumnInt64(fieldObservedAt, c.observedAt),
		entity.NewColumnVarChar(fieldLabel, c.label),
		entity.NewColumnFloat(fieldProbability, c.probability),
		entity.NewColumnFloat(fieldValidFraction, c.valid),
		entity.NewColumnInt64(fieldFlags, c.flags),
		entity.NewColumnVarChar(fieldOrigin, c.origin),
		entity.NewColumnInt64(fieldProcessedAt, c.processedAt),
		entity.NewColumnFloatVector(fieldEmbedding, dim, c.embedding),
	}
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// text is what Milvus takes for a string: bytes that are not UTF-8 become U+FFFD, one each, because one
// such byte fails the whole request.
func text[T string | []byte](v T) string {
	s := string(v)
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// label is the class of a record; a model without classes has none.
func label(r *schemas.Record, m *schemas.ModelInfo) string {
	if len(m.Classes) == 0 {
		return ""
	}
	return m.Classes[r.Label]
}

// requestRows is the most rows of one upsert: at most limit, and no more than maxRequestBytes when every
// text is as long as it may be.
func requestRows(limit, dim int) int {
	return max(1, min(limit, maxRequestBytes/(4*dim+maxRowTexts+numbersOfRow)))
}
