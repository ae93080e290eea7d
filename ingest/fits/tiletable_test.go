package fits

import (
	"math"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
)

// TestParseForm covers the letters of the standard (4.0, table 18) and what is none of them.
func TestParseForm(t *testing.T) {
	for _, tt := range []struct {
		form  string
		want  column
		width int
		ok    bool
	}{
		{"J", column{form: 'J'}, 4, true}, {"3e", column{form: 'E'}, 12, true}, {" 0D", column{form: 'D'}, 0, true}, {"12A", column{form: 'A'}, 12, true},
		{"9X", column{form: 'X'}, 2, true}, {"M", column{form: 'M'}, 16, true}, {"1PB(8)", column{form: 'P', elem: 'B'}, 8, true},
		{"QI(99)", column{form: 'Q', elem: 'I'}, 16, true}, {"0PB", column{form: 'P', elem: 'B'}, 0, true},
		{"", column{}, 0, false}, {"12", column{}, 0, false}, {"P", column{}, 0, false}, {"2PB", column{}, 0, false},
		{"9999999999J", column{}, 0, false},
	} {
		if c, width, ok := parseForm([]byte(tt.form)); ok != tt.ok || ok && (c != tt.want || width != tt.width) {
			t.Errorf("%q: %+v %d %v", tt.form, c, width, ok)
		}
	}
	if _, width, _ := parseForm([]byte("Y")); width != 0 {
		t.Errorf("an unknown letter has width %d", width)
	}
	if numbered("TFORM", 7) != makeKey("TFORM7") || numbered("TTYPE", 123) != makeKey("TTYPE123") {
		t.Error("numbered keys")
	}
}

// TestCellNumbers reads a scale of every type.
func TestCellNumbers(t *testing.T) {
	var table bintable
	for form, b := range map[byte][]byte{
		'B': {250}, 'I': stored([]int16{-7}), 'J': stored([]int32{-7}), 'K': stored([]int64{-7}), 'E': stored([]float32{-7}), 'D': stored([]float64{-7}),
	} {
		want, whole := -7., int64(-7)
		switch form {
		case 'B':
			want, whole = 250, 250
		case 'E', 'D':
			whole = 0
		}
		if f, n := table.number(b, 0, &column{form: form}); f != want || n != whole {
			t.Errorf("%c: %v %d", form, f, n)
		}
	}
}

// TestTiledQuantisedWidths: quantised integers may be stored in 1, 2, 4 or 8 bytes; 64-bit integers keep
// their blank and their unsigned offset.
func TestTiledQuantisedWidths(t *testing.T) {
	for _, b := range [][]byte{{1, 2, 3, 200}, stored([]int16{1, 2, 3, 200}), stored([]int32{1, 2, 3, 200}), stored([]int64{1, 2, 3, 200})} {
		for _, extra := range [][]string{nil, {card("BSCALE", 2)}} {
			file := oneTile("GZIP_1", zipped(b), append(extra, card("ZBITPIX", -64), card("ZSCALE", 0.5), card("ZBLANK", 2))...)
			f := parsed(t, file)
			px, err := f.HDUs[1].Pixels(nil)
			if err != nil {
				t.Fatal(err)
			}
			scale := float32(1 + len(extra))
			samePixels(t, px, 0.5*scale, nan32, 1.5*scale, 100*scale)
			if in := Describe(f)[1]; in.Max != float64(100*scale) || in.NaN != 1 {
				t.Errorf("%d bytes: described as %+v", len(b), in)
			}
		}
	}
	wide := oneTile("GZIP_2", zipped(shuffled(stored([]int64{math.MinInt64, 0, 5, math.MaxInt64}), 8)), card("ZBITPIX", 64), card("BZERO", "9223372036854775808"), card("BLANK", 5))
	px, h, err := readDefault(new(File), wide, "")
	if err != nil || h.Flags != schemas.FlagNaNPixels {
		t.Fatal(err, h)
	}
	samePixels(t, px, 0, 1<<63, nan32, 1<<64)
}
