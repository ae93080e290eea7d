package tile

import "math"

// ditherLen is the length of the table.
const ditherLen = 10000

// Dither is the table of pseudo-random numbers in [0, 1) that quantised tiles are dithered with
// (standard 4.0, appendix I): the multiplicative generator of Park & Miller (1988) from the seed 1.
type Dither struct{ r [ditherLen]float32 }

// NewDither computes the table; it takes 40 kB and well under a millisecond.
func NewDither() *Dither {
	d := new(Dither)
	d.fill()
	return d
}

// fill writes the table and returns the last state of the generator. Every product is below 2^46.
func (d *Dither) fill() (state uint64) {
	state = 1
	for i := range d.r {
		state = state * 16807 % (1<<31 - 1)
		d.r[i] = float32(float64(state) / (1<<31 - 1))
	}
	return state
}

// start is the place in the table where tile number row (from 0) of an image with ZDITHER0 = seed begins.
func (d *Dither) start(row, seed int) (k, j int) {
	k = (row + seed - 1) % ditherLen
	return k, d.offset(k)
}

// offset is where entry k of the table sends a tile.
func (d *Dither) offset(k int) int { return int(500 * float64(d.r[k])) }

// Quantum says how stored integers of one tile become physical values:
// (stored - R + 0.5) x Scale + Zero with dithering, stored x Scale + Zero without, in float64.
type Quantum struct {
	Scale, Zero float64
	Blank       int64 // stored integer that means NaN, where HasBlank; it is looked at first
	HasBlank    bool
	Dither      *Dither // nil: none
	Row, Seed   int     // with Dither: number of the tile from 0, and ZDITHER0
	// Zeros says that two stored integers mean exactly 0 (SUBTRACTIVE_DITHER_2): -2147483647 as the
	// standard has it, and -2147483646 as the common writers do.
	Zeros bool
}

// integer and float are the types on the two sides of Dequantise.
type (
	integer interface{ int32 | int64 }
	float   interface{ float32 | float64 }
)

// Dequantise writes len(stored) physical values to dst, which is at least that long, and reports whether
// any is NaN. It rounds once, to the type of dst, and allocates nothing.
func Dequantise[F float, I integer](dst []F, stored []I, q *Quantum) (nan bool) {
	dst = dst[:len(stored)]
	if q.Dither != nil {
		return dithered(dst, stored, q)
	}
	for i, v := range stored {
		x := F(float64(float64(v)*q.Scale) + q.Zero) // the conversion forbids a fused multiply-add
		if q.HasBlank && int64(v) == q.Blank {
			x = F(math.NaN())
		}
		nan = nan || x != x
		dst[i] = x
	}
	return nan
}

// dithered is Dequantise with a table. Every pixel takes its entry, blank or zero included. Pixels are
// done in runs up to the end of the table, which send k and j on.
func dithered[F float, I integer](dst []F, stored []I, q *Quantum) (nan bool) {
	k, j := q.Dither.start(q.Row, q.Seed)
	for len(stored) > 0 {
		r := q.Dither.r[j:]
		n := min(len(r), len(stored))
		nan = ditheredRun(dst[:n], stored[:n], r[:n], q) || nan
		dst, stored = dst[n:], stored[n:]
		k = (k + 1) % ditherLen
		j = q.Dither.offset(k)
	}
	return nan
}

// ditheredRun takes one entry of r for each value.
func ditheredRun[F float, I integer](dst []F, stored []I, r []float32, q *Quantum) (nan bool) {
	scale, zero := q.Scale, q.Zero
	for i, v := range stored {
		x := F(float64((float64(v)-float64(r[i])+0.5)*scale) + zero)
		if int64(v) <= -2147483646 || q.HasBlank && int64(v) == q.Blank {
			x = special(int64(v), x, q)
		}
		nan = nan || x != x
		dst[i] = x
	}
	return nan
}

// special replaces the value of a stored integer that may be blank or a zero.
func special[F float](stored int64, x F, q *Quantum) F {
	switch {
	case q.HasBlank && stored == q.Blank:
		return F(math.NaN())
	case q.Zeros && (stored == -2147483647 || stored == -2147483646):
		return 0
	}
	return x
}
