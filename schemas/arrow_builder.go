package schemas

import (
	"encoding/hex"
	"math"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Builder turns records into Arrow record batches of ArrowSchema. Its column buffers are reused from
// batch to batch: in steady state Append allocates nothing. It is not safe for concurrent use.
//
// It fills plain slices and wraps them as Arrow buffers instead of using array.RecordBuilder, which
// gives its buffers away with every batch.
type Builder struct {
	schema *arrow.Schema
	model  *ModelInfo
	rows   int
	cols   [numColumns]column
}

// column is one growing column: values or offsets+values, and a validity bitmap where it may be null.
type column struct {
	offsets []int32 // utf8 and list columns: rows+1 entries
	bytes   []byte  // utf8
	i32     []int32
	u32     []uint32
	i64     []int64
	f32     []float32
	f64     []float64
	valid   []byte // bitmap, least significant bit first
	nulls   int
}

// maxColumnBytes bounds one column of a batch: Arrow's utf8 and list offsets are int32.
const maxColumnBytes = math.MaxInt32

// NewBuilder makes a Builder for the records of one model.
func NewBuilder(m *ModelInfo) *Builder {
	b := &Builder{schema: ArrowSchema(m), model: m}
	b.Reset()
	return b
}

// Schema returns the schema of the batches.
func (b *Builder) Schema() *arrow.Schema { return b.schema }

// Len returns the number of records appended since Reset.
func (b *Builder) Len() int { return b.rows }

// Reset empties the builder and keeps its buffers. The last batch from Record must not be used any more.
func (b *Builder) Reset() {
	b.rows = 0
	for i := range b.cols {
		c := &b.cols[i]
		c.offsets = append(c.offsets[:0], 0)
		c.bytes, c.i32, c.u32, c.i64 = c.bytes[:0], c.i32[:0], c.u32[:0], c.i64[:0]
		c.f32, c.f64, c.valid, c.nulls = c.f32[:0], c.f64[:0], c.valid[:0], 0
	}
}

// Append adds one record, copying it. The error is a *Fault: the record does not fit the model
// (CheckRecord), or the batch would pass Arrow's 2 GiB a column.
func (b *Builder) Append(r *Record) error {
	if err := CheckRecord(r, b.model); err != nil {
		return err
	}
	if b.overflows(r) {
		return NewFault(StageSink, ReasonTooLarge, "the record batch would pass 2 GiB in one column: write smaller batches")
	}
	row, m := b.rows, b.model
	var id [2 * len(r.ID)]byte
	hex.Encode(id[:], r.ID[:])
	b.cols[colRecordID].addBytes(id[:])
	b.cols[colSurvey].addText(r.Survey)
	b.cols[colObjectID].addTextBytes(r.ObjectID)
	b.cols[colObservationID].addTextBytes(r.ObservationID)
	b.cols[colRA].addDegrees(row, r.RA)
	b.cols[colDec].addDegrees(row, r.Dec)
	b.cols[colObservedAt].addTime(row, r.ObservedAt)
	b.appendOrigin(row, &r.Origin)
	b.cols[colModel].addText(m.Name)
	b.cols[colModelVersion].addText(m.Version)
	b.cols[colModelHash].addText(m.Hash)
	b.cols[colRecipeHash].addText(m.RecipeHash)
	label := ""
	if len(m.Classes) > 0 {
		label = m.Classes[r.Label]
	}
	b.cols[colLabel].addText(label)
	b.cols[colLabel].mark(row, len(m.Classes) > 0)
	b.cols[colProbability].f32 = append(b.cols[colProbability].f32, r.Probability)
	b.cols[colProbabilities].addList(r.Probabilities)
	b.cols[colEmbedding].addList(r.Embedding)
	b.cols[colValidFraction].f32 = append(b.cols[colValidFraction].f32, r.ValidFraction)
	b.cols[colFlags].u32 = append(b.cols[colFlags].u32, uint32(r.Flags))
	b.cols[colPublishedAt].addTime(row, r.PublishedAt)
	b.cols[colProcessedAt].addTime(row, r.ProcessedAt)
	b.rows++
	return nil
}

func (b *Builder) appendOrigin(row int, o *Origin) {
	b.cols[colTopic].addText(o.Topic)
	b.cols[colPartition].i32 = append(b.cols[colPartition].i32, o.Partition)
	b.cols[colOffset].i64 = append(b.cols[colOffset].i64, o.Offset)
	b.cols[colPath].addText(o.Path)
	b.cols[colPath].mark(row, o.Path != "")
	b.cols[colHDU].i32 = append(b.cols[colHDU].i32, o.HDU)
	b.cols[colHDU].mark(row, o.HDU >= 0)
}

// overflows reports whether r would take a column past the reach of int32 offsets. Invalid UTF-8 can
// grow threefold when it is replaced.
func (b *Builder) overflows(r *Record) bool {
	return len(b.cols[colObjectID].bytes)+3*len(r.ObjectID) > maxColumnBytes ||
		len(b.cols[colObservationID].bytes)+3*len(r.ObservationID) > maxColumnBytes ||
		len(b.cols[colTopic].bytes)+3*len(r.Origin.Topic) > maxColumnBytes ||
		len(b.cols[colPath].bytes)+3*len(r.Origin.Path) > maxColumnBytes ||
		len(b.cols[colSurvey].bytes)+3*len(r.Survey) > maxColumnBytes ||
		4*(len(b.cols[colEmbedding].f32)+len(r.Embedding)) > maxColumnBytes ||
		4*(len(b.cols[colProbabilities].f32)+len(r.Probabilities)) > maxColumnBytes ||
		(b.rows+1)*64 > maxColumnBytes
}

// Record wraps the rows appended so far as one Arrow record, without copying. It is valid until the next
// Append or Reset; the caller releases it.
func (b *Builder) Record() arrow.Record {
	arrays := make([]arrow.Array, numColumns)
	for i := range arrays {
		arrays[i] = b.cols[i].array(b.schema.Field(i).Type, b.rows)
	}
	rec := array.NewRecord(b.schema, arrays, int64(b.rows))
	for _, a := range arrays {
		a.Release()
	}
	return rec
}

// array wraps the column's slices as an Arrow array of n rows.
func (c *column) array(t arrow.DataType, n int) arrow.Array {
	var valid *memory.Buffer
	if c.nulls > 0 {
		valid = memory.NewBufferBytes(c.valid)
	}
	offsets := func() *memory.Buffer { return memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.offsets)) }
	var data *array.Data
	switch t.ID() {
	case arrow.STRING:
		data = array.NewData(t, n, []*memory.Buffer{valid, offsets(), memory.NewBufferBytes(c.bytes)}, nil, c.nulls, 0)
	case arrow.LIST:
		items := array.NewData(arrow.PrimitiveTypes.Float32, len(c.f32),
			[]*memory.Buffer{nil, memory.NewBufferBytes(arrow.Float32Traits.CastToBytes(c.f32))}, nil, 0, 0)
		data = array.NewData(t, n, []*memory.Buffer{valid, offsets()}, []arrow.ArrayData{items}, c.nulls, 0)
		items.Release()
	default:
		data = array.NewData(t, n, []*memory.Buffer{valid, memory.NewBufferBytes(c.fixed(t.ID()))}, nil, c.nulls, 0)
	}
	defer data.Release()
	return array.MakeFromData(data)
}

