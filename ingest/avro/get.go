package avro

import (
	"encoding/binary"
	"math"
)

// get extracts the value at i into its slot and returns the position after it, or -1.
func (w *walker) get(o *op, i int) int {
	v := &w.row[o.slot]
	switch o.code {
	case opGetFloat:
		if len(w.b)-i < 4 {
			return w.stop(i, failTruncated)
		}
		*v = Value{Kind: KindFloat, Pos: int32(i), bits: uint64(binary.LittleEndian.Uint32(w.b[i:]))}
		return i + 4
	case opGetDouble:
		if len(w.b)-i < 8 {
			return w.stop(i, failTruncated)
		}
		*v = Value{Kind: KindDouble, Pos: int32(i), bits: binary.LittleEndian.Uint64(w.b[i:])}
		return i + 8
	case opGetInt, opGetLong:
		return w.getInteger(o, v, i)
	case opGetBytes:
		n, next := w.length(i)
		if next < 0 {
			return next
		}
		*v = Value{Kind: o.kind, Pos: int32(next), Bytes: w.b[next : next+n : next+n]}
		return next + n
	case opGetFixed:
		n := int(o.n)
		if len(w.b)-i < n {
			return w.stop(i, failTruncated)
		}
		*v = Value{Kind: KindFixed, Pos: int32(i), Bytes: w.b[i : i+n : i+n]}
		return i + n
	case opGetEnum:
		return w.getEnum(o, v, i)
	}
	return w.getBoolean(v, i)
}

func (w *walker) getInteger(o *op, v *Value, i int) int {
	n, next := w.long(i)
	if next < 0 {
		return next
	}
	if o.code == opGetInt && (n < math.MinInt32 || n > math.MaxInt32) {
		return w.stop(i, failInt)
	}
	*v = Value{Kind: o.kind, Pos: int32(i), bits: uint64(n)}
	return next
}

func (w *walker) getEnum(o *op, v *Value, i int) int {
	n, next := w.long(i)
	if next < 0 {
		return next
	}
	symbols := w.p.symbols[o.ref]
	if n < 0 || n >= int64(len(symbols)) {
		return w.stop(i, failSymbol)
	}
	*v = Value{Kind: KindEnum, Pos: int32(i), bits: uint64(n), Bytes: symbols[n]}
	return next
}

func (w *walker) getBoolean(v *Value, i int) int {
	if i >= len(w.b) {
		return w.stop(i, failTruncated)
	}
	if w.b[i] > 1 {
		return w.stop(i, failBoolean)
	}
	*v = Value{Kind: KindBoolean, Pos: int32(i), bits: uint64(w.b[i])}
	return i + 1
}
