package fits

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
)

// decodeOnce decodes one payload into a fresh cutout.
func decodeOnce(opt Options, m *ingest.Message) (*schemas.Cutout, *Decoder, error) {
	c := new(schemas.Cutout)
	c.Reset()
	d := NewDecoder(opt)
	err := d.Decode(m, c)
	return c, d, err
}

// bandNames lists the images of a cutout with their first pixel.
func bandNames(c *schemas.Cutout) (names []string, first []float32) {
	for i := range c.Images {
		names = append(names, c.Images[i].Name)
		first = append(first, c.Images[i].Pixels[0])
	}
	return names, first
}

// TestDecoderBands: planes and HDUs are taken by name, in the wanted order, never by place (T14, G2).
func TestDecoderBands(t *testing.T) {
	cube := func(extra ...string) []byte {
		return join(primary(-32, []int{2, 1, 3}, extra...), floats(1, 2, 3, 4, 5, 6))
	}
	bandFirst := join(primary(-32, []int{3, 2, 2, 1}), floats(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))
	hdus := join(primary(8, nil), extension(-32, []int{1, 1}, text("EXTNAME", "Z")), floats(30), extension(-32, []int{1, 1}, text("EXTNAME", "r")), floats(20),
		extension(-32, []int{1, 1}, text("EXTNAME", "G")), floats(10))
	filters := join(primary(-32, []int{1, 1}, text("FILTER", "g DECam SDSS c0001")), floats(10), extension(-32, []int{1, 1}, text("FILTER", "R.MP9601")), floats(20))
	grz := []string{"g", "r", "z"}
	tests := []struct {
		name  string
		b     []byte
		opt   Options
		names []string
		first []float32
		want  schemas.Reason
	}{
		{"cube in stored order", cube(), Options{Bands: grz}, grz, []float32{1, 3, 5}, ""},
		{"BANDS names the planes", cube(text("BANDS", "zgr")), Options{Bands: grz}, grz, []float32{3, 5, 1}, ""},
		{"BANDn names the planes", cube(text("BAND0", "R"), text("BAND1", "z"), text("BAND2", "g")), Options{Bands: grz}, grz, []float32{5, 1, 3}, ""},
		{"BANDn counted from 1", cube(text("BAND1", "r"), text("BAND2", "z"), text("BAND3", "g")), Options{Bands: []string{"g"}}, []string{"g"}, []float32{5}, ""},
		{"a subset", cube(text("BANDS", "grz")), Options{Bands: []string{"z"}}, []string{"z"}, []float32{5}, ""},
		{"every plane", cube(text("BANDS", "grz")), Options{}, grz, []float32{1, 3, 5}, ""},
		{"every plane without names", cube(), Options{}, []string{"plane0", "plane1", "plane2"}, []float32{1, 3, 5}, ""},
		{"band-first cube is transposed", bandFirst, Options{Bands: grz}, grz, []float32{1, 2, 3}, ""},
		{"HDUs by EXTNAME", hdus, Options{Bands: grz}, grz, []float32{10, 20, 30}, ""},
		{"HDUs, names in upper case", hdus, Options{Bands: []string{"R"}}, []string{"r"}, []float32{20}, ""},
		{"BAND before FILTER", join(primary(-32, []int{1, 1}, text("FILTER", "x"), text("BAND", "G")), floats(7)), Options{Bands: []string{"g"}}, []string{"g"}, []float32{7}, ""},
		{"HDUs by FILTER", filters, Options{Bands: []string{"r", "g"}}, []string{"r", "g"}, []float32{20, 10}, ""},
		{"one picture takes the one wanted name", good(), Options{Bands: []string{"g"}}, []string{"g"}, []float32{1}, ""},
		{"one picture without a name", good(), Options{}, []string{"image"}, []float32{1}, ""},
		{"HDU by name", hdus, Options{HDU: "z"}, []string{"image"}, []float32{30}, ""},
		{"missing HDU", hdus, Options{Bands: []string{"g", "i"}}, nil, nil, schemas.ReasonMissingBand},
		{"missing HDU allowed", hdus, Options{Bands: []string{"i", "g"}, AllowMissingBands: true}, []string{"g"}, []float32{10}, ""},
		{"missing plane", cube(text("BANDS", "grz")), Options{Bands: []string{"i"}}, nil, nil, schemas.ReasonMissingBand},
		{"all missing though allowed", cube(text("BANDS", "grz")), Options{Bands: []string{"i"}, AllowMissingBands: true}, nil, nil, schemas.ReasonMissingBand},
		{"unnamed planes of another number", cube(), Options{Bands: []string{"g", "r"}}, nil, nil, schemas.ReasonBadShape},
		{"a band of another name", join(primary(-32, []int{1, 1}, text("FILTER", "r")), floats(1)), Options{Bands: []string{"g"}}, nil, nil, schemas.ReasonMissingBand},
		{"four long axes", join(primary(-32, []int{1, 1, 2, 2}), floats(1, 2, 3, 4)), Options{}, nil, nil, schemas.ReasonBadShape},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.opt.Validate(); err != nil {
				t.Fatal(err)
			}
			c, _, err := decodeOnce(tt.opt, &ingest.Message{Value: tt.b})
			if tt.want != "" {
				wantReason(t, err, tt.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			names, first := bandNames(c)
			if !slices.Equal(names, tt.names) || !slices.Equal(first, tt.first) {
				t.Errorf("got %v %v, want %v %v", names, first, tt.names, tt.first)
			}
			if missing := len(tt.opt.Bands) > len(names); missing != (c.Flags&schemas.FlagMissingBand != 0) {
				t.Errorf("flags %v", c.Flags)
			}
		})
	}
}