// fixed returns the bytes of a fixed-width column.
func (c *column) fixed(id arrow.Type) []byte {
	switch id {
	case arrow.FLOAT64:
		return arrow.Float64Traits.CastToBytes(c.f64)
	case arrow.FLOAT32:
		return arrow.Float32Traits.CastToBytes(c.f32)
	case arrow.INT32:
		return arrow.Int32Traits.CastToBytes(c.i32)
	case arrow.UINT32:
		return arrow.Uint32Traits.CastToBytes(c.u32)
	default: // int64 and timestamp share their layout
		return arrow.Int64Traits.CastToBytes(c.i64)
	}
}

func (c *column) addBytes(v []byte) {
	c.bytes = append(c.bytes, v...)
	c.offsets = append(c.offsets, int32(len(c.bytes)))
}

func (c *column) addText(v string) {
	if utf8.ValidString(v) {
		c.bytes = append(c.bytes, v...)
	} else {
		for _, r := range v { // ranging yields U+FFFD for each byte that is not UTF-8
			c.bytes = utf8.AppendRune(c.bytes, r)
		}
	}
	c.offsets = append(c.offsets, int32(len(c.bytes)))
}

func (c *column) addTextBytes(v []byte) {
	if utf8.Valid(v) {
		c.addBytes(v)
		return
	}
	c.addText(string(v))
}

func (c *column) addList(v []float32) {
	c.f32 = append(c.f32, v...)
	c.offsets = append(c.offsets, int32(len(c.f32)))
}

// addDegrees appends an angle; one that is not finite is null.
func (c *column) addDegrees(row int, v float64) {
	ok := !math.IsNaN(v) && !math.IsInf(v, 0)
	if !ok {
		v = 0
	}
	c.f64 = append(c.f64, v)
	c.mark(row, ok)
}

// addTime appends a time as microseconds since 1970 UTC, rounded down; the zero time is null.
func (c *column) addTime(row int, t time.Time) {
	ok := !t.IsZero()
	var us int64
	if ok {
		us = t.UnixMicro()
	}
	c.i64 = append(c.i64, us)
	c.mark(row, ok)
}

// mark sets the validity bit of a row.
func (c *column) mark(row int, ok bool) {
	if row%8 == 0 {
		c.valid = append(c.valid, 0)
	}
	if ok {
		c.valid[row/8] |= 1 << (row % 8)
	} else {
		c.nulls++
	}
}
