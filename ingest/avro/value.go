package avro

import "math"

// Value is one extracted field: a typed view of the datum. Bytes points into the datum (or, for an enum,
// at the symbol) and is valid as long as the datum is.
type Value struct {
	Bytes []byte // content of bytes, string and fixed; the symbol of an enum
	bits  uint64 // int, long, boolean and enum index as two's complement; float and double as IEEE bits
	Pos   int32  // where in the datum the value (for bytes and string: their content) starts
	Kind  Kind   // KindAbsent: the schema has no such path; KindNull: null, or inside a null record
}

// Present reports whether there is a value: neither null nor absent.
func (v *Value) Present() bool { return v.Kind > KindNull }

// Int64 returns an int, long, boolean (0, 1) or enum index.
func (v *Value) Int64() (int64, bool) {
	switch v.Kind {
	case KindInt, KindLong, KindBoolean, KindEnum:
		return int64(v.bits), true
	}
	return 0, false
}

// Float64 returns a number or boolean (0, 1) as float64, and NaN for anything else. Longs beyond 2^53
// round to nearest.
func (v *Value) Float64() (float64, bool) {
	switch v.Kind {
	case KindFloat:
		return float64(math.Float32frombits(uint32(v.bits))), true
	case KindDouble:
		return math.Float64frombits(v.bits), true
	case KindInt, KindLong, KindBoolean:
		return float64(int64(v.bits)), true
	}
	return math.NaN(), false
}

// Float32 returns a number or boolean (0, 1) rounded once to float32, and NaN for anything else.
func (v *Value) Float32() float32 {
	switch v.Kind {
	case KindFloat:
		return math.Float32frombits(uint32(v.bits))
	case KindDouble:
		return float32(math.Float64frombits(v.bits))
	case KindInt, KindLong, KindBoolean:
		return float32(int64(v.bits))
	}
	return float32(math.NaN())
}
