package fits

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
)

var (
	nan64 = math.NaN()
	nan32 = float32(nan64)
)

// TestScaling pins the physical values of every type: formats.md S1-S9.
func TestScaling(t *testing.T) {
	tests := []struct {
		name  string
		b     []byte
		want  []float32
		flags schemas.Flags
	}{
		{"S1 unsigned by offset", join(primary(16, []int{2, 2}, card("BZERO", 32768)), pad(stored([]int16{-32768, -32767, 0, 32767}))),
			[]float32{0, 1, 32768, 65535}, 0},
		{"S2 scale and blank", join(primary(16, []int{2, 2}, card("BSCALE", 0.5), card("BZERO", "10."), card("BLANK", -999)), pad(stored([]int16{-999, 0, 2, 4}))),
			[]float32{nan32, 10, 11, 12}, 0},
		{"S3 blank is the stored integer", join(primary(16, []int{2, 1}, card("BZERO", 32768), card("BLANK", -32768)), pad(stored([]int16{-32768, -32767}))),
			[]float32{nan32, 1}, 0},
		{"S3 blank of int64", join(primary(64, []int{3, 1}, card("BLANK", 2)), pad(stored([]int64{7, 2, -5}))),
			[]float32{7, nan32, -5}, 0},
		{"blank of bytes", join(primary(8, []int{3, 1}, card("BLANK", 255)), pad([]byte{0, 254, 255})), []float32{0, 254, nan32}, 0},
		{"blank of int32", join(primary(32, []int{2, 1}, card("BLANK", -2147483648)), pad(stored([]int32{-2147483648, 16777217}))),
			[]float32{nan32, 16777216}, 0},
		{"blank written as a real", join(primary(16, []int{2, 1}, card("BLANK", "-9.")), pad(stored([]int16{-9, 9}))), []float32{nan32, 9}, 0},
		{"blank that is no integer", join(primary(16, []int{1, 1}, card("BLANK", "0.5")), pad(stored([]int16{1}))), []float32{1}, schemas.FlagCardConflict},
		{"blank on floats is ignored", join(primary(-32, []int{2, 1}, card("BLANK", 1)), floats(1, 2)), []float32{1, 2}, 0},
		{"S4 stale BZERO on floats", join(primary(-32, []int{1, 1}, card("BZERO", 32768)), floats(5)), []float32{32773}, schemas.FlagScaledFloat},
		{"S5 scale as a string", join(primary(16, []int{2, 2}, text("BSCALE", "1.0")), pad(stored([]int16{1, 2, 3, 4}))), []float32{1, 2, 3, 4}, 0},
		{"S6 uint64", join(primary(64, []int{4, 1}, card("BZERO", "9223372036854775808")), pad(stored([]int64{math.MinInt64, math.MinInt64 + 1, 0, -1 << 62}))),
			[]float32{0, 1, 1 << 63, 1 << 62}, 0},
		{"int64 with a whole offset is exact", join(primary(64, []int{1, 1}, card("BZERO", "-9007199254740992")), pad(stored([]int64{9007199254740993}))),
			[]float32{1}, 0},
		{"S7 float64", join(primary(-64, []int{2, 2}), pad(stored([]float64{1, 2, 3, math.NaN()}))), []float32{1, 2, 3, nan32}, 0},
		{"S9 big-endian", join(primary(-32, []int{1, 1}), pad([]byte{0x3f, 0x80, 0, 0})), []float32{1}, 0},
		{"negative zero is kept", join(primary(-32, []int{1, 1}), pad([]byte{0x80, 0, 0, 0})), []float32{float32(math.Copysign(0, -1))}, 0},
		{"T12 lower-case key scales", join(primary(16, []int{2, 2}, card("bscale", 2.0)), pad(stored([]int16{1, 2, 3, 4}))), []float32{2, 4, 6, 8}, 0},
		{"D exponent scales", join(primary(16, []int{1, 1}, card("BSCALE", "2.5d-1")), pad(stored([]int16{2}))), []float32{0.5}, 0},
		{"T10 axis as a real", join(header(card("SIMPLE", "T"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", "3.0"), card("NAXIS2", 1)), pad([]byte{7, 8, 9})),
			[]float32{7, 8, 9}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := parsed(t, tt.b)
			h, err := f.Select("")
			if err != nil {
				t.Fatal(err)
			}
			px, err := h.Pixels(nil) // S8: nil and short destinations grow
			if err != nil {
				t.Fatal(err)
			}
			samePixels(t, px, tt.want...)
			if got := h.Flags &^ schemas.FlagNaNPixels; got != tt.flags {
				t.Errorf("flags %v, want %v", got, tt.flags)
			}
			short, err := h.Pixels(make([]float32, 0, 1))
			if err != nil {
				t.Fatal(err)
			}
			samePixels(t, short, tt.want...)
		})
	}
}

// TestKernelsAgree compares every decode kernel with the one-pixel reference, contiguous and strided,
// over random bytes: all bit patterns, NaN and infinity among them.
func TestKernelsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	scales := [][2]float64{{1, 0}, {0.37, -11.25}, {1, 1 << 63}, {1, 12345}, {-2, 0.5}}
	for _, bitpix := range []int{8, 16, 32, 64, -32, -64} {
		for _, sc := range scales {
			for n := range 40 {
				h := HDU{Kind: KindImage, Bitpix: bitpix, BScale: sc[0], BZero: sc[1], HasBlank: bitpix > 0, Blank: 7}
				size := int(h.elemSize())
				h.data = make([]byte, 3*n*size)
				for i := range h.data {
					h.data[i] = byte(rng.Uint32())
				}
				if n > 3 {
					copy(h.data[2*size:], stored([]float32{nan32})) // a NaN for -32, any bits for the others
				}
				for _, step := range []int{1, 3} {
					got := make([]float32, n)
					nan := h.decode(got, strided{src: h.data, step: step * size})
					want, wantNaN := make([]float32, n), false
					for i := range want {
						want[i] = float32(h.physicalAt(i * step))
						wantNaN = wantNaN || want[i] != want[i]
					}
					samePixels(t, got, want...)
					if nan != wantNaN {
						t.Fatalf("BITPIX %d, %d pixels, step %d: NaN %v, want %v", bitpix, n, step, nan, wantNaN)
					}
				}
			}
		}
	}
}

// TestNaNDetection walks the edges of the NaN tests of both fast paths, over every length to 70 values and
// every place in it, so that vectors, words and single values are all met.
func TestNaNDetection(t *testing.T) {
	for name, decode := range map[string]func([]float32, []byte) bool{"chosen": decodeFloat32, "go": decodeFloat32Go} {
		for _, bits := range []uint32{0, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000, 0x7fffffff, 0x80000000, 0xff800000, 0xff800001, 0xffffffff} {
			v := math.Float32frombits(bits)
			for n := 1; n < 70; n++ {
				src, got := make([]byte, 4*n), make([]float32, n)
				for at := range n {
					binary.BigEndian.PutUint32(src[4*at:], bits)
					if nan := decode(got, src); nan != (v != v) || math.Float32bits(got[at]) != bits {
						t.Fatalf("%s: %#08x at %d of %d: NaN %v, decoded %#08x", name, bits, at, n, nan, math.Float32bits(got[at]))
					}
					clear(src[4*at : 4*at+4])
				}
			}
		}
	}
}

// TestFastPathsAgree compares the fast paths bit for bit on random words.
func TestFastPathsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for n := range 200 {
		src := make([]byte, 4*n+3)
		for i := range src {
			src[i] = byte(rng.Uint32())
		}
		a, b := make([]float32, n), make([]float32, n)
		if nan, want := decodeFloat32(a, src), decodeFloat32Go(b, src); nan != want {
			t.Fatalf("%d values: NaN %v, want %v", n, nan, want)
		}
		for i := range a {
			if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
				t.Fatalf("value %d of %d differs", i, n)
			}
		}
	}
}
