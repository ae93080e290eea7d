package simulate

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/astrogo/fitsio"
)

func TestFITSPacketReadsBackWithAnIndependentReader(t *testing.T) {
	s := survey(t, Config{Seed: 2, Size: 40})
	p := packet(t, s, 17)
	if len(p.Value)%fitsBlock != 0 {
		t.Fatalf("the file has %d bytes, not whole blocks of %d", len(p.Value), fitsBlock)
	}
	f, err := fitsio.Open(bytes.NewReader(p.Value))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := len(f.HDUs()); got != 4 {
		t.Fatalf("%d HDUs, want a primary and three images", got)
	}
	primary := f.HDU(0).Header()
	for key, want := range map[string]any{
		"OBJECT": p.ObjectID, "MORPHID": int(p.Class), "MORPHCLS": p.Class.String(), "OBSID": "E000000000017",
		"DATE-OBS": p.Time.Format("2006-01-02T15:04:05.000"),
	} {
		if card := primary.Get(key); card == nil || card.Value != want {
			t.Errorf("%s = %v, want %v", key, card, want)
		}
	}
	planes, class, err := s.Cutout(17)
	if err != nil || class != p.Class {
		t.Fatalf("Cutout: class %v, %v", class, err)
	}
	for b := range Band(NumBands) {
		checkImage(t, f.HDU(int(b)+1), b, planes[b])
	}
}

// checkImage compares one extension with the pixels it should hold.
func checkImage(t *testing.T, hdu fitsio.HDU, b Band, want []float32) {
	t.Helper()
	h := hdu.Header()
	if hdu.Name() != b.String() {
		t.Errorf("extension of %s is named %q", b, hdu.Name())
	}
	number := func(key string) float64 {
		card := h.Get(key)
		if card == nil {
			t.Fatalf("%s: no %s", b, key)
		}
		v, ok := card.Value.(float64)
		if !ok {
			t.Fatalf("%s: %s is a %T", b, key, card.Value)
		}
		return v
	}
	if got := number("MAGZP"); got != 22.5 {
		t.Errorf("%s: MAGZP %g", b, got)
	}
	det := number("CD1_1")*number("CD2_2") - number("CD1_2")*number("CD2_1")
	if scale := 3600 * math.Sqrt(math.Abs(det)); math.Abs(scale-0.262) > 1e-9 {
		t.Errorf("%s: pixel scale %g arcsec", b, scale)
	}
	if number("CD1_1") >= 0 || number("CRPIX1") != 20.5 {
		t.Errorf("%s: RA must fall along the columns about pixel 20.5", b)
	}
	if unit := h.Get("BUNIT"); unit == nil || unit.Value != "nanomaggy" {
		t.Errorf("%s: BUNIT %v", b, unit)
	}
	got := make([]float32, len(want))
	if err := hdu.(fitsio.Image).Read(&got); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: pixel %d is %g, want %g", b, i, got[i], want[i])
		}
	}
}

func TestHeaderCardsKeepTheFixedFormat(t *testing.T) {
	var h header
	h.text("NAME", "O'Brien", strings.Repeat("a long comment ", 9))
	h.real("WHOLE", 2, "")
	h.real("TINY", -7.27e-5, "")
	h.logical("YES", true, "")
	h.integer("MANY", math.MaxInt64, "")
	b := h.end()
	if len(b) != fitsBlock {
		t.Fatalf("%d bytes", len(b))
	}
	for i, want := range []string{
		"NAME    = 'O''Brien'", "WHOLE   =                  2.0", "TINY    =            -7.27E-05",
		"YES     =                    T", "MANY    =  9223372036854775807", "END",
	} {
		if card := string(b[i*80 : i*80+80]); !strings.HasPrefix(card, want) {
			t.Errorf("card %d is %q, want it to begin %q", i, card, want)
		}
	}
}
