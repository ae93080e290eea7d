package fits

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/astrogo/fitsio"
	"pgregory.net/rapid"

	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

// written writes the images and parses them back.
func written(tb testing.TB, hdus ...ImageHDU) *File {
	tb.Helper()
	var b bytes.Buffer
	if err := Write(&b, hdus); err != nil {
		tb.Fatal(err)
	}
	if b.Len()%blockLen != 0 {
		tb.Errorf("%d bytes are no whole blocks", b.Len())
	}
	return parsed(tb, b.Bytes())
}

// TestWriteReadsBack: every pixel type and card type comes back as written.
func TestWriteReadsBack(t *testing.T) {
	cards := []Card{
		{"OBJECT", "it's M31's", "two quotes"}, {"BUNIT", "nJy", ""}, {"EXPNUM", 123, "number"}, {"GAIN", 1.25, ""}, {"TINY", -7.2e-5, ""},
		{"THIRD", 1. / 3, ""}, {"BIG", 1e22, ""}, {"SAFE", true, "logical"}, {"BIGINT", int64(math.MaxInt64), ""}, {"LONGEST", strings.Repeat("x", maxString), ""},
		{"CRVAL1", 150.116321, strings.Repeat("comment ", 12)},
	}
	f := written(t,
		ImageHDU{Cards: cards},
		ImageHDU{Name: "g", Axes: []int{3, 1}, Pixels: []float32{1, -2, nan32}},
		ImageHDU{Name: "r", Axes: []int{1, 2}, Pixels: []int16{-7, 9}, Cards: []Card{{"BZERO", 32768, ""}}},
		ImageHDU{Axes: []int{2, 2}, Pixels: []uint8{0, 1, 254, 255}},
		ImageHDU{Axes: []int{2, 1}, Pixels: []int32{-1 << 31, 1 << 24}},
		ImageHDU{Axes: []int{2, 1}, Pixels: []int64{-1, 1}},
		ImageHDU{Name: "cube", Axes: []int{1, 1, 3}, Pixels: []float64{1, 2, 3}},
	)
	want := [][]float32{{1, -2, nan32}, {32761, 32777}, {0, 1, 254, 255}, {-1 << 31, 1 << 24}, {-1, 1}, {1, 2, 3}}
	if len(f.HDUs) != 1+len(want) || f.Flags != 0 {
		t.Fatalf("%d HDUs, flags %v", len(f.HDUs), f.Flags)
	}
	for i, w := range want {
		px, err := f.HDUs[i+1].Pixels(nil)
		if err != nil {
			t.Fatal(err)
		}
		samePixels(t, px, w...)
	}
	if f.HDUs[0].Kind != KindEmpty || f.HDUs[1].Name() != "g" || f.HDUs[6].Name() != "cube" {
		t.Errorf("%v %q %q", f.HDUs[0].Kind, f.HDUs[1].Name(), f.HDUs[6].Name())
	}
	h := &f.HDUs[0]
	for _, c := range cards {
		switch v := c.Value.(type) {
		case string:
			if got := textOf(h, c.Key); got != v {
				t.Errorf("%s is %q, want %q", c.Key, got, v)
			}
		case float64:
			if got, _ := h.Float(c.Key); got != v {
				t.Errorf("%s is %v, want %v", c.Key, got, v)
			}
		case int64:
			if got, _ := h.Int(c.Key); got != v {
				t.Errorf("%s is %v, want %v", c.Key, got, v)
			}
		}
	}
	if n, _ := h.Int("EXPNUM"); n != 123 || !h.isTrue("SAFE") {
		t.Errorf("EXPNUM %v, SAFE %v", n, h.isTrue("SAFE"))
	}
}

// TestWriteRefuses what would make a broken file.
func TestWriteRefuses(t *testing.T) {
	one := func(c Card) []ImageHDU { return []ImageHDU{{Cards: []Card{c}}} }
	for name, hdus := range map[string][]ImageHDU{
		"nothing":             nil,
		"too few pixels":      {{Axes: []int{2, 2}, Pixels: []float32{1}}},
		"pixels without axes": {{Pixels: []float32{1}}},
		"axis of 0":           {{Axes: []int{0, 2}, Pixels: []float32{}}},
		"overflow":            {{Axes: []int{1 << 30, 1 << 30}, Pixels: []float32{}}},
		"pixel type":          {{Axes: []int{1}, Pixels: []string{"x"}}},
		"NaN card":            one(Card{"K", math.NaN(), ""}),
		"lower-case name":     one(Card{"key", 1, ""}),
		"long name":           one(Card{"TOOLONGNAME", 1, ""}),
		"newline":             one(Card{"K", "a\nb", ""}),
		"long string":         one(Card{"K", strings.Repeat("'", 40), ""}),
		"value type":          one(Card{"K", []int{1}, ""}),
		"same name twice":     {{Cards: []Card{{"K", 1, ""}, {"K", 2, ""}}}},
		"a mandatory name":    {{}, {Cards: []Card{{"BITPIX", 8, ""}}}},
	} {
		var b bytes.Buffer
		if err := Write(&b, hdus); err == nil || b.Len() != 0 {
			t.Errorf("%s: error %v, %d bytes written", name, err, b.Len())
		}
	}
	if err := Write(failing{}, []ImageHDU{{Axes: []int{1}, Pixels: []float32{1}}}); !strings.Contains(err.Error(), "disk full") {
		t.Errorf("a failing writer gives %v", err)
	}
}

