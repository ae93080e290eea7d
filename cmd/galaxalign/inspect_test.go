package main

import (
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// TestInspect looks at a FITS cutout and an alert packet and at the tensors that models get of them.
func TestInspect(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		survey simulate.Config
		recipe string
		size   image.Point // of the picture: colours, or channels side by side
		want   []string
	}{
		{simulate.Config{Seed: 5, Size: 64}, "legacy_grz", image.Pt(224, 224), []string{
			"HDU 0  ", "HDU 1  image \"g\"", "HDU 3  image \"z\"", "BITPIX -32, axes 64 x 64", "arcsec a pixel, centre ",
			"image g          64 x 64, min ", "image z          64 x 64, min ",
		}},
		{simulate.Config{Seed: 5, Format: simulate.FormatZTF}, "braai", image.Pt(3*63, 63), []string{
			"cutout  survey \"ztf\"", "image science    63 x 63", "image template   63 x 63", "image difference 63 x 63",
		}},
	} {
		p := skies(t, c.survey, 1)[0]
		file := save(t, dir, fmt.Sprintf("%s.%s", p.ObjectID, c.recipe), p.Value)
		picture := filepath.Join(dir, c.recipe+".png")
		out := must(t, "inspect", file, "--recipe", c.recipe, "--png", picture)
		contains(t, out, append(c.want, file, fmt.Sprintf("%d bytes", len(p.Value)), fmt.Sprintf("object %q", p.ObjectID),
			"observed "+p.Time.Format("2006-01-02T15:04"), "valid fraction 1.000, picture in "+picture)...)
		f, err := os.Open(picture)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		if err := errorsOf(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		if img.Bounds().Size() != c.size {
			t.Errorf("%s: a picture of %v, want %v", c.recipe, img.Bounds().Size(), c.size)
		}
	}
}
