package simulate

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
)

// legacyScale are the factors of the Legacy Surveys viewer for g, r and z, and legacyFloor its offset
// (legacysurvey/imagine, map/views.py, dr2_rgb).
var legacyScale = [NumBands]float64{6.0, 3.4, 2.2}

const (
	legacyFloor = 0.03
	legacyQ     = 20
)

// legacyRGB returns a pixel as the Legacy Surveys viewer shows it: x_b = s_b f_b + m,
// I = mean of max(0, x_b), plane_b = clip(x_b asinh(Q I)/(sqrt(Q) I)), with z in red, r in green, g in blue.
func legacyRGB(g, r, z float32) color.RGBA {
	var x [NumBands]float64
	var mean float64
	for b, f := range [NumBands]float32{g, r, z} {
		x[b] = legacyScale[b]*float64(f) + legacyFloor
		mean += max(0, x[b]) / NumBands
	}
	if mean == 0 {
		mean = 1e-6
	}
	k := math.Asinh(legacyQ*mean) / math.Sqrt(legacyQ) / mean
	to8 := func(v float64) uint8 { return uint8(min(1, max(0, v*k))*255 + 0.5) }
	return color.RGBA{to8(x[BandZ]), to8(x[BandR]), to8(x[BandG]), 255}
}

// Picture shows three images of a cutout as the Legacy Surveys viewer would, north up.
func Picture(planes [NumBands][]float32, size int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			i := (size-1-y)*size + x
			img.SetRGBA(x, y, legacyRGB(planes[BandG][i], planes[BandR][i], planes[BandZ][i]))
		}
	}
	return img
}

// ContactSheet writes a PNG with one row for each class and n noisy galaxies of that class in it,
// size pixels each, as the Legacy Surveys viewer would show them. The same seed gives the same picture.
func ContactSheet(w io.Writer, seed uint64, n, size int) error {
	const gap = 2
	camera := LegacyCamera(size)
	r, err := NewRenderer(camera)
	if err != nil {
		return err
	}
	sheet := image.NewRGBA(image.Rect(0, 0, gap+n*(size+gap), gap+NumClasses*(size+gap)))
	draw.Draw(sheet, sheet.Bounds(), image.NewUniform(color.RGBA{14, 14, 18, 255}), image.Point{}, draw.Src)
	var planes [NumBands][]float32
	for c := range Class(NumClasses) {
		for i := range n {
			rng := rand.New(rand.NewPCG(seed, uint64(int(c)*n+i)))
			g := Draw(rng, c)
			planes = r.Render(&g, planes)
			for b := range planes {
				camera.Expose(rng, planes[b], Band(b), 1)
			}
			x, y := gap+i*(size+gap), gap+int(c)*(size+gap)
			draw.Draw(sheet, image.Rect(x, y, x+size, y+size), Picture(planes, size), image.Point{}, draw.Src)
		}
	}
	return png.Encode(w, sheet)
}
