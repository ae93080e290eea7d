package fits

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/fits/tile"
	"github.com/galaxalign/galaxalign/schemas"
)

// integers is an image of n small numbers, all of them not negative.
func integers(n int) []int32 {
	rng := rand.New(rand.NewPCG(8, uint64(n)))
	px := make([]int32, n)
	for i := range px {
		px[i] = rng.Int32N(200)
	}
	return px
}

// storedAs is big-endian integers of the type of bitpix.
func storedAs(px []int32, bitpix int) []byte {
	switch bitpix {
	case 8:
		return stored(convert[uint8](px))
	case 16:
		return stored(convert[int16](px))
	case 64:
		return stored(convert[int64](px))
	}
	return stored(px)
}

func convert[T uint8 | int16 | int64 | float32 | float64](px []int32) []T {
	out := make([]T, len(px))
	for i, v := range px {
		out[i] = T(v)
	}
	return out
}

// tileCoders packs the integers of a tile, by ZCMPTYPE.
var tileCoders = []struct {
	algorithm string
	elem      byte
	bitpix    []int
	pack      func(px []int32, bitpix int) []byte
}{
	{"RICE_1", 'B', []int{8, 16, 32}, func(px []int32, _ int) []byte { return riceRaw(px) }},
	{"RICE_ONE", 'B', []int{16}, func(px []int32, _ int) []byte { return riceSplit(px, 4) }},
	{"GZIP_1", 'B', []int{8, 16, 32, 64}, func(px []int32, bitpix int) []byte { return zipped(storedAs(px, bitpix)) }},
	{"GZIP_2", 'B', []int{8, 16, 32, 64}, func(px []int32, bitpix int) []byte { return zipped(shuffled(storedAs(px, bitpix), bitpix/8)) }},
	{"PLIO_1", 'I', []int{8, 16, 32}, func(px []int32, _ int) []byte { return plioRaw(px) }},
	{"NOCOMPRESS", 'B', []int{8, 16, 32, 64}, storedAs},
}

// TestTiledIntegers: every algorithm, type, shape, cut and descriptor gives the image back, scaled and
// with its blanks, whole and plane by plane.
func TestTiledIntegers(t *testing.T) {
	shapes := []struct{ axes, tile []int }{
		{[]int{7, 5}, nil}, {[]int{7, 5}, []int{7, 5}}, {[]int{5, 5}, []int{2, 2}}, {[]int{7, 5}, []int{100, 2}}, {[]int{6, 4}, []int{1, 1}},
		{[]int{5, 4, 3}, nil}, {[]int{5, 4, 3}, []int{2, 3, 1}}, {[]int{5, 4, 3}, []int{2, 3, 2}}, {[]int{3, 4, 3}, []int{3, 4, 1}}, {[]int{3, 2, 1, 2}, []int{2, 2, 1, 2}},
	}
	for _, c := range tileCoders {
		for _, bitpix := range c.bitpix {
			for _, s := range shapes {
				for _, form := range []string{"P", "Q"} {
					name := fmt.Sprintf("%s %d %v by %v %s", c.algorithm, bitpix, s.axes, s.tile, form)
					px, cut := tiledImage(c.pack, c.algorithm, bitpix, s.axes, s.tile, form+string(c.elem))
					checkTiled(t, name, join(primary(8, nil), cut), px, s.axes)
				}
			}
		}
	}
}

// tiledImage is an image of the axes and its table of tiles, with BSCALE 0.5, BZERO 10 and BLANK 3.
func tiledImage(pack func([]int32, int) []byte, algorithm string, bitpix int, axes, cut []int, form string) ([]int32, []byte) {
	n := 1
	for _, a := range axes {
		n *= a
	}
	px := integers(n)
	px[n/2] = 3
	sizes := []int{axes[0], 1, 1, 1}
	for i := range cut {
		sizes[i] = min(cut[i], axes[i])
	}
	var cells [][]byte
	for _, tile := range cutTiles(px, axes, sizes) {
		cells = append(cells, pack(tile, bitpix))
	}
	return px, tileTable([]tileColumn{{"COMPRESSED_DATA", form, cells}}, 0,
		zCards(algorithm, bitpix, axes, cut, card("BSCALE", 0.5), card("BZERO", 10), card("BLANK", 3))...)
}

