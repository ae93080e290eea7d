package preprocess

import (
	"math"

	"github.com/galaxalign/galaxalign/preprocess/kernel"
	"github.com/galaxalign/galaxalign/schemas"
)

// find looks up the bands in the cutout and returns the width and height common to them.
func (t *Transform) find(c *schemas.Cutout, s *Scratch) (q Quality, w, h int, f *schemas.Fault) {
	found := 0
	for i, name := range t.recipe.Bands {
		im := c.Image(name)
		if im == nil {
			if t.recipe.MissingBand != "zero" {
				return q, 0, 0, t.missing(name)
			}
			q.Flags |= schemas.FlagMissingBand
			continue
		}
		if f := checkImage(im); f != nil {
			return q, 0, 0, f
		}
		s.bands[i] = im
		if found++; found == 1 {
			w, h = im.Width, im.Height
			continue
		}
		if (im.Width != w || im.Height != h) && t.recipe.Unequal != "crop" {
			return q, 0, 0, badShape("band %s has %dx%d pixels, another has %dx%d; recipe %s refuses unequal bands (unequal: crop cuts to the smallest)",
				name, im.Width, im.Height, w, h, t.recipe.Name)
		}
		w, h = min(w, im.Width), min(h, im.Height)
	}
	if found == 0 {
		return q, 0, 0, t.missing(t.recipe.Bands[0])
	}
	return q, w, h, nil
}

// missing is the fault for an absent band.
func (t *Transform) missing(name string) *schemas.Fault {
	return schemas.NewFault(schemas.StagePreprocess, schemas.ReasonMissingBand,
		"the cutout has no image %q, which recipe %s needs (missing_band: zero fills one missing of several)", name, t.recipe.Name)
}

// checkImage refuses an image whose buffers do not match its shape.
func checkImage(im *schemas.Image) *schemas.Fault {
	if im.Width < 1 || im.Height < 1 {
		return badShape("image %s has %dx%d pixels: nothing to classify", im.Name, im.Width, im.Height)
	}
	if len(im.Pixels)/im.Width != im.Height || len(im.Pixels)%im.Width != 0 {
		return badShape("image %s states %dx%d pixels and holds %d", im.Name, im.Width, im.Height, len(im.Pixels))
	}
	if len(im.Mask) != 0 && len(im.Mask) != len(im.Pixels) {
		return badShape("image %s has %d pixels and a mask of %d", im.Name, len(im.Pixels), len(im.Mask))
	}
	return nil
}

// gather fills the bands' planes: flip, cut, pad, flux and the judgement of pixels without data, which it
// counts over all bands.
func (t *Transform) gather(p planes, g geometry, w, h int, q *Quality, s *Scratch) (int, *schemas.Fault) {
	invalid, present := 0, 0
	for i, im := range s.bands[:p.bands] {
		if im == nil {
			fill(p.plane(i), 0)
			continue
		}
		factor, f := t.fluxFactor(im)
		if f != nil {
			return 0, f
		}
		bad, zeros := t.gatherBand(p.plane(i), p, g, im, w, h, factor)
		present++
		invalid += bad
		if f := t.judge(im.Name, bad, zeros, g.width*g.height); f != nil {
			return 0, f
		}
	}
	if invalid > 0 {
		q.Flags |= schemas.FlagNaNPixels
	}
	if g.padded() {
		q.Flags |= schemas.FlagEdge
	}
	valid := present*g.width*g.height - invalid
	q.ValidFraction = float32(float64(valid) / float64(p.bands*g.fitWidth*g.fitHeight))
	return invalid, nil
}

// gatherBand fills one plane and returns the pixels without data and those that are exactly zero.
func (t *Transform) gatherBand(plane []float32, p planes, g geometry, im *schemas.Image, w, h int, factor float32) (bad, zeros int) {
	to := kernel.Rect{Stride: p.width}
	if p.width > g.width || p.height > g.height {
		fill(plane, float32(t.recipe.Fit.Value))
		to.Start = g.padY*p.width + g.padX
	}
	x, y := (im.Width-w)/2+g.cropX, (im.Height-h)/2+g.cropY
	from := kernel.Rect{Start: y*im.Width + x, Width: g.width, Height: g.height, Stride: im.Width}
	if t.recipe.Flip {
		from.Start, from.Stride = (im.Height-1-y)*im.Width+x, -im.Width
	}
	empty := float32(0)
	if t.fillNaN {
		empty = float32(math.NaN())
	}
	bad, zeros = kernel.Gather(plane, to, im.Pixels, from, factor, empty)
	if len(im.Mask) != 0 {
		moreBad, fewerZeros := applyMask(plane, to, im, from, empty)
		bad, zeros = bad+moreBad, zeros-fewerZeros
	}
	return bad, zeros
}

// applyMask empties the pixels that the mask forbids and the values do not, and counts them.
func applyMask(plane []float32, to kernel.Rect, im *schemas.Image, from kernel.Rect, empty float32) (bad, zeros int) {
	for y := range from.Height {
		mask := im.Mask[from.Start+y*from.Stride:][:from.Width]
		in := im.Pixels[from.Start+y*from.Stride:][:from.Width]
		out := plane[to.Start+y*to.Stride:][:from.Width]
		for x, m := range mask {
			if v := in[x]; m != 0 && v >= -kernel.MaxAbs && v <= kernel.MaxAbs {
				out[x] = empty
				bad++
				if v == 0 {
					zeros++
				}
			}
		}
	}
	return bad, zeros
}

// judge applies the policy for pixels without data to the counts of one band.
func (t *Transform) judge(name string, bad, zeros, n int) *schemas.Fault {
	policy := t.recipe.NaN
	if policy.Policy == "reject" && bad > 0 {
		return schemas.NewFault(schemas.StagePreprocess, schemas.ReasonBadPixels,
			"image %s has %d of %d pixels without data, and recipe %s takes none (nan.policy: zero fills them)", name, bad, n, t.recipe.Name)
	}
	if policy.CountZeros {
		bad += zeros
	}
	if float64(bad) >= policy.MaxInvalid*float64(n) {
		return schemas.NewFault(schemas.StagePreprocess, schemas.ReasonBadPixels,
			"image %s has %d of %d pixels without data; recipe %s refuses a share of %g and more (nan.max_invalid)", name, bad, n, t.recipe.Name, policy.MaxInvalid)
	}
	return nil
}

// fluxFactor is 10^(-(zp - target)/2.5), from f' = f / 10^((zp - target)/2.5).
func (t *Transform) fluxFactor(im *schemas.Image) (float32, *schemas.Fault) {
	flux := t.recipe.Flux
	if flux == nil {
		return 1, nil
	}
	zp := im.ZeroPoint
	if math.IsNaN(zp) && flux.Assume != nil {
		zp = *flux.Assume
	}
	factor := math.Pow(10, (flux.ZeroPoint-zp)/2.5)
	if !(factor >= 1/maxFluxFactor && factor <= maxFluxFactor) {
		return 0, schemas.NewFault(schemas.StagePreprocess, schemas.ReasonBadHeader,
			"image %s has zero point %g, from which recipe %s cannot convert to %g (flux.assume gives one for images without)",
			im.Name, im.ZeroPoint, t.recipe.Name, flux.ZeroPoint)
	}
	return float32(factor), nil
}

// maxFluxFactor allows zero points up to 15 magnitudes apart from the target: no survey is further.
const maxFluxFactor = 1e6