// TestDecoderCutout checks every field of a cutout from a survey's file.
func TestDecoderCutout(t *testing.T) {
	m := &ingest.Message{Origin: schemas.Origin{Topic: "cutouts", Partition: 3, Offset: 42}, Key: []byte("key"), Value: surveyCube()}
	c, d, err := decodeOnce(Options{Survey: "DECaLS", Bands: []string{"g", "r", "z"}}, m)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2015, 3, 14, 4, 5, 6, 500e6, time.UTC)
	if c.Survey != "decals" || string(c.ObjectID) != "J1002+0215" || string(c.ObservationID) != "cutouts/3@42" || !c.ObservedAt.Equal(at) || c.Flags != 0 || d.HDU() != 0 {
		t.Errorf("got %s %s %s %v flags %v HDU %d", c.Survey, c.ObjectID, c.ObservationID, c.ObservedAt, c.Flags, d.HDU())
	}
	if !near(c.RA, 150.5, 1e-9) || !near(c.Dec, 2.25, 1e-9) {
		t.Errorf("position %v %v", c.RA, c.Dec)
	}
	for _, img := range c.Images {
		if img.Width != 256 || img.Height != 256 || img.Unit != "nanomaggy" || img.ZeroPoint != 22.5 || !near(img.PixelScale, 0.2620008, 1e-9) {
			t.Errorf("%s: %dx%d %s %v %v", img.Name, img.Width, img.Height, img.Unit, img.ZeroPoint, img.PixelScale)
		}
	}
}

