package preprocess

import (
	"github.com/galaxalign/galaxalign/schemas"
)

// maxPlane bounds the pixels of one working plane, so that a strange shape cannot exhaust memory.
const maxPlane = 1 << 24

// geometry says which window of the flipped picture is used and where it lands in the fitted plane.
// All numbers are pixels.
type geometry struct {
	cropX, cropY int // first column and row used
	width        int // size of the window used
	height       int
	padX, padY   int // where the window lands in the fitted plane
	fitWidth     int // size of the fitted plane
	fitHeight    int
}

// padded reports whether the window fills less than the fitted plane.
func (g geometry) padded() bool { return g.width < g.fitWidth || g.height < g.fitHeight }

// geometry plans the fit of a picture of w x h pixels.
func (t *Transform) geometry(w, h int) (geometry, *schemas.Fault) {
	g := geometry{fitWidth: w, fitHeight: h}
	if t.recipe.Size != nil {
		g.fitWidth, g.fitHeight = t.recipe.Size.Width, t.recipe.Size.Height
	} else {
		g.fitWidth, g.fitHeight = t.matchAspect(w, h)
	}
	var ok bool
	if g.cropX, g.width, g.padX, ok = t.fitAxis(w, g.fitWidth); !ok {
		return g, t.shapeFault(w, h, g)
	}
	if g.cropY, g.height, g.padY, ok = t.fitAxis(h, g.fitHeight); !ok {
		return g, t.shapeFault(w, h, g)
	}
	if g.fitWidth > maxPlane/g.fitHeight {
		return g, badShape("a plane of %dx%d pixels is above the limit of %d; let the recipe cut to a size", g.fitWidth, g.fitHeight, maxPlane)
	}
	return g, nil
}

// matchAspect returns the size that has the aspect ratio of the resize target: the largest inside w x h
// when the recipe may cut, else the smallest around it.
func (t *Transform) matchAspect(w, h int) (width, height int) {
	rw, rh := t.recipe.Resize.Width, t.recipe.Resize.Height
	if w*rh == h*rw {
		return w, h
	}
	if t.recipe.Fit.Crop == "center" {
		return max(1, min(w, h*rw/rh)), max(1, min(h, w*rh/rw))
	}
	return max(w, (h*rw+rh-1)/rh), max(h, (w*rh+rw-1)/rw)
}

// fitAxis fits n pixels of one axis into want; ok is false where the recipe does not allow what it takes.
func (t *Transform) fitAxis(n, want int) (crop, used, pad int, ok bool) {
	switch {
	case n > want:
		return (n - want) / 2, want, 0, t.recipe.Fit.Crop == "center"
	case n < want && t.recipe.Fit.Pad == "center":
		return 0, n, (want - n + 1) / 2, true
	case n < want:
		return 0, n, 0, t.recipe.Fit.Pad == "bottom_right"
	}
	return 0, n, 0, true
}

// shapeFault explains a shape that the recipe's fit refuses.
func (t *Transform) shapeFault(w, h int, g geometry) *schemas.Fault {
	return badShape("recipe %s needs %dx%d pixels, the cutout has %dx%d, and fit.crop is %s, fit.pad is %s; allow one of them in the recipe",
		t.recipe.Name, g.fitWidth, g.fitHeight, w, h, t.recipe.Fit.Crop, t.recipe.Fit.Pad)
}

func badShape(format string, args ...any) *schemas.Fault {
	return schemas.NewFault(schemas.StagePreprocess, schemas.ReasonBadShape, format, args...)
}
