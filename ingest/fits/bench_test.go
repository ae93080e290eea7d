package fits

import (
	"math/rand/v2"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
)

// noise is n plausible sky pixels.
func noise(n int) []float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	px := make([]float32, n)
	for i := range px {
		px[i] = float32(120 + 7*rng.NormFloat64())
	}
	return px
}

// ztfStamp is a stamp as ZTF writes it: seven cards, 63x63 float32, 20,160 bytes.
func ztfStamp() []byte {
	return join(header("SIMPLE  =  T", card("BITPIX", -32), card("NAXIS", 2), card("NAXIS1", 63), card("NAXIS2", 63),
		text("BUNIT", "DN")), floats(noise(63*63)...))
}

// surveyCube is a 256x256 cube of three bands with a header as the Legacy Survey cutout service writes it.
func surveyCube() []byte {
	return join(primary(-32, []int{256, 256, 3}, surveyCards...), floats(noise(256*256*3)...))
}

var surveyCards = []string{
	text("SURVEY", "DECaLS"), text("BANDS", "grz"), text("CTYPE1", "RA---TAN"), text("CTYPE2", "DEC--TAN"),
	card("CRVAL1", 150.5), card("CRVAL2", 2.25), card("CRPIX1", 128.5), card("CRPIX2", 128.5),
	card("CD1_1", -7.2778e-5), card("CD1_2", 0.0), card("CD2_1", 0.0), card("CD2_2", 7.2778e-5),
	text("OBJECT", "J1002+0215"), text("DATE-OBS", "2015-03-14T04:05:06.5"), card("MJD-OBS", 57095.17),
}

// threeHDUs is an empty primary and one 64x64 float32 image for each of three bands.
func threeHDUs() []byte {
	parts := [][]byte{primary(8, nil, surveyCards[4:]...)}
	for _, band := range []string{"Z", "r", "G"} {
		parts = append(parts, extension(-32, []int{64, 64}, append(surveyCards[2:12:12], text("EXTNAME", band))...), floats(noise(64*64)...))
	}
	return join(parts...)
}

func benchStamp(b *testing.B, payload []byte) {
	r := NewStampReader("ztf", Limits{}, nil)
	var c schemas.Cutout
	b.SetBytes(int64(4 * 63 * 63))
	b.ReportAllocs()
	for b.Loop() {
		c.Reset()
		if err := r.Read(&c, "science", payload); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStampPlain(b *testing.B) { benchStamp(b, ztfStamp()) }
func BenchmarkStampGzip(b *testing.B)  { benchStamp(b, zipped(ztfStamp())) }

func benchDecode(b *testing.B, payload []byte, pixels int, opt Options) {
	d := NewDecoder(opt)
	m := &ingest.Message{Origin: schemas.Origin{Topic: "cutouts", Offset: 7}, Value: payload}
	var c schemas.Cutout
	b.SetBytes(int64(4 * pixels))
	b.ReportAllocs()
	for b.Loop() {
		c.Reset()
		if err := d.Decode(m, &c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeCube256x256x3(b *testing.B) {
	benchDecode(b, surveyCube(), 256*256*3, Options{Survey: "decals", Bands: []string{"g", "r", "z"}})
}

func BenchmarkDecodeThreeHDUs64x64(b *testing.B) {
	benchDecode(b, threeHDUs(), 64*64*3, Options{Survey: "decals", Bands: []string{"g", "r", "z"}})
}

func BenchmarkHeaderZTF(b *testing.B)    { benchHeader(b, ztfStamp()) }
func BenchmarkHeaderSurvey(b *testing.B) { benchHeader(b, surveyCube()) }

func benchHeader(b *testing.B, payload []byte) {
	var f File
	b.ReportAllocs()
	for b.Loop() {
		if err := Parse(payload, &f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPixelsFloat32(b *testing.B)   { benchPixels(b, decodeFloat32) }
func BenchmarkPixelsFloat32Go(b *testing.B) { benchPixels(b, decodeFloat32Go) }

func benchPixels(b *testing.B, decode func([]float32, []byte) bool) {
	px := make([]float32, 256*256*3)
	src := stored(noise(len(px)))
	b.SetBytes(int64(4 * len(px)))
	for b.Loop() {
		decode(px, src)
	}
}

func BenchmarkPixelsInt16Scaled(b *testing.B) {
	h := HDU{Kind: KindImage, Bitpix: 16, BScale: 0.5, BZero: 10, Blank: -999, HasBlank: true}
	px := make([]float32, 256*256)
	s := strided{src: make([]byte, 2*len(px)), step: 2}
	b.SetBytes(int64(4 * len(px)))
	for b.Loop() {
		h.decode(px, s)
	}
}

// Tile-compressed images, in bytes of the float32 pixels that come out.

func BenchmarkDecodeRice256x256(b *testing.B) {
	benchDecode(b, quantisedImage(b, 256, 256), 256*256, Options{Survey: "x"})
}

func BenchmarkDecodeGzip2Tiles256x256(b *testing.B) {
	px := make([]int32, 256*256)
	for i, v := range noise(len(px)) {
		px[i] = int32(v)
	}
	var cells [][]byte
	for _, tile := range cutTiles(px, []int{256, 256}, []int{256, 1}) {
		cells = append(cells, zipped(shuffled(stored(tile), 4)))
	}
	payload := join(primary(8, nil), tileTable([]tileColumn{{"COMPRESSED_DATA", "PB", cells}}, 0, zCards("GZIP_2", 32, []int{256, 256}, nil)...))
	benchDecode(b, payload, len(px), Options{Survey: "x"})
}
