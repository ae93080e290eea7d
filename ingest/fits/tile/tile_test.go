package tile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// samples are images of n integers that reach every branch of a coder: constant, smooth, noisy, extreme.
func samples(n int, low, high int64) map[string][]int32 {
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	out := map[string][]int32{}
	fill := func(name string, f func(i int) int64) {
		px := make([]int32, n)
		for i := range px {
			px[i] = int32(max(low, min(high, f(i))))
		}
		out[name] = px
	}
	fill("constant", func(int) int64 { return 7 })
	fill("slope", func(i int) int64 { return int64(i) })
	fill("noise", func(int) int64 { return int64(100 + 30*rng.NormFloat64()) })
	fill("extremes", func(i int) int64 { return []int64{low, high}[i&1] })
	fill("any", func(int) int64 { return low + rng.Int64N(high-low+1) })
	fill("peak", func(i int) int64 { return map[bool]int64{true: high}[i == n/2] })
	return out
}

// TestRiceRoundTrip: every width, block length, split and kind of image comes back.
func TestRiceRoundTrip(t *testing.T) {
	ranges := map[int][2]int64{1: {0, 255}, 2: {-32768, 32767}, 4: {math.MinInt32, math.MaxInt32}}
	for bytepix, r := range ranges {
		for _, n := range []int{1, 2, 31, 32, 33, 100} {
			for name, px := range samples(n, r[0], r[1]) {
				for _, block := range []int{1, 16, 32, 1000} {
					for _, split := range []int{100, 99} {
						got := make([]int32, n)
						b := riceEncode(px, bytepix, block, split)
						if err := Rice(got, b, bytepix, block); err != nil || !slices.Equal(got, px) {
							t.Fatalf("%d bytes, %d pixels %s, block %d, split %d: %v\ngot  %v\nwant %v", bytepix, n, name, block, split, err, got, px)
						}
					}
				}
			}
		}
	}
	for split := range 14 { // each fixed split, with runs of up to 2^11 zeros
		px := samples(64, -500, 500)["any"]
		got := make([]int32, len(px))
		if err := Rice(got, riceEncode(px, 2, 32, split), 2, 32); err != nil || !slices.Equal(got, px) {
			t.Errorf("split %d: %v", split, err)
		}
	}
}

// TestRiceKnown pins the bits by hand: first pixel 5 raw, then the block with its first difference 0.
func TestRiceKnown(t *testing.T) {
	// 8 bits 00000101; split 1 as field 010; zigzag 0, 2, 1, 7: 10, 010, 11, 00011.
	b := []byte{0b00000101, 0b01010010, 0b11000110}
	got := make([]int32, 4)
	if err := Rice(got, b, 1, 32); err != nil || !slices.Equal(got, []int32{5, 6, 5, 1}) {
		t.Errorf("%v %v", got, err)
	}
}

// TestRiceDamaged: a stream cut anywhere is refused as such or holds all pixels already.
func TestRiceDamaged(t *testing.T) {
	px := samples(100, -3000, 3000)["noise"]
	b := riceEncode(px, 4, 32, 100)
	for n := range b {
		got := make([]int32, len(px))
		if err := Rice(got, b[:n], 4, 32); !errors.Is(err, ErrTruncated) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(b), err)
		}
	}
	for name, b := range map[string][]byte{
		"code over the raw one": {0, 0, 0, 1, 0xff},
		"run beyond 32 bits":    append([]byte{0, 0, 0, 1, 25 << 3}, append(make([]byte, 100), 0xff)...),
	} {
		if err := Rice(make([]int32, 4), b, 4, 32); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Rice(make([]int32, 1), make([]byte, 9), 8, 32); !errors.Is(err, ErrDamaged) {
		t.Errorf("8 bytes a pixel: %v", err)
	}
}

