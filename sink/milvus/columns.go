package milvus

import (
	"fmt"
	"math"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
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

func (c *columns) add(r *schemas.Record) {
	ra, dec := r.RA, r.Dec
	if math.IsNaN(ra) || math.IsNaN(dec) {
		ra, dec = unknownRA, unknownDec
	}
	c.id = append(c.id, r.ID.String())
	c.survey = append(c.survey, r.Survey)
	c.object = append(c.object, string(r.ObjectID))
	c.observation = append(c.observation, string(r.ObservationID))
	c.ra, c.dec = append(c.ra, ra), append(c.dec, dec)
	c.observedAt = append(c.observedAt, micros(r.ObservedAt))
	c.label = append(c.label, r.Model.Classes[r.Label])
	c.probability = append(c.probability, r.Probability)
	c.valid = append(c.valid, r.ValidFraction)
	c.flags = append(c.flags, int64(r.Flags))
	c.origin = append(c.origin, r.Origin.String())
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

// checkRow says why Milvus could never hold a record, or nil.
func checkRow(r *schemas.Record, dim int) error {
	if len(r.Embedding) != dim {
		return fmt.Errorf("embedding has %d values, the collection holds %d", len(r.Embedding), dim)
	}
	for i, v := range r.Embedding {
		if v != v || math.IsInf(float64(v), 0) {
			return fmt.Errorf("embedding[%d] is %v: Milvus refuses the whole request for it", i, v)
		}
	}
	if r.Label < 0 || r.Label >= len(r.Model.Classes) {
		return fmt.Errorf("label %d is none of the model's %d classes", r.Label, len(r.Model.Classes))
	}
	for _, text := range []struct {
		field string
		size  int
		limit int
	}{
		{fieldSurvey, len(r.Survey), maxSurvey},
		{fieldObject, len(r.ObjectID), maxObject},
		{fieldObservation, len(r.ObservationID), maxObservation},
		{fieldLabel, len(r.Model.Classes[r.Label]), maxLabel},
		{fieldOrigin, len(r.Origin.String()), maxOrigin},
	} {
		if text.size > text.limit {
			return fmt.Errorf("%s has %d bytes, the collection holds %d", text.field, text.size, text.limit)
		}
	}
	return nil
}

// selectRows returns the indexes to send, in order: rows that pass checkRow, and of rows with the same
// id only the last, because Milvus stores every duplicate of one request. The others are rejects.
func selectRows(b *sink.Batch, last map[schemas.RecordID]int) (rows []int, rejects []sink.Reject) {
	clear(last)
	for i := range b.Records {
		if err := checkRow(&b.Records[i], b.Model.Embedding); err != nil {
			rejects = append(rejects, sink.Reject{Index: i, Err: err})
			continue
		}
		last[b.Records[i].ID] = i
	}
	for i := range b.Records {
		if at, ok := last[b.Records[i].ID]; ok && at == i {
			rows = append(rows, i)
		}
	}
	return rows, rejects
}

// rowBytes estimates the size of one row on the wire, generously.
func rowBytes(dim int) int { return 4*dim + 1024 }
