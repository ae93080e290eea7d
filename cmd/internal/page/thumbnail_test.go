package page

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"testing"

	"github.com/galaxalign/galaxalign/ingest/simulate"
	"github.com/galaxalign/galaxalign/schemas"
)

// cutoutWith makes a cutout of images w by h whose pixels f gives by name, column and row from the bottom.
func cutoutWith(w, h int, names []string, f func(name string, x, y int) float32) *schemas.Cutout {
	var c schemas.Cutout
	c.Reset()
	for _, name := range names {
		m := c.AddImage(name, w, h)
		for i := range m.Pixels {
			m.Pixels[i] = f(name, i%w, i/w)
		}
	}
	return &c
}

func decode(t *testing.T, b []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("not a picture: %v", err)
	}
	return img
}

// brightness is the sum of the channels of a pixel, 0 to 765.
func brightness(img image.Image, x, y int) int {
	r, g, b, _ := img.At(x, y).RGBA()
	return int(r>>8 + g>>8 + b>>8)
}

var bands = []string{"g", "r", "z"}

func TestThumbnailPutsNorthUp(t *testing.T) {
	for _, names := range [][]string{bands, {"science", "template", "difference"}, {"i"}} {
		c := cutoutWith(40, 40, names, func(_ string, x, y int) float32 {
			if y >= 30 && x >= 30 { // stored last: the north, and to the right
				return 5
			}
			return float32((x*7+y*3)%5) * 0.001
		})
		img := decode(t, Thumbnail(c, 40))
		if top, bottom := brightness(img, 35, 4), brightness(img, 35, 36); top < bottom+200 {
			t.Errorf("%v: the top right has brightness %d, the bottom right %d", names, top, bottom)
		}
		if left := brightness(img, 4, 4); left > brightness(img, 35, 4)-200 {
			t.Errorf("%v: the top left has brightness %d: mirrored?", names, left)
		}
	}
}

func TestThumbnailHasTheColoursOfTheLegacyViewer(t *testing.T) {
	for band, channel := range map[string]int{"z": 0, "r": 1, "g": 2} {
		c := cutoutWith(32, 32, bands, func(name string, _, _ int) float32 {
			if name == band {
				return 0.3
			}
			return 0
		})
		r, g, b, _ := decode(t, Thumbnail(c, 32)).At(16, 16).RGBA()
		rgb := [3]uint32{r, g, b}
		for i, v := range rgb {
			if i != channel && v >= rgb[channel] {
				t.Errorf("light in %s alone shows as %v: channel %d should lead", band, rgb, channel)
			}
		}
	}
	dark := picture(cutoutWith(16, 16, bands, func(string, int, int) float32 { return 0 })).RGBAAt(3, 3)
	if dark.R != 32 || dark.G != 32 || dark.B != 32 { // 0.127193 of 255
		t.Errorf("empty sky is %v, want 32 in each channel", dark)
	}
}

func TestThumbnailReadsTheZeroPoint(t *testing.T) {
	flat := func(v float32, zp float64) *schemas.Cutout {
		c := cutoutWith(16, 16, bands, func(string, int, int) float32 { return v })
		for i := range c.Images {
			c.Images[i].ZeroPoint = zp
		}
		return c
	}
	nano, hsc := picture(flat(0.1, 22.5)).RGBAAt(5, 5), picture(flat(6.30957, 27)).RGBAAt(5, 5)
	if nano != hsc {
		t.Errorf("0.1 nanomaggies show as %v at zero point 22.5 and %v at 27", nano, hsc)
	}
	if bare := picture(flat(0.1, math.NaN())).RGBAAt(5, 5); bare != nano {
		t.Errorf("without a zero point %v, want %v", bare, nano)
	}
}

func TestThumbnailSurvivesPixelsWithoutData(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, names := range [][]string{bands, {"science", "template", "difference"}, {"i"}} {
		c := cutoutWith(30, 30, names, func(_ string, x, y int) float32 {
			switch {
			case x == 3:
				return nan
			case x == 5 && y == 5:
				return inf
			case x == 15 && y == 15:
				return 3
			}
			return float32((x+y)%4) * 0.002
		})
		img := decode(t, Thumbnail(c, 30))
		if middle, column := brightness(img, 15, 14), brightness(img, 3, 20); middle < column+150 {
			t.Errorf("%v: a column without data spoils the picture: source %d, column %d", names, middle, column)
		}
		all := cutoutWith(20, 20, names, func(string, int, int) float32 { return nan })
		if decode(t, Thumbnail(all, 20)).Bounds().Dx() != 20 {
			t.Errorf("%v: no picture of a cutout without data", names)
		}
	}
}

func TestThumbnailShapes(t *testing.T) {
	one := func(string, int, int) float32 { return 1 }
	for _, tc := range []struct{ w, h, size, wantW, wantH int }{
		{63, 63, 160, 160, 160}, {63, 48, 126, 126, 96}, {300, 100, 60, 60, 20}, {8, 8, 1, 16, 16}, {4, 4, 5000, 1024, 1024}, {400, 1, 100, 100, 1},
	} {
		b := decode(t, Thumbnail(cutoutWith(tc.w, tc.h, bands, one), tc.size)).Bounds()
		if b.Dx() != tc.wantW || b.Dy() != tc.wantH {
			t.Errorf("%d by %d fitted into %d gives %v, want %d by %d", tc.w, tc.h, tc.size, b, tc.wantW, tc.wantH)
		}
	}
	uneven := cutoutWith(20, 20, []string{"g", "r"}, one)
	uneven.AddImage("z", 21, 20)
	if b := decode(t, Thumbnail(uneven, 20)).Bounds(); b.Dx() != 20 {
		t.Errorf("bands of unequal size: %v", b)
	}
}

func TestThumbnailOfNothingIsNothing(t *testing.T) {
	var empty schemas.Cutout
	broken := schemas.Cutout{Images: []schemas.Image{{Name: "g", Width: 10, Height: 10}}}
	for name, c := range map[string]*schemas.Cutout{"empty": &empty, "no pixels": &broken} {
		if b := Thumbnail(c, 64); b != nil {
			t.Errorf("%s: %d bytes", name, len(b))
		}
	}
}

func BenchmarkThumbnail(b *testing.B) {
	s, err := simulate.New(simulate.Config{})
	if err != nil {
		b.Fatal(err)
	}
	planes, _, err := s.Cutout(3)
	if err != nil {
		b.Fatal(err)
	}
	c := cutoutOf(planes, 96)
	for b.Loop() {
		b.SetBytes(int64(len(Thumbnail(c, 160))))
	}
}