// checkTiled compares every way of reading with the integers behind.
func checkTiled(t *testing.T, name string, b []byte, px []int32, axes []int) {
	t.Helper()
	want := make([]float32, len(px))
	for i, v := range px {
		if want[i] = float32(v)/2 + 10; v == 3 {
			want[i] = nan32
		}
	}
	f := parsed(t, b)
	h, err := f.Select("")
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if h.Index != 1 || h.Kind != KindCompressed || !slices.Equal(h.Axes(), axes) || h.NPix() != len(px) {
		t.Errorf("%s: HDU %d %v %v", name, h.Index, h.Kind, h.Axes())
	}
	got, err := h.Pixels(nil)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	samePixels(t, got, want...)
	if h.Flags != schemas.FlagNaNPixels {
		t.Errorf("%s: flags %v", name, h.Flags)
	}
	g, err := h.Geometry()
	if err != nil {
		t.Fatal(err)
	}
	n := g.Width * g.Height
	plane := make([]float32, n)
	for i := range g.Planes {
		nan, err := h.Plane(g, i, plane)
		if err != nil {
			t.Fatalf("%s: plane %d: %v", name, i, err)
		}
		part := want[i*n : (i+1)*n]
		if g.BandFirst {
			part = nil
			for k := i; k < len(want); k += g.Planes {
				part = append(part, want[k])
			}
		}
		samePixels(t, plane, part...)
		if has := slices.ContainsFunc(part, func(v float32) bool { return v != v }); has != nan {
			t.Errorf("%s: plane %d: NaN reported %v", name, i, nan)
		}
	}
	in := Describe(f)[1]
	if in.Damaged != nil || in.NaN < 1 || in.Min < 10 || in.Max > 110 || in.Mean < in.Min || in.Mean > in.Max {
		t.Errorf("%s: described as %+v", name, in)
	}
}

// TestTiledWidths: gzipped integers may be narrower or wider than ZBITPIX says.
func TestTiledWidths(t *testing.T) {
	for _, stored := range []int{8, 16, 32} {
		pack := func(px []int32, _ int) []byte { return zipped(storedAs(px, stored)) }
		px, cut := tiledImage(pack, "GZIP_1", 32, []int{7, 5}, nil, "PB")
		checkTiled(t, fmt.Sprint(stored), join(primary(8, nil), cut), px, []int{7, 5})
	}
}

// TestTiledFloats: quantised pixels of every dither method, stored by every algorithm that keeps
// integers, with a tile lossless in each of the other two columns.
func TestTiledFloats(t *testing.T) {
	const w, scale, zero = 6, 0.25, -3.
	px := integers(w * 4)
	px[1], px[2], px[3] = math.MinInt32, -2147483647, -2147483646
	exact := []float32{1.5, nan32, float32(math.Copysign(0, -1)), 3e-40, float32(math.Inf(1)), 7}
	for _, bitpix := range []int{-32, -64} {
		for _, method := range []string{"", "NO_DITHER", "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2"} {
			for _, algorithm := range []string{"RICE_1", "GZIP_1", "GZIP_2", "NOCOMPRESS"} {
				want := dequantised(px, method, scale, zero)
				copy(want[2*w:], exact)
				copy(want[3*w:], exact)
				pack := map[string]func([]int32) []byte{
					"RICE_1": riceRaw, "GZIP_1": func(q []int32) []byte { return zipped(stored(q)) },
					"GZIP_2": func(q []int32) []byte { return zipped(shuffled(stored(q), 4)) }, "NOCOMPRESS": func(q []int32) []byte { return stored(q) },
				}[algorithm]
				lossless := stored(exact)
				if bitpix == -64 {
					wide := make([]float64, w)
					for i, v := range exact {
						wide[i] = float64(v)
					}
					lossless = stored(wide)
				}
				none := []byte{}
				columns := []tileColumn{
					{"COMPRESSED_DATA", "PB", [][]byte{pack(px[:w]), pack(px[w : 2*w]), none, none}},
					{"GZIP_COMPRESSED_DATA", "PB", [][]byte{none, none, zipped(lossless), none}},
					{"UNCOMPRESSED_DATA", "QB", [][]byte{none, none, none, lossless}},
					{"ZSCALE", "D", [][]byte{number64(scale), number64(scale), number64(0), number64(0)}},
					{"ZZERO", "D", [][]byte{number64(zero), number64(zero), number64(0), number64(0)}},
				}
				extra := []string{card("ZDITHER0", 9), card("ZBLANK", math.MinInt32)}
				if method != "" {
					extra = append(extra, text("ZQUANTIZ", method))
				}
				b := join(primary(8, nil), tileTable(columns, 16, zCards(algorithm, bitpix, []int{w, 4}, nil, extra...)...))
				got, _, err := readDefault(new(File), b, "")
				if err != nil {
					t.Fatalf("%s %s: %v", algorithm, method, err)
				}
				samePixels(t, got, want...)
			}
		}
	}
}

