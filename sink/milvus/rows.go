package milvus

import (
	"math"
	"unicode/utf8"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// selectRows returns the indexes to send, in order: rows that pass checkRow, and of rows with the same
// id only the last, because Milvus stores every duplicate of one request. Rows that do not pass are
// the rejects.
func selectRows(b *sink.Batch, last map[schemas.RecordID]int) (rows []int, rejects []sink.Reject) {
	clear(last)
	for i := range b.Records {
		if err := checkRow(&b.Records[i], b.Model); err != nil {
			rejects = append(rejects, sink.Reject{Index: i, Err: err})
			continue
		}
		last[b.Records[i].ID] = i
	}
	rows = make([]int, 0, len(last))
	for i := range b.Records {
		if at, ok := last[b.Records[i].ID]; ok && at == i {
			rows = append(rows, i)
		}
	}
	return rows, rejects
}

// checkRow returns a Fault when Milvus could never hold a record, or nil.
func checkRow(r *schemas.Record, m *schemas.ModelInfo) error {
	if err := schemas.CheckRecord(r, m); err != nil {
		return err
	}
	if err := checkVector(r.Embedding); err != nil {
		return err
	}
	for _, t := range [...]struct {
		field string
		size  int
		limit int
	}{
		{fieldSurvey, textSize(r.Survey), maxSurvey},
		{fieldObject, textSize(r.ObjectID), maxObject},
		{fieldObservation, textSize(r.ObservationID), maxObservation},
		{fieldLabel, textSize(label(r, m)), maxLabel},
		{fieldOrigin, textSize(r.Origin.String()), maxOrigin},
	} {
		if t.size > t.limit {
			return schemas.NewFault(schemas.StageSink, schemas.ReasonTooLarge,
				"%s has %d bytes, a Milvus collection of this program holds %d: take sinks.milvus out or shorten it at the source",
				t.field, t.size, t.limit)
		}
	}
	return nil
}

// checkVector refuses vectors that Milvus would refuse together with their whole request (NaN,
// infinity) or store where no search ever finds them.
func checkVector(v []float32) error {
	norm := sink.Norm(v)
	if sink.Comparable(norm) {
		return nil
	}
	for i, x := range v {
		if x != x || math.IsInf(float64(x), 0) {
			return schemas.NewFault(schemas.StageSink, schemas.ReasonRejected,
				"embedding[%d] is %v: Milvus refuses the whole request for it", i, x)
		}
	}
	return schemas.NewFault(schemas.StageSink, schemas.ReasonRejected,
		"the embedding has length %v as a vector: cosine similarity needs one from %g to %g", norm, sink.MinNorm, sink.MaxNorm)
}

// textSize is len(text(v)).
func textSize[T string | []byte](v T) int {
	n := len(v)
	if n > 0 && !utf8.ValidString(string(v)) {
		n = len(text(v))
	}
	return n
}
