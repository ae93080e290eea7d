package schemas

import (
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// DecodeArrow appends the rows of an Arrow record of ArrowSchema to dst, copying everything. The model
// comes from the schema metadata and is shared by the records. Times are UTC with microseconds; nulls
// become NaN, the zero time, an empty path and HDU -1.
//
// The record must have the columns of ArrowSchema in their order and types; anything else is an error.
func DecodeArrow(rec arrow.Record, dst []Record) ([]Record, error) {
	model, err := ModelFromMetadata(rec.Schema().Metadata())
	if err != nil {
		return dst, err
	}
	want := arrowFields()
	if int(rec.NumCols()) != len(want) {
		return dst, fmt.Errorf("the record has %d columns, version %d has %d", rec.NumCols(), RecordVersion, len(want))
	}
	for i, f := range want {
		if got := rec.Schema().Field(i); got.Name != f.Name || got.Type.ID() != f.Type.ID() {
			return dst, fmt.Errorf("column %d is %s %s, want %s %s", i, got.Name, got.Type, f.Name, f.Type)
		}
	}
	classIndex := make(map[string]int, len(model.Classes))
	for i, c := range model.Classes {
		classIndex[c] = i
	}
	rows := rowReader{rec: rec, model: model, classes: classIndex}
	for i := range int(rec.NumRows()) {
		r, err := rows.read(i)
		if err != nil {
			return dst, fmt.Errorf("row %d: %w", i, err)
		}
		dst = append(dst, r)
	}
	return dst, nil
}

// rowReader reads rows of one Arrow record whose column types have been checked.
type rowReader struct {
	rec     arrow.Record
	model   *ModelInfo
	classes map[string]int
}

func (d *rowReader) read(i int) (Record, error) {
	r := Record{
		Survey:        d.text(colSurvey, i),
		ObjectID:      []byte(d.text(colObjectID, i)),
		ObservationID: []byte(d.text(colObservationID, i)),
		RA:            d.degrees(colRA, i),
		Dec:           d.degrees(colDec, i),
		ObservedAt:    d.time(colObservedAt, i),
		Origin: Origin{
			Topic:     d.text(colTopic, i),
			Partition: d.rec.Column(colPartition).(*array.Int32).Value(i),
			Offset:    d.rec.Column(colOffset).(*array.Int64).Value(i),
			Path:      d.text(colPath, i),
			HDU:       -1,
		},
		Model:         d.model,
		Probability:   d.float(colProbability, i),
		Probabilities: d.list(colProbabilities, i),
		Embedding:     d.list(colEmbedding, i),
		ValidFraction: d.float(colValidFraction, i),
		Flags:         Flags(d.rec.Column(colFlags).(*array.Uint32).Value(i)),
		PublishedAt:   d.time(colPublishedAt, i),
		ProcessedAt:   d.time(colProcessedAt, i),
	}
	if hdu := d.rec.Column(colHDU).(*array.Int32); hdu.IsValid(i) {
		r.Origin.HDU = hdu.Value(i)
	}
	if d.rec.Column(colLabel).IsValid(i) {
		label, ok := d.classes[d.text(colLabel, i)]
		if !ok {
			return r, fmt.Errorf("label %q is not a class of model %s", d.text(colLabel, i), d.model.Name)
		}
		r.Label = label
	}
	var err error
	r.ID, err = ParseRecordID(d.text(colRecordID, i))
	return r, err
}

// text copies a string out of the column; a null reads as empty.
func (d *rowReader) text(col, i int) string {
	c := d.rec.Column(col).(*array.String)
	if c.IsNull(i) {
		return ""
	}
	return string([]byte(c.Value(i)))
}

func (d *rowReader) float(col, i int) float32 { return d.rec.Column(col).(*array.Float32).Value(i) }

func (d *rowReader) degrees(col, i int) float64 {
	c := d.rec.Column(col).(*array.Float64)
	if c.IsNull(i) {
		return math.NaN()
	}
	return c.Value(i)
}

func (d *rowReader) time(col, i int) time.Time {
	c := d.rec.Column(col).(*array.Timestamp)
	if c.IsNull(i) {
		return time.Time{}
	}
	return time.UnixMicro(int64(c.Value(i))).UTC()
}

func (d *rowReader) list(col, i int) []float32 {
	c := d.rec.Column(col).(*array.List)
	start, end := c.ValueOffsets(i)
	return append([]float32(nil), c.ListValues().(*array.Float32).Float32Values()[start:end]...)
}

// ParseRecordID reads the 32 hexadecimal digits that RecordID.String writes.
func ParseRecordID(s string) (RecordID, error) {
	var id RecordID
	if len(s) != 2*len(id) {
		return id, fmt.Errorf("record id %q: want %d hexadecimal digits", s, 2*len(id))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return id, fmt.Errorf("record id %q: %w", s, err)
	}
	return id, nil
}
