package page

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"slices"

	"golang.org/x/image/draw"

	"github.com/galaxalign/galaxalign/schemas"
)

// Thumbnail makes a JPEG of a cutout for people to look at, fitted into size by size pixels (16 to 1024),
// north up (160 suits the page: about 8 kB): rows are stored from the bottom in FITS, and pictures begin at the top.
//
//   - bands g, r and z in nanomaggies, or with a zero point: the colours of the Legacy Surveys viewer
//   - stamps: the science stamp in grey, asinh between the sky and the bright end
//   - anything else: its first image in grey
//
// A pixel without data is dark. It returns nil for a cutout without images or whose images are malformed.
func Thumbnail(c *schemas.Cutout, size int) []byte {
	size = min(1024, max(16, size))
	src := picture(c)
	if src == nil {
		return nil
	}
	out := src
	if b := src.Bounds(); max(b.Dx(), b.Dy()) != size {
		k := float64(size) / float64(max(b.Dx(), b.Dy()))
		w, h := max(1, int(float64(b.Dx())*k+0.5)), max(1, int(float64(b.Dy())*k+0.5))
		fit := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.CatmullRom.Scale(fit, fit.Bounds(), src, b, draw.Src, nil)
		out = fit
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, out, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return nil
	}
	return buf.Bytes()
}

// jpegQuality keeps faint arms free of blocks; noise makes a PNG ten times as large.
const jpegQuality = 90

// picture renders a cutout at its own size.
func picture(c *schemas.Cutout) *image.RGBA {
	g, r, z := c.Image("g"), c.Image("r"), c.Image("z")
	if sound(g) && sound(r) && sound(z) && sameShape(g, r) && sameShape(r, z) {
		return colourPicture(g, r, z)
	}
	if s := c.Image("science"); sound(s) {
		return greyPicture(s)
	}
	for i := range c.Images {
		if sound(&c.Images[i]) {
			return greyPicture(&c.Images[i])
		}
	}
	return nil
}

// sound says whether an image has the pixels its shape promises.
func sound(m *schemas.Image) bool {
	return m != nil && m.Width > 0 && m.Height > 0 && len(m.Pixels) >= m.Width*m.Height
}

func sameShape(a, b *schemas.Image) bool { return a.Width == b.Width && a.Height == b.Height }

// colourPicture shows three bands with the stretch of the Legacy Surveys viewer (legacysurvey/imagine,
// map/views.py, dr2_rgb): x_b = s_b f_b + 0.03, I = mean of max(0, x_b),
// plane_b = clip(x_b asinh(20 I)/(sqrt(20) I), 0, 1), z in red, r in green, g in blue.
func colourPicture(g, r, z *schemas.Image) *image.RGBA {
	const floor, q = 0.03, 20
	scale := [3]float64{6.0 * toNanomaggy(g), 3.4 * toNanomaggy(r), 2.2 * toNanomaggy(z)}
	img := image.NewRGBA(image.Rect(0, 0, g.Width, g.Height))
	for y := range g.Height {
		row := (g.Height - 1 - y) * g.Width
		for x := range g.Width {
			var v [3]float64
			var mean float64
			for b, m := range [3]*schemas.Image{g, r, z} {
				f := float64(m.Pixels[row+x])
				if math.IsNaN(f) || math.IsInf(f, 0) {
					f = 0
				}
				v[b] = scale[b]*f + floor
				mean += max(0, v[b]) / 3
			}
			if mean == 0 {
				mean = 1e-6
			}
			k := math.Asinh(q*mean) / math.Sqrt(q) / mean
			img.SetRGBA(x, y, color.RGBA{byteOf(v[2] * k), byteOf(v[1] * k), byteOf(v[0] * k), 255})
		}
	}
	return img
}

// toNanomaggy is the factor from an image's unit to nanomaggies; 1 where its zero point is unknown
// (NaN, or the zero of an image that nobody calibrated).
func toNanomaggy(m *schemas.Image) float64 {
	if math.IsNaN(m.ZeroPoint) || m.ZeroPoint == 0 {
		return 1
	}
	return math.Pow(10, (22.5-m.ZeroPoint)/2.5)
}

// byteOf maps 0..1 to 0..255.
func byteOf(v float64) uint8 { return uint8(min(1, max(0, v))*255 + 0.5) }

// greyPicture shows one image in grey: asinh between the sky and the bright end. The sky is the median
// less one and a half deviations, the deviation from the 16th to the 50th percentile, and the bright end
// the 99.7th percentile.
func greyPicture(m *schemas.Image) *image.RGBA {
	sorted := make([]float64, 0, m.Width*m.Height)
	for _, v := range m.Pixels[:m.Width*m.Height] {
		if f := float64(v); !math.IsNaN(f) && !math.IsInf(f, 0) {
			sorted = append(sorted, f)
		}
	}
	img := image.NewRGBA(image.Rect(0, 0, m.Width, m.Height))
	if len(sorted) == 0 {
		draw.Draw(img, img.Bounds(), image.Black, image.Point{}, draw.Src)
		return img
	}
	slices.Sort(sorted)
	at := func(p float64) float64 { return sorted[int(p*float64(len(sorted)-1))] }
	sigma := at(0.5) - at(0.16)
	lo, hi := at(0.5)-1.5*sigma, max(at(0.997), at(0.5)+8*sigma)
	soft := max(2*sigma, (hi-lo)/200)
	norm := math.Asinh((hi - lo) / soft)
	for y := range m.Height {
		row := (m.Height - 1 - y) * m.Width
		for x := range m.Width {
			var v uint8
			if f := float64(m.Pixels[row+x]); norm > 0 && !math.IsNaN(f) {
				v = byteOf(math.Asinh((f-lo)/soft) / norm)
			}
			img.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	return img
}