// dequantised is the rule of formats.md for rows of six pixels, by the table of package tile.
func dequantised(px []int32, method string, scale, zero float64) []float32 {
	q := tile.Quantum{Scale: scale, Zero: zero, Blank: math.MinInt32, HasBlank: true, Seed: 9, Zeros: method == "SUBTRACTIVE_DITHER_2"}
	if len(method) > 10 {
		q.Dither = tile.NewDither()
	}
	out := make([]float32, len(px))
	for q.Row = range len(px) / 6 {
		tile.Dequantise(out[6*q.Row:], px[6*q.Row:][:6], &q)
	}
	return out
}

// TestTiledScalingByCard: ZSCALE, ZZERO and ZBLANK may be cards, ZBLANK also a column, and BSCALE and
// BZERO of a floating-point image are applied after them and flagged.
func TestTiledScalingByCard(t *testing.T) {
	cells := [][]byte{riceRaw([]int32{1, 2, 3}), riceRaw([]int32{1, 2, 3})}
	data := tileColumn{"COMPRESSED_DATA", "PB", cells}
	blank := tileColumn{"ZBLANK", "J", [][]byte{number32(1), number32(2)}}
	axes := []int{3, 2}
	for _, tt := range []struct {
		name    string
		columns []tileColumn
		bitpix  int
		extra   []string
		want    []float32
		flags   schemas.Flags
	}{
		{"cards", []tileColumn{data}, -32, []string{card("ZSCALE", 0.5), card("ZZERO", 10), card("ZBLANK", 2)}, []float32{10.5, nan32, 11.5, 10.5, nan32, 11.5}, schemas.FlagNaNPixels},
		{"no scale at all", []tileColumn{data}, -32, nil, []float32{1, 2, 3, 1, 2, 3}, 0},
		{"column of blanks", []tileColumn{data, blank}, -32, []string{card("ZSCALE", 2), card("ZBLANK", 3)}, []float32{nan32, 4, 6, 2, nan32, 6}, schemas.FlagNaNPixels},
		{"scaled float", []tileColumn{data}, -32, []string{card("ZSCALE", 2), card("BSCALE", 10), card("BZERO", 1)}, []float32{21, 41, 61, 21, 41, 61}, schemas.FlagScaledFloat},
		{"ZBLANK of integers", []tileColumn{data}, 32, []string{card("ZBLANK", 2)}, []float32{1, nan32, 3, 1, nan32, 3}, schemas.FlagNaNPixels},
		{"BLANK before ZBLANK", []tileColumn{data}, 32, []string{card("ZBLANK", 2), card("BLANK", 3)}, []float32{1, 2, nan32, 1, 2, nan32}, schemas.FlagNaNPixels},
		{"column of blanks of integers", []tileColumn{data, blank}, 32, nil, []float32{nan32, 2, 3, 1, nan32, 3}, schemas.FlagNaNPixels},
		{"unsigned", []tileColumn{data}, 16, []string{card("BZERO", 32768)}, []float32{32769, 32770, 32771, 32769, 32770, 32771}, 0},
	} {
		b := join(primary(8, nil), tileTable(tt.columns, 0, zCards("RICE_1", tt.bitpix, axes, nil, tt.extra...)...))
		got, h, err := readDefault(new(File), b, "")
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		samePixels(t, got, tt.want...)
		if h.Flags != tt.flags {
			t.Errorf("%s: flags %v, want %v", tt.name, h.Flags, tt.flags)
		}
	}
}