// failing is a full disk.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// TestWriteProperty: any string and float survives a round trip.
func TestWriteProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.StringMatching(`[ -~]{0,30}[!-~]`).Draw(rt, "text")
		x := rapid.Float64().Draw(rt, "number")
		if math.IsInf(x, 0) || math.IsNaN(x) {
			return
		}
		var b bytes.Buffer
		if err := Write(&b, []ImageHDU{{Cards: []Card{{"S", s, ""}, {"X", x, ""}}}}); err != nil {
			rt.Fatal(err)
		}
		var f File
		if err := Parse(b.Bytes(), &f); err != nil {
			rt.Fatal(err)
		}
		got, _ := f.HDUs[0].Text(nil, "S")
		if string(got) != s {
			rt.Fatalf("%q reads as %q", s, got)
		}
		if y, ok := f.HDUs[0].Float("X"); !ok || y != x {
			rt.Fatalf("%v reads as %v", x, y)
		}
	})
}

// oracleRaw opens a payload with the library and returns the raw bytes of every image HDU; ok is false
// when it refuses the file or panics. Our guard must have accepted the payload first.
func oracleRaw(b []byte) (raw map[int][]byte, axes map[int][]int, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	file, err := fitsio.Open(bytes.NewReader(b))
	if err != nil {
		return nil, nil, false
	}
	defer file.Close()
	raw, axes = map[int][]byte{}, map[int][]int{}
	for i, u := range file.HDUs() {
		if img, isImage := u.(fitsio.Image); isImage {
			raw[i], axes[i] = img.Raw(), img.Header().Axes()
		}
	}
	return raw, axes, true
}

// TestOracle: for every real file that both accept, the library finds the same images with the same
// bytes. Random groups are left out: the library counts the product of their axes only.
func TestOracle(t *testing.T) {
	data := shareddata.Path(t, "data")
	compared := 0
	seen := map[string]bool{}
	for _, r := range readTSV(t, shareddata.Path(t, "golden/fits.tsv")) {
		if seen[r["file"]] || r["wrap"] != "plain" || strings.Contains(r["file"], "group") {
			continue
		}
		seen[r["file"]] = true
		b, err := os.ReadFile(filepath.Join(data, r["file"]))
		if err != nil {
			t.Fatal(err)
		}
		var f File
		if Parse(b, &f) != nil || f.truncated() != nil {
			continue
		}
		raw, axes, ok := oracleRaw(b)
		if !ok {
			continue
		}
		for i := range f.HDUs {
			if h := &f.HDUs[i]; h.Kind == KindImage {
				compared++
				if !bytes.Equal(raw[i], h.data) || len(axes[i]) != h.naxis {
					t.Errorf("%s[%d]: the library has %d bytes and axes %v, we %d and %v", r["file"], i, len(raw[i]), axes[i], len(h.data), h.Axes())
				}
			}
		}
	}
	t.Logf("%d images equal", compared)
	if compared < 200 {
		t.Errorf("only %d images compared", compared)
	}
}

// TestOracleOnMadeFiles is the same on files this package writes, which need no shared data.
func TestOracleOnMadeFiles(t *testing.T) {
	for name, b := range map[string][]byte{"plain": good(), "cube": surveyCube(), "three HDUs": threeHDUs()} {
		f := parsed(t, b)
		raw, axes, ok := oracleRaw(b)
		if !ok || len(axes) != len(f.HDUs) {
			t.Fatalf("%s: the library sees %d HDUs", name, len(axes))
		}
		for i := range f.HDUs {
			if !bytes.Equal(raw[i], f.HDUs[i].data) {
				t.Errorf("%s[%d]: the data differs", name, i)
			}
		}
	}
}
