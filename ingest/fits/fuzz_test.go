package fits

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
)

// small are limits that keep a fuzz input cheap.
var small = Limits{MaxBytes: 1 << 20, MaxInflated: 1 << 20, MaxHDUs: 16, MaxHeaderBlocks: 8}

// FuzzHeader: no card makes an accessor panic, and a number that is accepted reads back the same.
func FuzzHeader(f *testing.F) {
	for _, c := range []string{"K       = -7.2d-5", "K       = 'it''s&'", "CONTINUE  'x&'", "HIERARCH ESO TEL ALT = 81.5 / deg", "K       =", "K       = (1,2)", "=", "END"} {
		f.Add([]byte(c), []byte("CONTINUE  'y'"))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		cards := bytes.Repeat([]byte{' '}, 3*cardLen)
		copy(cards[:cardLen], a)
		copy(cards[cardLen:2*cardLen], b)
		copy(cards[2*cardLen:], "END")
		var h Header
		if n := h.scan(cards, 10); n < 0 || h.Len()*cardLen+cardLen != n {
			t.Fatalf("scan gives %d for %d cards", n, h.Len())
		}
		for i := range h.Len() {
			v := parseValue(h.field(i))
			if f, ok := v.number(); ok && f == f && v.Kind != String {
				if w := parseNumber(v.Text); w.Float != f {
					t.Fatalf("%q: %v then %v", v.Text, f, w.Float)
				}
			}
			name := string(trimRight(h.Card(i)[:8]))
			h.Text(nil, name)
			h.Int(name)
		}
		h.Value("HIERARCH ESO TEL ALT")
		h.strayContinues()
		h.duplicates()
	})
}

// FuzzPixels: every kernel agrees with the reference for any scaling, blank and bytes.
func FuzzPixels(f *testing.F) {
	f.Add(int8(2), 0.5, 10.0, int64(-999), stored([]int16{-999, 0, 2, 4}))
	f.Add(int8(-4), 1.0, 0.0, int64(0), stored([]float32{1, nan32, 3, 4, 5, 6, 7, 8, 9, 10}))
	f.Add(int8(8), 1.0, 9223372036854775808.0, int64(5), stored([]int64{5, 1 << 62, -1 << 63}))
	f.Fuzz(func(t *testing.T, size int8, scale, zero float64, blank int64, data []byte) {
		h := HDU{Kind: KindImage, Bitpix: int(size) * 8, BScale: scale, BZero: zero, Blank: blank, HasBlank: size > 0, data: data}
		switch size {
		case 1, 2, 4, 8, -4, -8:
		default:
			return
		}
		n := len(data) / int(h.elemSize())
		got := make([]float32, n)
		h.decode(got, strided{src: data, step: int(h.elemSize())})
		for i, g := range got {
			if w := float32(h.physicalAt(i)); g != w && !(g != g && w != w) {
				t.Fatalf("pixel %d: %v, want %v", i, g, w)
			}
		}
	})
}

// FuzzFile: no payload makes the readers panic or allocate beyond the limits, a refusal is a fault of
// this stage, and reading twice gives the same answer.
func FuzzFile(f *testing.F) {
	for _, b := range [][]byte{good(), zipped(good()), threeHDUs()[:5*2880], surveyCube()[:3*2880], primary(-32, []int{100000, 100000}), join(good(), make([]byte, 50)),
		join(primary(8, nil), header(text("XTENSION", "BINTABLE"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 4), card("NAXIS2", 1), card("ZIMAGE", "T")), pad([]byte{1, 2, 3, 4}))} {
		f.Add(b)
	}
	var file File
	file.Limits = small
	f.Fuzz(func(t *testing.T, b []byte) { checkPayload(t, &file, b) })
}