// TestTiledHCompress: a stream by hand, because the encoder is in package tile: 4 x 4 pixels of value 8.
func TestTiledHCompress(t *testing.T) {
	flat := join([]byte{0xdd, 0x99}, number32(4), number32(4), number32(0), number32(0), number32(64), make([]byte, 4))
	table := func(axes, cut []int) []byte {
		return join(primary(8, nil), tileTable([]tileColumn{{"COMPRESSED_DATA", "PB", [][]byte{flat, flat}}}, 0,
			zCards("HCOMPRESS_1", 16, axes, cut, text("ZNAME1", "SCALE"), card("ZVAL1", 0), text("ZNAME2", "SMOOTH"), card("ZVAL2", 1))...))
	}
	got, _, err := readDefault(new(File), table([]int{8, 4}, []int{4, 4}), "")
	if err != nil {
		t.Fatal(err)
	}
	samePixels(t, got, slices.Repeat([]float32{8}, 32)...)
	_, _, err = readDefault(new(File), table([]int{8, 4}, nil), "")
	if err == nil {
		t.Fatal("tiles of one row of eight hold four rows of four")
	}
	_, _, err = readDefault(new(File), table([]int{4, 8}, nil), "")
	wantReason(t, err, schemas.ReasonBadHeader)
}

// TestTiledCutout: a decoder finds bands by EXTNAME among compressed images, and takes position, scale,
// unit and identity from their headers; a stamp reader takes them too.
func TestTiledCutout(t *testing.T) {
	image := func(name string) []byte {
		return quantisedImage(t, 64, 48, append(surveyCards[2:12:12], text("EXTNAME", name), text("BUNIT", "nJy"))...)[2880:]
	}
	b := join(primary(8, nil, surveyCards[12:]...), image("r"), image("G"))
	for _, b := range [][]byte{b, zipped(b)} {
		c, d, err := decodeOnce(Options{Survey: "x", Bands: []string{"g", "r"}, VerifyChecksums: true}, &ingest.Message{Value: b})
		if err != nil {
			t.Fatal(err)
		}
		if names, _ := bandNames(c); !slices.Equal(names, []string{"g", "r"}) || d.HDU() != 2 || c.Flags != 0 || string(c.ObjectID) != "J1002+0215" {
			t.Errorf("%v HDU %d flags %v object %s", names, d.HDU(), c.Flags, c.ObjectID)
		}
		for _, img := range c.Images {
			if img.Width != 64 || img.Height != 48 || img.Unit != "nJy" || img.ZeroPoint != 31.4 || !near(img.PixelScale, 0.2620008, 1e-9) {
				t.Errorf("%s: %dx%d %s %v %v", img.Name, img.Width, img.Height, img.Unit, img.ZeroPoint, img.PixelScale)
			}
			for i, v := range noise(64 * 48) { // dithering gives the value back within one step of the quantiser
				if math.Abs(float64(v-img.Pixels[i])) > 1.5*0.875 {
					t.Fatalf("%s: pixel %d is %v, was %v", img.Name, i, img.Pixels[i], v)
				}
			}
		}
		if !near(c.RA, 150.5, 0.02) || !near(c.Dec, 2.25, 0.02) {
			t.Errorf("position %v %v", c.RA, c.Dec)
		}
	}
	s, err := readStamp("x", b)
	if err != nil || len(s.Images) != 1 || s.Images[0].Width != 64 || s.Images[0].Unit != "nJy" {
		t.Errorf("stamp: %v %+v", err, s)
	}
}

// TestTiledAllocatesNothing: steady state, for quantised RICE, for gzip, and for a cube across planes.
func TestTiledAllocatesNothing(t *testing.T) {
	gzipTiles := func(axes, cut []int) []byte {
		_, b := tiledImage(tileCoders[3].pack, "GZIP_2", 32, axes, cut, "PB")
		return join(primary(8, nil), b)
	}
	for name, b := range map[string][]byte{
		"RICE_1 quantised": quantisedImage(t, 256, 256), "GZIP_2 ragged": gzipTiles([]int{60, 50}, []int{16, 16}), "GZIP_2 cube": gzipTiles([]int{20, 20, 4}, []int{8, 8, 4}),
	} {
		d := NewDecoder(Options{Survey: "x", VerifyChecksums: true})
		m := &ingest.Message{Origin: schemas.Origin{Topic: "cutouts"}, Value: b}
		var c schemas.Cutout
		if n := testing.AllocsPerRun(10, func() {
			c.Reset()
			if err := d.Decode(m, &c); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