// TestPLIO: each instruction by hand, and images of every kind.
func TestPLIO(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    []byte
		want []int32
		err  error
	}{
		{"zeros, run of the first high value", plioWords(2, plioRun<<12|3), []int32{0, 0, 1, 1, 1, 0}, nil},
		{"set needs two words", plioWords(plioSet<<12|1, 2, plioRun<<12|1), []int32{8193, 0}, nil},
		{"raise, lower", plioWords(plioRaise<<12|9, plioRun<<12|1, plioLower<<12|4, plioRun<<12|1), []int32{10, 6}, nil},
		{"zeros and one", plioWords(plioZerosOne<<12|3, plioZerosOne<<12), []int32{0, 0, 1, 0}, nil},
		{"raise and put, lower and put", plioWords(plioRaiseAndPut<<12|4, plioLowerAndPut<<12|2), []int32{5, 3}, nil},
		{"more than the tile", plioWords(plioRun<<12|4095, plioRun<<12|1), []int32{1, 1}, nil},
		{"one beyond the tile", plioWords(plioZerosOne<<12 | 3), []int32{0, 0}, nil},
		{"old header", []byte{0, 0, 0, 0, 0, 4, plioRun << 4, 2}, []int32{1, 1}, nil},
		{"nothing", plioWords(), []int32{0}, nil},
		{"no header", nil, []int32{0}, ErrTruncated},
		{"header cut", plioWords(1)[:8], []int32{0}, ErrTruncated},
		{"list cut", plioWords(1, 1)[:16], []int32{0, 0}, ErrTruncated},
		{"set without its word", plioWords(plioSet << 12), []int32{0}, ErrTruncated},
		{"unknown instruction", plioWords(0x8001), []int32{0}, ErrDamaged},
		{"below zero", plioWords(plioLowerAndPut<<12 | 2), []int32{0}, ErrDamaged},
		{"above the range", plioWords(plioSet<<12|0xfff, 0x7fff, plioRaiseAndPut<<12|1), []int32{0}, ErrDamaged},
		{"header longer than the list", []byte{0, 0, 0, 9, 0xff, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0}, []int32{0}, ErrDamaged},
	} {
		got := make([]int32, len(tt.want))
		for i := range got {
			got[i] = -1
		}
		err := PLIO(got, tt.b)
		if !errors.Is(err, tt.err) || tt.err == nil && !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v %v, want %v %v", tt.name, got, err, tt.want, tt.err)
		}
	}
	for name, px := range samples(9000, 0, 1<<24-1) {
		got := make([]int32, len(px))
		if err := PLIO(got, plioEncode(px)); err != nil || !slices.Equal(got, px) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnshuffle for every width.
func TestUnshuffle(t *testing.T) {
	for _, width := range []int{1, 2, 4, 8} {
		b := make([]byte, 5*width)
		for i := range b {
			b[i] = byte(i)
		}
		got := make([]byte, len(b))
		if Unshuffle(got, shuffle(b, width), width); !bytes.Equal(got, b) {
			t.Errorf("width %d: %v", width, got)
		}
	}
}

// TestDitherTable: the last state of the generator is the check value of the standard, and every offset
// leaves at least one entry.
func TestDitherTable(t *testing.T) {
	const check = 1043618065
	d := new(Dither)
	if state := d.fill(); state != check {
		t.Errorf("the 10,000th state is %d, want %d", state, check)
	}
	for k, r := range d.r {
		if r < 0 || r >= 1 || d.offset(k) >= 500 {
			t.Fatalf("entry %d is %v", k, r)
		}
	}
	if d.r[0] != float32(16807./2147483647) {
		t.Errorf("first entry %v", d.r[0])
	}
}

// TestDequantise against the formula, pixel by pixel, over the end of the table.
func TestDequantise(t *testing.T) {
	d := NewDither()
	stored := make([]int32, 21000)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range stored {
		stored[i] = rng.Int32N(2000) - 1000
	}
	stored[0], stored[1], stored[2], stored[3] = math.MinInt32, -2147483647, -2147483646, -2147483645
	for _, q := range []Quantum{
		{Scale: 0.37, Zero: -5},
		{Scale: 0.37, Zero: -5, Blank: 7, HasBlank: true},
		{Scale: 0.1, Zero: 3, Dither: d, Seed: 1},
		{Scale: 0.1, Zero: 3, Dither: d, Row: 12345, Seed: 10000, Blank: math.MinInt32, HasBlank: true},
		{Scale: 0.1, Zero: 3, Dither: d, Row: 3, Seed: 77, Blank: -2147483647, HasBlank: true, Zeros: true},
		{Scale: 0.1, Zero: 3, Dither: d, Row: 3, Seed: 77, Zeros: true},
		{Scale: 0.1, Zero: 3, Zeros: true},
	} {
		k := max(0, q.Row+q.Seed-1) % 10000
		j := int(500 * float64(d.r[k]))
		got := make([]float32, len(stored))
		nan := Dequantise(got, stored, &q)
		wide := make([]int64, len(stored))
		got64 := make([]float64, len(stored))
		wantNaN := false
		for i, v := range stored {
			wide[i] = int64(v)
			want := float64(float64(v)*q.Scale) + q.Zero
			if q.Dither != nil {
				want = float64((float64(v)-float64(d.r[j])+0.5)*q.Scale) + q.Zero
				if q.Zeros && (v == -2147483647 || v == -2147483646) {
					want = 0
				}
				if j++; j == 10000 {
					k = (k + 1) % 10000
					j = int(500 * float64(d.r[k]))
				}
			}
			if q.HasBlank && int64(v) == q.Blank {
				want, wantNaN = math.NaN(), true
			}
			if g := got[i]; g != float32(want) && !(g != g && want != want) {
				t.Fatalf("%+v: pixel %d is %v, want %v", q, i, g, want)
			}
		}
		if nan != wantNaN {
			t.Errorf("NaN reported %v, want %v", nan, wantNaN)
		}
		Dequantise(got64, wide, &q)
		for i, g := range got64 {
			if float32(g) != got[i] && g == g {
				t.Fatalf("pixel %d: %v in float64, %v in float32", i, g, got[i])
			}
		}
	}
}

// TestAllocatesNothing: in steady state, for every algorithm.
func TestAllocatesNothing(t *testing.T) {
	px := samples(64*64, 0, 60000)["noise"]
	wide := make([]int64, len(px))
	for i, v := range px {
		wide[i] = int64(v)
	}
	rice, plio, tree := riceEncode(px, 4, 32, 100), plioEncode(px), hcompressEncode(wide, 64, 64, 0, true)
	var h HCompress
	q := Quantum{Scale: 2, Dither: NewDither(), Seed: 1}
	ints, out := make([]int32, len(px)), make([]float32, len(px))
	if n := testing.AllocsPerRun(10, func() {
		errA, errB := Rice(ints, rice, 4, 32), PLIO(ints, plio)
		got, errC := h.Decode(tree, 64, 64, true)
		Dequantise(out, got, &q)
		if err := errors.Join(errA, errB, errC); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func bigEndian(px []int32) []byte {
	var b []byte
	for _, v := range px {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return b
}