// TestDecoderIdentity: cards before the key before the path; the observation by card or origin. The
// fallback stands even when the payload is refused.
func TestDecoderIdentity(t *testing.T) {
	file := schemas.Origin{Topic: "archive", Path: "/data/night.tar!cut/J0101.fits.gz"}
	tests := []struct {
		name           string
		cards          []string
		m              ingest.Message
		object, observ string
	}{
		{"cards", []string{text("OBJECT", "M 31"), card("EXPNUM", 123)}, ingest.Message{Key: []byte("k"), Origin: file}, "M 31", "123"},
		{"object number beyond int64", []string{card("OBJID", "10000000000000000001"), text("OBJECT", "x")}, ingest.Message{}, "10000000000000000001", "/0@0"},
		{"key", []string{text("OBJECT", "")}, ingest.Message{Key: []byte("k"), Origin: file}, "k", file.String()},
		{"path", nil, ingest.Message{Origin: file}, "J0101", file.String()},
		{"origin with HDU", nil, ingest.Message{Origin: schemas.Origin{Path: "a.fits", HDU: 2}}, "a", "a.fits[2]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.m.Value = join(primary(-32, []int{1, 1}, tt.cards...), floats(1))
			c, _, err := decodeOnce(Options{}, &tt.m)
			if err != nil || string(c.ObjectID) != tt.object || string(c.ObservationID) != tt.observ {
				t.Errorf("got %q %q %v, want %q %q", c.ObjectID, c.ObservationID, err, tt.object, tt.observ)
			}
			if c.Flags != schemas.FlagBadTime|schemas.FlagNoPosition || !math.IsNaN(c.RA) || !c.ObservedAt.IsZero() {
				t.Errorf("flags %v, position %v, time %v", c.Flags, c.RA, c.ObservedAt)
			}
		})
	}
	c, d, err := decodeOnce(Options{Survey: "ztf"}, &ingest.Message{Key: []byte("k"), Value: []byte("<html>")})
	wantReason(t, err, schemas.ReasonNotFITS)
	if string(c.ObjectID) != "k" || c.Survey != "ztf" || d.HDU() != -1 {
		t.Errorf("identity of a refused payload: %q %q, HDU %d", c.ObjectID, c.Survey, d.HDU())
	}
	c, _, err = decodeOnce(Options{}, &ingest.Message{Value: join(primary(-32, []int{9, 9}, text("OBJECT", "cut")), floats(1))[:2880+8]})
	wantReason(t, err, schemas.ReasonTruncated)
	if string(c.ObjectID) != "cut" {
		t.Errorf("identity of a truncated payload: %q", c.ObjectID)
	}
}

// TestDecoderPrimaryFallback: time and position of an extension come from the primary header where its
// own has none.
func TestDecoderPrimaryFallback(t *testing.T) {
	b := join(primary(8, nil, card("RA", "10."), card("DEC", "-5."), card("MJD-OBS", "60000."), text("OBJECT", "obj")), extension(-32, []int{1, 1}), floats(1))
	c, _, err := decodeOnce(Options{}, &ingest.Message{Value: b})
	if err != nil || c.RA != 10 || c.Dec != -5 || c.ObservedAt.Year() != 2023 || string(c.ObjectID) != "obj" || c.Flags != 0 {
		t.Errorf("%v: %v %v %v %s %v", err, c.RA, c.Dec, c.ObservedAt, c.ObjectID, c.Flags)
	}
}

