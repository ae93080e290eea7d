package avro

import (
	"encoding/binary"
	"math"
	"math/bits"

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
			if i >= len(w.b) {
				return w.stop(i, failTruncated)
			}
			index := w.b[i]
			if index&^2 != 0 {
				return w.stop(i, failBranch)
			}
			i++
			if index == o.flip {
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

// skipNullable skips n unions of null and 2<<shift bytes. The index byte is 0 or 2 (zigzag of 0 and 1).
func (w *walker) skipNullable(i, n int, flip uint8, shift uint) int {
	b := w.b
	size := 2 << shift
	for ; n > 0; n-- {
		if i >= len(b) {
			return w.stop(len(b), failTruncated)
		}
		index := b[i]
		if index&^2 != 0 {
			return w.stop(i, failBranch)
		}
		i++
		if index != flip {
			i += size
		}
	}
	if i > len(b) {
		return w.stop(len(b), failTruncated)
	}
	return i
}

// varintBytes returns the length of the variable-length integer at i, 0 where it is damaged.
func varintBytes(b []byte, i int) int {
	if len(b)-i >= 8 {
		if ends := ^binary.LittleEndian.Uint64(b[i:]) & 0x8080808080808080; ends != 0 {
			return bits.TrailingZeros64(ends)/8 + 1
		}
	}
	for n := 0; n < 10 && i+n < len(b); n++ {
		if b[i+n] < 0x80 {
			return n + 1
		}
	}
	return 0
}

// badVarint stops at an integer that varintBytes refused.
func (w *walker) badVarint(i int) int {
	if len(w.b)-i >= 10 {
		return w.stop(i, failVarint)
	}
	return w.stop(i, failTruncated)
}

func (w *walker) skipVarints(i, n int) int {
	for ; n > 0; n-- {
		size := varintBytes(w.b, i)
		if size == 0 {
			return w.badVarint(i)
		}
		i += size
	}
	return i
}

func (w *walker) skipNullableVarints(i, n int, flip uint8) int {
	for ; n > 0; n-- {
		if i >= len(w.b) {
			return w.stop(i, failTruncated)
		}
		index := w.b[i]
		if index&^2 != 0 {
			return w.stop(i, failBranch)
		}
		i++
		if index != flip {
			size := varintBytes(w.b, i)
			if size == 0 {
				return w.badVarint(i)
			}
			i += size
		}
	}
	return i
}

func (w *walker) skipStrings(i, n int) int {
	for ; n > 0 && i >= 0; n-- {
		var length int
		if length, i = w.length(i); i >= 0 {
			i += length
		}
	}
	return i
}

func (w *walker) skipNullableStrings(i, n int, flip uint8) int {
	for ; n > 0 && i >= 0; n-- {
		if i >= len(w.b) {
			return w.stop(i, failTruncated)
		}
		index := w.b[i]
		if index&^2 != 0 {
			return w.stop(i, failBranch)
		}
		i++
		if index != flip {
			i = w.skipStrings(i, 1)
		}
	}
	return i
}

// long reads the integer at i and returns it with the position after it, or -1.
func (w *walker) long(i int) (int64, int) {
	b := w.b
	if i < len(b) && b[i] < 0x80 {
		return int64(b[i]>>1) ^ -int64(b[i]&1), i + 1
	}
	var u uint64
	for n := 0; n < 10; n++ {
		if i+n >= len(b) {
			return 0, w.stop(i, failTruncated)
		}
		c := b[i+n]
		u |= uint64(c&0x7f) << (7 * n)
		if c < 0x80 {
			if n == 9 && c > 1 {
				break
			}
			return int64(u>>1) ^ -int64(u&1), i + n + 1
		}
	}
	return 0, w.stop(i, failVarint)
}

// length reads the length of bytes or a string, checked against the bytes left.
func (w *walker) length(i int) (int, int) {
	n, next := w.long(i)
	if next < 0 {
		return 0, next
	}
	if n < 0 {
		return 0, w.stop(i, failLength)
	}
	if n > int64(len(w.b)-next) {
		return 0, w.stop(i, failTruncated)
	}
	return int(n), next
}

// union runs the block of the branch that the index names.
func (w *walker) union(o *op, i, depth int) int {
	n, next := w.long(i)
	if next < 0 {
		return next
	}
	table := w.p.unions[o.ref]
	if n < 0 || n >= int64(len(table)) {
		return w.stop(i, failBranch)
	}
	return w.block(table[n], next, depth+1)
}

// items walks an array or a map: blocks of counted items, ended by a count of 0. A negative count comes
// with the size of its block in bytes, which is stepped over whole.
func (w *walker) items(o *op, i, depth int) int {
	for {
		count, next := w.long(i)
		if next < 0 || count == 0 {
			return next
		}
		if count < 0 {
			size, after := w.length(next)
			if after < 0 {
				return after
			}
			i = after + size
			continue
		}
		if i = w.counted(o, count, next, depth); i < 0 {
			return i
		}
	}
}

// counted walks count items. Items that take no bytes are not walked; all others take at least one, so a
// count beyond the bytes left is refused at once.
func (w *walker) counted(o *op, count int64, i, depth int) int {
	item := w.p.blocks[o.ref]
	left := int64(len(w.b) - i)
	switch {
	case o.code == opSkipArray && len(item) == 0:
		return i
	case count > left:
		return w.stop(i, failCount)
	case o.code == opSkipArray && len(item) == 1 && item[0].code == opSkipFixed:
		if count > left/int64(item[0].n) {
			return w.stop(i, failCount)
		}
		return i + int(count)*int(item[0].n)
	}
	for ; count > 0 && i >= 0; count-- {
		if o.code == opSkipMap {
			if i = w.skipStrings(i, 1); i < 0 {
				return i
			}
		}
		i = w.block(o.ref, i, depth+1)
	}
	return i
}
