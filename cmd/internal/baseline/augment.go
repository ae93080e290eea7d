package baseline

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"

	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
	"github.com/galaxalign/galaxalign/schemas"
)

// Domain randomisation: what differs between pictures of one galaxy taken by another survey, of another
// distance, or prepared by another hand. Only galaxies that are fitted to are drawn so.
const (
	nativeScale = 0.262 // arcsec a pixel of the survey
	margin      = 8     // pixels by which a wider picture is rendered, so that the galaxy may lie off the centre
)

// conditions are one draw of all that is random about a picture beside its galaxy.
type conditions struct {
	scale    float64                    // arcsec a pixel
	seeing   float64                    // over that of the survey
	depth    float64                    // divides the noise of a pixel
	flux     [simulate.NumBands]float64 // of the galaxy and its field, over that drawn
	sky      [simulate.NumBands]float64 // error of the sky's subtraction, in deviations of the noise
	dx, dy   int                        // pixels cut from the margin on the left and at the bottom
	quality  int                        // of JPEG; 0 for none
	survey   simulate.Camera
	cutoutPx int
}

// between draws evenly in the logarithm.
func between(rng *rand.Rand, low, high float64) float64 {
	return low * math.Pow(high/low, rng.Float64())
}

func drawConditions(rng *rand.Rand, size int) conditions {
	c := conditions{
		scale:  between(rng, 0.15, 0.55),
		seeing: between(rng, 0.5, 1.4),
		depth:  between(rng, 0.6, 4),
		dx:     rng.IntN(margin + 1), dy: rng.IntN(margin + 1),
		survey: simulate.LegacyCamera(size + margin), cutoutPx: size,
	}
	grey, red := between(rng, 0.4, 2.5), 0.1*rng.NormFloat64()
	for b := range c.flux {
		c.flux[b] = grey * math.Exp(red*float64(b-1)+0.03*rng.NormFloat64())
		c.sky[b] = 0.3 * rng.NormFloat64()
	}
	if rng.IntN(2) == 0 {
		c.quality = 70 + rng.IntN(26)
	}
	return c
}

// render draws a galaxy of a class under the conditions, as a cutout that the recipe takes.
func (c *conditions) render(rng *rand.Rand, class simulate.Class, cutout *schemas.Cutout) error {
	camera := c.survey
	camera.PixelScale = c.scale
	for b := range camera.FWHM {
		camera.FWHM[b] *= c.seeing
	}
	galaxy := simulate.Draw(rng, class)
	crowd(rng, &galaxy, c.scale*float64(camera.Size))
	c.brighten(&galaxy)
	renderer, err := simulate.NewRenderer(camera)
	if err != nil {
		return fmt.Errorf("camera of a random picture: %w", err)
	}
	planes := renderer.Render(&galaxy, [simulate.NumBands][]float32{})
	cutout.Reset()
	for b := range simulate.Band(simulate.NumBands) {
		camera.Expose(rng, planes[b], b, c.depth)
		c.cut(planes[b], float32(c.sky[b]*camera.SkyNoise(b)/c.depth), cutout.AddImage(b.String(), c.cutoutPx, c.cutoutPx))
	}
	return nil
}

// brighten changes the flux of everything. Pixels of another scale keep the surface brightness of the
// survey's, as pictures do that are enlarged or reduced.
func (c *conditions) brighten(g *simulate.Galaxy) {
	area := (nativeScale / c.scale) * (nativeScale / c.scale)
	for _, list := range [][]simulate.Component{g.Components, g.Field} {
		for i := range list {
			for b := range list[i].Flux {
				list[i].Flux[b] *= c.flux[b] * area
			}
		}
	}
}

// cut takes the square at the offset out of a plane of the margin's width more.
func (c *conditions) cut(plane []float32, sky float32, img *schemas.Image) {
	img.Unit, img.ZeroPoint, img.PixelScale = "nanomaggy", 22.5, c.scale
	wide := c.cutoutPx + margin
	for y := range c.cutoutPx {
		row := plane[(y+c.dy)*wide+c.dx:]
		for x := range c.cutoutPx {
			img.Pixels[y*c.cutoutPx+x] = row[x] + sky
		}
	}
}

// crowd strews stars and small galaxies over a field of the given width, arcsec, around the middle that
// the survey's own drawing fills.
func crowd(rng *rand.Rand, g *simulate.Galaxy, width float64) {
	const inner = 4.0 // arcsec from the centre
	uniform := func(a, b float64) float64 { return a + (b-a)*rng.Float64() }
	for range int(width * width * uniform(0, 0.008)) {
		x, y := uniform(-width/2, width/2), uniform(-width/2, width/2)
		if math.Hypot(x, y) < inner {
			continue
		}
		r := math.Pow(10, -0.4*(uniform(18.5, 24)-22.5))
		gr, rz := math.Pow(10, 0.4*uniform(0.3, 1.5)), math.Pow(10, 0.4*uniform(0.1, 1.2))
		flux := [simulate.NumBands]float64{r / gr, r, r * rz}
		var shape simulate.Shape = simulate.Gauss{X: x, Y: y}
		if rng.IntN(2) == 0 {
			place := simulate.Placement{X: x, Y: y, PA: uniform(0, 180), Q: uniform(0.4, 1)}
			shape = simulate.Sersic{Placement: place, N: 1, R50: uniform(0.25, 0.9)}
		}
		g.Field = append(g.Field, simulate.Component{Shape: shape, Flux: flux})
	}
}

// smooth passes a tensor of planes in [0,1] through JPEG and back.
func (c *conditions) smooth(tensor []float32) error {
	if c.quality == 0 {
		return nil
	}
	const plane = starter.Size * starter.Size
	img := image.NewRGBA(image.Rect(0, 0, starter.Size, starter.Size))
	for i := range plane {
		to8 := func(k int) uint8 { return uint8(255*min(1, max(0, tensor[k*plane+i])) + 0.5) }
		img.SetRGBA(i%starter.Size, i/starter.Size, color.RGBA{to8(0), to8(1), to8(2), 255})
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, img, &jpeg.Options{Quality: c.quality}); err != nil {
		return fmt.Errorf("JPEG of a random picture: %w", err)
	}
	back, err := jpeg.Decode(&file)
	if err != nil {
		return fmt.Errorf("JPEG of a random picture: %w", err)
	}
	for i := range plane {
		r, g, b, _ := back.At(i%starter.Size, i/starter.Size).RGBA()
		tensor[i], tensor[plane+i], tensor[2*plane+i] = float32(r)/0xffff, float32(g)/0xffff, float32(b)/0xffff
	}
	return nil
}
