package avro

import (
	"math"

	"github.com/galaxalign/galaxalign/schemas"
)

// maxCalls bounds how deep recursive types may nest in a datum. Survey packets nest once.
const maxCalls = 64

// failure is why a walk stopped.
type failure uint8

const (
	failNone failure = iota
	failTruncated
	failVarint
	failLength
	failBranch
	failBoolean
	failInt
	failSymbol
	failCount
	failDepth
)

var failures = [...]struct {
	reason schemas.Reason
	detail string
}{
	failTruncated: {schemas.ReasonTruncated, "the Avro datum ends inside a value; the message was cut, or its schema is not the writer's"},
	failVarint:    {schemas.ReasonBadAvro, "an Avro integer has more than ten bytes"},
	failLength:    {schemas.ReasonBadAvro, "an Avro length is negative or beyond the end of the datum"},
	failBranch:    {schemas.ReasonBadAvro, "an Avro union index names no branch"},
	failBoolean:   {schemas.ReasonBadAvro, "an Avro boolean is neither 0 nor 1"},
	failInt:       {schemas.ReasonBadAvro, "an Avro int is beyond 32 bits"},
	failSymbol:    {schemas.ReasonBadAvro, "an Avro enum index names no symbol"},
	failCount:     {schemas.ReasonBadAvro, "an Avro array or map states more items than bytes are left"},
	failDepth:     {schemas.ReasonBadAvro, "an Avro record nests in itself too deeply"},
}

// walker is the state of one walk. Every operation consumes at least one byte, or is a call bounded by
// maxCalls to a block that does, so the number of steps is bounded by the length of the datum.
type walker struct {
	p    *Program
	b    []byte
	row  []Value
	pos  int // where the walk failed
	fail failure
}

// Run walks one datum at the start of b and fills row, whose length is that of the paths given to
// Compile. It returns the number of bytes the datum takes; more may follow. base is the position of b in
// the payload, for the position of a fault; -1 when it has none (inflated data). Values in row point into b.
//
// Faults: ReasonTruncated and ReasonBadAvro, with the position. On a fault the slots before it are filled.
func (p *Program) Run(b []byte, base int64, row []Value) (int, error) {
	copy(row, p.initial)
	if len(b) > math.MaxInt32 {
		return 0, schemas.NewFault(schemas.StageIngest, schemas.ReasonTooLarge, "an Avro datum of %d bytes is over 2 GiB", len(b))
	}
	w := walker{p: p, b: b, row: row[:len(p.initial)]}
	end := w.block(0, 0, 0)
	if w.fail != failNone {
		f := failures[w.fail]
		fault := schemas.NewFault(schemas.StageIngest, f.reason, "%s", f.detail)
		if base >= 0 {
			fault.Position = base + int64(w.pos)
		}
		return 0, fault
	}
	return end, nil
}

// stop records the failure; the position it returns is past every loop's condition.
func (w *walker) stop(pos int, f failure) int {
	w.pos, w.fail = pos, f
	return -1
}

// block runs one block from position i and returns the position after it, or -1.
func (w *walker) block(id int32, i, depth int) int {
	if depth > maxCalls {
		return w.stop(i, failDepth)
	}
	ops := w.p.blocks[id]
	for pc := 0; pc < len(ops); pc++ {
		o := &ops[pc]
		switch o.code {
		case opSkipFixed:
			if len(w.b)-i < int(o.n) {
				return w.stop(i, failTruncated)
			}
			i += int(o.n)
		case opSkipVarint:
			i = w.skipVarints(i, int(o.n))
		case opSkipString:
			i = w.skipStrings(i, int(o.n))
		case opSkipNullable4:
			i = w.skipNullable(i, int(o.n), o.flip, 1)
		case opSkipNullable8:
			i = w.skipNullable(i, int(o.n), o.flip, 2)
		case opSkipNullableVarint:
			i = w.skipNullableVarints(i, int(o.n), o.flip)
		case opSkipNullableString:
			i = w.skipNullableStrings(i, int(o.n), o.flip)
		case opNullable:
			var present bool
			if present, i = w.present(i, o.flip); !present {
				pc += int(o.n)
			}
		case opSkipArray, opSkipMap:
			i = w.items(o, i, depth)
		case opCall:
			i = w.block(o.ref, i, depth+1)
		case opUnion:
			i = w.union(o, i, depth)
		default:
			i = w.get(o, i)
		}
		if i < 0 {
			return i
		}
	}
	return i
}

// present reads the index of a union of null and one type at i: 0 or 2, the zigzag of 0 and 1, of which
// flip is null. It returns whether a value follows, and the position after the index; false and -1 when
// the index names no branch.
func (w *walker) present(i int, flip uint8) (bool, int) {
	if i >= len(w.b) {
		return false, w.stop(i, failTruncated)
	}
	index := w.b[i]
	if index&^2 != 0 {
		return false, w.stop(i, failBranch)
	}
	return index != flip, i + 1
}