// TestZeroPoints pins formats.md section 6.
func TestZeroPoints(t *testing.T) {
	tests := []struct {
		survey    string
		cards     []string
		unit      string
		zeroPoint float64
		flags     schemas.Flags
	}{
		{"", []string{text("BUNIT", "nanomaggy")}, "nanomaggy", 22.5, 0},
		{"", []string{text("BUNIT", "nJy")}, "nJy", 31.4, 0},
		{"", []string{text("BUNIT", "mJy")}, "mJy", 16.4, 0},
		{"", []string{text("BUNIT", "MJy")}, "MJy", math.NaN(), 0},
		{"", []string{text("BUNIT", "DN"), card("MAGZP", 26.3)}, "DN", 26.3, 0},
		{"", []string{text("BUNIT", "electrons"), card("MAGZERO", "30.")}, "electrons", 30, 0},
		{"", []string{card("PHOTZP", 25.5)}, "", 25.5, 0},
		{"", []string{card("FLUXMAG0", "63095734448.0194")}, "", 27, 0},
		{"", []string{text("BUNIT", "nJy"), card("MAGZP", 31.4)}, "nJy", 31.4, 0},
		{"", []string{text("BUNIT", "nJy"), card("MAGZP", 25.0)}, "nJy", 31.4, schemas.FlagCardConflict},
		{"", []string{card("MAGZP", 22.5), card("MAGZP", "30.0")}, "", 30, schemas.FlagCardConflict},
		{"legacy", nil, "nanomaggy", 22.5, 0},
		{"lsst", nil, "nJy", 31.4, 0},
		{"", []string{text("SURVEY", "DECaLS")}, "nanomaggy", 22.5, 0},
		{"hsc", nil, "", 27, 0},
		{"ztf", []string{text("BUNIT", "DN")}, "DN", math.NaN(), 0},
		{"", nil, "", math.NaN(), 0},
	}
	for _, tt := range tests {
		b := join(primary(-32, []int{1, 1}, tt.cards...), floats(1))
		c, _, err := decodeOnce(Options{Survey: tt.survey}, &ingest.Message{Value: b})
		if err != nil {
			t.Fatal(err)
		}
		img := c.Images[0]
		if img.Unit != tt.unit || !near(img.ZeroPoint, tt.zeroPoint, 1e-9) || c.Flags&schemas.FlagCardConflict != tt.flags {
			t.Errorf("%s %v: %q %v %v, want %q %v %v", tt.survey, tt.cards, img.Unit, img.ZeroPoint, c.Flags, tt.unit, tt.zeroPoint, tt.flags)
		}
	}
	b := join(primary(-32, []int{1, 1}, text("BUNIT", "nJy")), floats(1))
	if c, _, _ := decodeOnce(Options{ZeroPoint: 25}, &ingest.Message{Value: b}); c.Images[0].ZeroPoint != 25 {
		t.Errorf("the option does not replace the zero point: %v", c.Images[0].ZeroPoint)
	}
}

// TestDecoderChecksums: DATASUM and CHECKSUM are counted where asked for, and never refuse (T13).
func TestDecoderChecksums(t *testing.T) {
	unit := floats(1, 2, 3, 4)
	head := primary(-32, []int{2, 2}, text("DATASUM", "16777216"))
	ok := join(primary(-32, []int{2, 2}, text("DATASUM", strconv.Itoa(int(sum32(unit))))), unit)
	bad := join(head, unit)
	d := NewDecoder(Options{VerifyChecksums: true})
	for _, tt := range []struct {
		b     []byte
		flags schemas.Flags
	}{{ok, 0}, {bad, schemas.FlagChecksumBad}, {good(), 0}} {
		var c schemas.Cutout
		c.Reset()
		if err := d.Decode(&ingest.Message{Value: tt.b}, &c); err != nil || c.Flags&schemas.FlagChecksumBad != tt.flags {
			t.Errorf("flags %v, error %v", c.Flags, err)
		}
	}
	if s := d.Sums(); s != (Sums{OK: 1, Bad: 1, Absent: 4}) {
		t.Errorf("counted %+v", s)
	}
	if c, _, _ := decodeOnce(Options{}, &ingest.Message{Value: bad}); c.Flags&schemas.FlagChecksumBad != 0 {
		t.Error("checked without being asked")
	}
}

// TestOptionsValidate lists all faults.
func TestOptionsValidate(t *testing.T) {
	opt := Options{Bands: []string{"g", "G", ""}, ZeroPoint: math.Inf(1), Limits: Limits{MaxHDUs: -1}}
	err := opt.Validate()
	for _, want := range []string{`"G"`, `""`, "ZeroPoint", "MaxHDUs"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

// TestDecodeAllocatesNothing: steady state over cubes, three HDUs and gzip.
func TestDecodeAllocatesNothing(t *testing.T) {
	for name, b := range map[string][]byte{"cube": surveyCube(), "three HDUs": threeHDUs(), "gzip": zipped(threeHDUs())} {
		d := NewDecoder(Options{Survey: "decals", Bands: []string{"g", "r", "z"}, VerifyChecksums: true})
		m := &ingest.Message{Origin: schemas.Origin{Topic: "cutouts", Partition: 1, Offset: 99}, Value: b}
		var c schemas.Cutout
		if n := testing.AllocsPerRun(20, func() {
			c.Reset()
			if err := d.Decode(m, &c); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
