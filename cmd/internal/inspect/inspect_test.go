package inspect

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/ingest/fits"
	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
)

// toy makes a cutout of three bands, 8 x 6 pixels, with one pixel without data.
func toy() *schemas.Cutout {
	c := &schemas.Cutout{}
	c.Reset()
	c.Survey, c.ObjectID = "toy", append(c.ObjectID, "a1"...)
	for _, band := range []string{"z", "r", "g"} {
		m := c.AddImage(band, 8, 6)
		for i := range m.Pixels {
			m.Pixels[i] = float32(i) / 48
		}
		m.Unit, m.ZeroPoint = "nanomaggy", 22.5
	}
	c.Images[0].Pixels[5] = float32(math.NaN())
	return c
}

func transform(t *testing.T, text string) *preprocess.Transform {
	t.Helper()
	recipe, err := preprocess.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := recipe.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestTensorPictures(t *testing.T) {
	const head = "name: t\nversion: 1\nbands: [z, r, g]\nsize: {width: 8, height: 6}\nfit: {crop: center, pad: center}\n"
	for name, c := range map[string]struct {
		recipe string
		want   image.Point
		colour bool
	}{
		"unit values are colours":   {head + "stretch: {kind: none}\n", image.Pt(8, 6), true},
		"interleaved":               {head + "stretch: {kind: none}\nlayout: NHWC\n", image.Pt(8, 6), true},
		"other values side by side": {head + "stretch: {kind: asinh, gain: 5}\n", image.Pt(24, 6), false},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			quality, err := TensorPNG(&b, transform(t, c.recipe), toy())
			if err != nil {
				t.Fatal(err)
			}
			if quality.Flags&schemas.FlagNaNPixels == 0 {
				t.Error("the pixel without data was not remarked")
			}
			picture, err := png.Decode(&b)
			if err != nil {
				t.Fatal(err)
			}
			if picture.Bounds().Size() != c.want {
				t.Errorf("size %v, want %v", picture.Bounds().Size(), c.want)
			}
			if _, isGrey := picture.(*image.Gray); isGrey == c.colour {
				t.Errorf("picture is %T", picture)
			}
		})
	}
}

func TestCutoutInWords(t *testing.T) {
	var b strings.Builder
	Cutout(&b, toy())
	for _, want := range []string{`object "a1"`, "position unknown", "time unknown", "image z          8 x 6", "1 pixels without data", "zero point 22.5"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("missing %q in:\n%s", want, b.String())
		}
	}
}

func TestHDUsInWords(t *testing.T) {
	var file bytes.Buffer
	err := fits.Write(&file, []fits.ImageHDU{{Pixels: []float32{1, 2, 3, 4}, Axes: []int{2, 2}, Cards: []fits.Card{{Key: "BUNIT", Value: "nJy"}}}})
	if err != nil {
		t.Fatal(err)
	}
	var f fits.File
	if err := fits.Parse(file.Bytes(), &f); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	HDUs(&b, fits.Describe(&f))
	for _, want := range []string{"HDU 0", "axes 2 x 2", "min 1, max 4, mean 2.5", "unit nJy", "zero point 31.4"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("missing %q in:\n%s", want, b.String())
		}
	}
}