// FuzzTiled is FuzzFile from tile-compressed images of every algorithm. The bytes are those after an
// empty primary HDU.
func FuzzTiled(f *testing.F) {
	for i, c := range tileCoders {
		for _, shape := range [][2][]int{{{7, 5}, nil}, {{5, 4, 3}, {2, 3, 2}}} {
			_, b := tiledImage(c.pack, c.algorithm, 16, shape[0], shape[1], []string{"P", "Q"}[i%2]+string(c.elem))
			f.Add(b)
		}
	}
	f.Add(quantisedImage(f, 40, 3)[2880:])
	f.Add(quantisedImage(f, 40, 3, text("ZNAME1", "BLOCKSIZE"), card("ZVAL1", 16), text("ZNAME2", "BYTEPIX"), card("ZVAL2", 4))[2880:])
	flat := join([]byte{0xdd, 0x99}, number32(4), number32(4), number32(2), number32(0), number32(64), []byte{1, 1, 1, 0xf6, 0x6f, 0x6c, 0xf6, 0xf6, 0, 0xf0})
	f.Add(tileTable([]tileColumn{{"COMPRESSED_DATA", "PB", [][]byte{flat}}}, 0, zCards("HCOMPRESS_1", 16, []int{4, 4}, []int{4, 4}, text("ZNAME1", "SMOOTH"), card("ZVAL1", 1))...))
	lossless := stored([]float32{1, 2, 3, 4})
	f.Add(tileTable([]tileColumn{{"COMPRESSED_DATA", "PB", [][]byte{{}, {}}}, {"GZIP_COMPRESSED_DATA", "PB", [][]byte{zipped(lossless), {}}}, {"UNCOMPRESSED_DATA", "PE", [][]byte{{}, lossless}}},
		8, zCards("GZIP_2", -32, []int{4, 2}, nil)...))
	empty := primary(8, nil)
	var file File
	file.Limits = small
	f.Fuzz(func(t *testing.T, b []byte) { checkPayload(t, &file, join(empty, b)) })
}

// checkPayload reads b in every way.
func checkPayload(t *testing.T, file *File, b []byte) {
	checkFault(t, Parse(b, file))
	for _, in := range Describe(file) {
		if in.DataSize > small.MaxBytes || in.DataOffset < in.HeaderOffset {
			t.Fatalf("HDU %+v is out of bounds", in)
		}
	}
	for i := range file.HDUs {
		checkPlanes(t, &file.HDUs[i])
	}
	var first, second schemas.Cutout
	d := NewDecoder(Options{Limits: small, VerifyChecksums: true})
	for _, c := range []*schemas.Cutout{&first, &second} {
		c.Reset()
		checkFault(t, d.Decode(&ingest.Message{Value: b}, c))
	}
	if len(first.Images) != len(second.Images) || first.Flags != second.Flags {
		t.Fatalf("reading twice gives %d and %d images, flags %v and %v", len(first.Images), len(second.Images), first.Flags, second.Flags)
	}
	for i := range first.Images {
		if len(first.Images[i].Pixels) > small.MaxInflated {
			t.Fatalf("%d pixels", len(first.Images[i].Pixels))
		}
		samePixels(t, second.Images[i].Pixels, first.Images[i].Pixels...)
	}
	var c schemas.Cutout
	c.Reset()
	checkFault(t, NewStampReader("x", small, nil).Read(&c, "a", b))
}

// checkPlanes compares the planes of an image that can be read with the whole of it.
func checkPlanes(t *testing.T, h *HDU) {
	whole, err := h.Pixels(nil)
	checkFault(t, err)
	g, geometryErr := h.Geometry()
	checkFault(t, geometryErr)
	if err != nil || geometryErr != nil || g.BandFirst || len(whole) > 1<<16 {
		return
	}
	n := g.Width * g.Height
	plane := make([]float32, n)
	for i := range g.Planes {
		if _, err := h.Plane(g, i, plane); err != nil {
			t.Fatalf("plane %d of %+v: %v", i, g, err)
		}
		samePixels(t, plane, whole[i*n:(i+1)*n]...)
	}
}

// checkFault fails unless err is nil or a complete fault that is no defect.
func checkFault(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if flt := schemas.AsFault(err); flt == nil || flt.Reason == schemas.ReasonInternal || flt.Detail == "" {
		t.Fatalf("%v is no typed refusal", err)
	}
}

// FuzzGunzip: the built-in inflater keeps its limit, and agrees with the standard library on every
// stream that has no padding.
func FuzzGunzip(f *testing.F) {
	f.Add(zipped(good()))
	f.Add(join(zipped([]byte("a")), zipped([]byte("b"))))
	f.Add(join(zipped(good()), make([]byte, 9)))
	const limit = 10000
	var g gunzipper
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := g.inflate(nil, b, limit)
		checkFault(t, err)
		if len(got) > limit {
			t.Fatalf("%d bytes", len(got))
		}
		want, stdErr := stdGunzip(b, limit)
		switch {
		case stdErr == nil && len(want) <= limit && (err != nil || !bytes.Equal(got, want)):
			t.Fatalf("%d bytes and %v, the standard library has %d", len(got), err, len(want))
		case err == nil && stdErr != nil && b[len(b)-1] != 0:
			t.Fatalf("accepted what the standard library refuses: %v", stdErr)
		}
	})
}

// stdGunzip inflates at most limit+1 bytes with the standard library.
func stdGunzip(b []byte, limit int64) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, limit+1))
}
