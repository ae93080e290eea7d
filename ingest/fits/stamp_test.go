package fits

import (
	"errors"
	"os"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

// readStamp reads one stamp into a fresh cutout.
func readStamp(survey string, payload []byte) (*schemas.Cutout, error) {
	c := new(schemas.Cutout)
	c.Reset()
	return c, NewStampReader(survey, Limits{}, nil).Read(c, "science", payload)
}

// TestStamps covers the forms in which surveys send stamps: formats.md section 4.
func TestStamps(t *testing.T) {
	lsst := join(primary(-32, []int{2, 1}, text("BUNIT", "nJy"), card("PC1_1", "-5.55555555555556E-5"), card("PC2_2", "5.55555555555556E-5"), card("PC1_2", 0.0), card("PC2_1", 0.0), card("CDELT1", 1.0), card("CDELT2", 1.0)), floats(1, 2),
		extension(-32, []int{2, 1}, text("EXTNAME", "UNCERT")), floats(8, 9))
	winter := join(primary(-64, []int{2, 1}), pad(stored([]float64{1, 2})))
	tests := []struct {
		name   string
		b      []byte
		pixels []float32
		unit   string
		scale  float64
		flags  schemas.Flags
	}{
		{"plain", good(), []float32{1, 2, 3, 4}, "", nan64, 0},
		{"gzip", zipped(good()), []float32{1, 2, 3, 4}, "", nan64, 0},
		{"LSST takes the primary", lsst, []float32{1, 2}, "nJy", 0.2, 0},
		{"double precision", zipped(winter), []float32{1, 2}, "", nan64, 0},
		{"image in the extension", join(primary(8, nil), extension(-32, []int{1, 1}), floats(5)), []float32{5}, "", nan64, 0},
		{"missing pixels", join(primary(-32, []int{2, 1}), floats(nan32, 2)), []float32{nan32, 2}, "", nan64, schemas.FlagNaNPixels},
		{"surplus axes", join(primary(-32, []int{2, 1, 1, 1}), floats(1, 2)), []float32{1, 2}, "", nan64, 0},
		{"unpadded", good()[:2880+16], []float32{1, 2, 3, 4}, "", nan64, schemas.FlagUnpadded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := readStamp("x", tt.b)
			if err != nil {
				t.Fatal(err)
			}
			img := c.Image("science")
			samePixels(t, img.Pixels, tt.pixels...)
			if img.Unit != tt.unit || !near(img.PixelScale, tt.scale, 1e-9) || c.Flags != tt.flags {
				t.Errorf("unit %q scale %v flags %v", img.Unit, img.PixelScale, c.Flags)
			}
		})
	}
}

// TestStampsRefused: a refused stamp leaves the cutout without a new image.
func TestStampsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		b    []byte
		want schemas.Reason
	}{
		"absent":    {nil, schemas.ReasonMissingCutout},
		"not FITS":  {[]byte("0\n"), schemas.ReasonNotFITS},
		"cut":       {good()[:2888], schemas.ReasonTruncated},
		"a cube":    {join(primary(-32, []int{1, 1, 2}), floats(1, 2)), schemas.ReasonBadShape},
		"no image":  {primary(8, nil), schemas.ReasonNoImage},
		"bad gzip":  {zipped(good())[:100], schemas.ReasonBadGzip},
		"tile":      {join(primary(8, nil), header(text("XTENSION", "BINTABLE"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 1), card("NAXIS2", 1), card("ZIMAGE", "T")), pad([]byte{0})), schemas.ReasonBadHeader},
		"too large": {primary(-32, []int{1 << 20, 1 << 20}), schemas.ReasonTooLarge},
	} {
		c, err := readStamp("x", tt.b)
		t.Run(name, func(t *testing.T) { wantReason(t, err, tt.want) })
		if len(c.Images) != 0 {
			t.Errorf("%s: %d images", name, len(c.Images))
		}
	}
}

// TestStampAllocatesNothing: steady state, three stamps an alert, plain and gzipped.
func TestStampAllocatesNothing(t *testing.T) {
	for name, b := range map[string][]byte{"plain": ztfStamp(), "gzip": zipped(ztfStamp())} {
		r := NewStampReader("ztf", Limits{}, nil)
		var c schemas.Cutout
		if n := testing.AllocsPerRun(50, func() {
			c.Reset()
			for _, role := range [...]string{"science", "template", "difference"} {
				if err := r.Read(&c, role, b); err != nil {
					t.Fatal(err)
				}
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestInflateIsReplaceable: another inflater is used, its faults pass and its other errors become
// bad_gzip.
func TestInflateIsReplaceable(t *testing.T) {
	calls := 0
	var result error
	r := NewStampReader("", Limits{MaxInflated: 12345}, func(dst, src []byte, limit int) ([]byte, error) {
		calls++
		if limit != 12345 || !isGzip(src) {
			t.Errorf("limit %d", limit)
		}
		return append(dst, good()...), result
	})
	var c schemas.Cutout
	c.Reset()
	if err := r.Read(&c, "a", []byte{0x1f, 0x8b, 0}); err != nil || calls != 1 || c.Images[0].Pixels[3] != 4 {
		t.Errorf("%v, %d calls", err, calls)
	}
	result = errors.New("broken")
	err := r.Read(&c, "b", []byte{0x1f, 0x8b, 0})
	wantReason(t, err, schemas.ReasonBadGzip)
	if !errors.Is(err, result) {
		t.Errorf("%v does not wrap its cause", err)
	}
	result = schemas.NewFault(schemas.StageIngest, schemas.ReasonTooLarge, "big")
	wantReason(t, r.Read(&c, "c", []byte{0x1f, 0x8b, 0}), schemas.ReasonTooLarge)
}

// TestRealStamps reads the three gzip stamps of a real ZTF packet, found by their magic.
func TestRealStamps(t *testing.T) {
	b, err := os.ReadFile(shareddata.Path(t, "data/alerts/boom/ztf/2695378462115010012.avro"))
	if err != nil {
		t.Fatal(err)
	}
	r := NewStampReader("ztf", Limits{}, nil)
	var c schemas.Cutout
	c.Reset()
	// Where the three stamps lie in the packet, and how long they are.
	for i, at := range [...][2]int{{31053, 13107}, {44202, 12410}, {56680, 14878}} {
		if err := r.Read(&c, [...]string{"science", "template", "difference"}[i], b[at[0]:at[0]+at[1]]); err != nil {
			t.Fatal(err)
		}
	}
	for _, img := range c.Images {
		if img.Width != 63 || img.Height != 63 || img.Unit != "DN" {
			t.Errorf("%s: %dx%d %q", img.Name, img.Width, img.Height, img.Unit)
		}
	}
	if digest(c.Images[0].Pixels) == digest(c.Images[1].Pixels) {
		t.Error("two stamps are the same")
	}
}
