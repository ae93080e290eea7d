package preprocess

import (
	"fmt"

	"github.com/galaxalign/galaxalign/preprocess/kernel"
	"github.com/galaxalign/galaxalign/schemas"
)

// Transform is a compiled recipe. It never changes after Compile and may be used by any number of
// goroutines at once, each with its own Scratch.
type Transform struct {
	recipe    *Recipe // with defaults
	stretch   stretcher
	channels  int
	outWidth  int
	outHeight int
	gain      []float32 // normalisation, one of each a channel: v*gain + shift
	shift     []float32
	plain     bool // gain 1 and shift 0 everywhere
	fillNaN   bool // pixels without data stay NaN until the stretch has seen them
	nhwc      bool
}

// Quality is what Apply found out about the pixels.
type Quality struct {
	// ValidFraction is the share of the tensor's pixels, before resizing, that hold data, 0 to 1:
	// padding, pixels without data and planes of missing bands do not.
	ValidFraction float32
	Flags         schemas.Flags // FlagNaNPixels, FlagEdge (the cutout was padded), FlagMissingBand
}

// Compile checks the recipe and prepares it. The error lists every fault, as Validate does.
func (r *Recipe) Compile() (*Transform, error) {
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	d := r.withDefaults()
	d.Bands = append([]string(nil), d.Bands...)
	t := &Transform{recipe: d, channels: d.Stretch.channels(len(d.Bands)), nhwc: d.Layout == "NHWC"}
	switch {
	case d.Resize != nil:
		t.outWidth, t.outHeight = d.Resize.Width, d.Resize.Height
	default:
		t.outWidth, t.outHeight = d.Size.Width, d.Size.Height
	}
	if n := t.Len(); n > maxPlane*4 {
		return nil, fmt.Errorf("recipe %s: a row of %d values is above the limit of %d", d.Name, n, maxPlane*4)
	}
	t.stretch = newStretcher(d)
	t.fillNaN = d.Stretch.needsWholePicture() || d.NaN.Policy == "zero_after" && d.Stretch.Kind != stretchL2
	t.gain, t.shift, t.plain = d.Normalize.factors(t.channels)
	return t, nil
}

// factors turns the normalisation into one factor and one summand a channel.
func (n Normalize) factors(channels int) (gain, shift []float32, plain bool) {
	gain, shift, plain = make([]float32, channels), make([]float32, channels), true
	for c := range channels {
		g, s := 1.0, 0.0
		if len(n.Std) > 0 {
			g = 1 / n.Std.at(c)
		}
		if len(n.Mean) > 0 {
			s = -n.Mean.at(c) * g
		}
		if len(n.Scale) > 0 {
			g = n.Scale.at(c)
		}
		if len(n.Offset) > 0 {
			s = n.Offset.at(c)
		}
		gain[c], shift[c] = float32(g), float32(s)
		plain = plain && gain[c] == 1 && shift[c] == 0
	}
	return gain, shift, plain
}

// Recipe returns the compiled recipe with every default written out. Do not change it.
func (t *Transform) Recipe() *Recipe { return t.recipe }

// Shape is the shape of one row of the tensor: {channels, height, width} for NCHW, {height, width,
// channels} for NHWC.
func (t *Transform) Shape() [3]int {
	if t.nhwc {
		return [3]int{t.outHeight, t.outWidth, t.channels}
	}
	return [3]int{t.channels, t.outHeight, t.outWidth}
}

// Len is the number of float32 values of one row.
func (t *Transform) Len() int { return t.channels * t.outHeight * t.outWidth }

// planes are pictures of equal size, one after another.
type planes struct {
	data          []float32 // room for the larger of bands and channels
	bands         int
	channels      int
	width, height int
}

// plane returns picture i.
func (p planes) plane(i int) []float32 {
	n := p.width * p.height
	return p.data[i*n : (i+1)*n : (i+1)*n]
}

// in returns the pictures before the stretch, out those after it.
func (p planes) in() []float32  { return p.data[:p.bands*p.width*p.height] }
func (p planes) out() []float32 { return p.data[:p.channels*p.width*p.height] }

// Apply writes the tensor row of the cutout to dst, which holds exactly Len values. An input that the
// recipe does not take gives a *schemas.Fault of stage preprocess: missing_band, bad_pixels (too many
// pixels without data), bad_shape, or bad_header (a zero point is needed and none is stated); dst is then
// in an undefined state. c is only read.
func (t *Transform) Apply(dst []float32, c *schemas.Cutout, s *Scratch) (Quality, error) {
	if len(dst) != t.Len() {
		return Quality{}, fmt.Errorf("preprocess: a row of recipe %s has %d values, the buffer has %d", t.recipe.Name, t.Len(), len(dst))
	}
	defer s.release()
	q, w, h, fault := t.find(c, s)
	if fault != nil {
		return q, fault
	}
	g, fault := t.geometry(w, h)
	if fault != nil {
		return q, fault
	}
	p := t.workPlanes(dst, g, s)
	invalid, fault := t.gather(p, g, w, h, &q, s)
	if fault != nil {
		return q, fault
	}
	t.applyStretch(p, invalid, s)
	p = t.padAfter(p, g, s)
	t.finish(dst, p, s)
	return q, nil
}

// workPlanes chooses the memory of the working planes: dst itself where the last steps change nothing.
func (t *Transform) workPlanes(dst []float32, g geometry, s *Scratch) planes {
	p := planes{bands: len(t.recipe.Bands), channels: t.channels, width: g.fitWidth, height: g.fitHeight}
	if t.padsAfter(g) {
		p.width, p.height = g.width, g.height
	}
	if t.recipe.Resize == nil && !t.nhwc && !t.padsAfter(g) && p.channels >= p.bands {
		p.data = dst
		return p
	}
	p.data = grow(&s.work, max(p.bands, p.channels)*p.width*p.height)
	return p
}

// padsAfter reports whether padding waits until after the stretch.
func (t *Transform) padsAfter(g geometry) bool { return g.padded() && t.recipe.Fit.Order == "after" }

// applyStretch runs the stretch with the policy for pixels without data around it.
func (t *Transform) applyStretch(p planes, invalid int, s *Scratch) {
	t.stretch.measure(p, s)
	late := t.recipe.NaN.Policy == "zero_after"
	if invalid > 0 && t.fillNaN && !late {
		kernel.ZeroNaN(p.in())
	}
	t.stretch.apply(p, s)
	if invalid > 0 && t.fillNaN && late {
		kernel.ZeroNaN(p.out())
	}
}

// padAfter puts the stretched planes into planes of the fitted size.
func (t *Transform) padAfter(p planes, g geometry, s *Scratch) planes {
	if !t.padsAfter(g) {
		return p
	}
	q := planes{bands: p.bands, channels: p.channels, width: g.fitWidth, height: g.fitHeight}
	q.data = grow(&s.padded, q.channels*q.width*q.height)
	fill(q.data, float32(t.recipe.Fit.Value))
	for c := range p.channels {
		from, to := p.plane(c), q.plane(c)
		for y := range p.height {
			copy(to[(y+g.padY)*q.width+g.padX:][:p.width], from[y*p.width:])
		}
	}
	return q
}

// finish resizes, normalises and lays out the planes in dst.
func (t *Transform) finish(dst []float32, p planes, s *Scratch) {
	if t.recipe.Resize != nil {
		p = t.resize(dst, p, s)
	}
	if t.nhwc {
		kernel.Interleave(dst, p.out(), t.gain, t.shift)
		return
	}
	n := t.outWidth * t.outHeight
	for c := range t.channels {
		row, plane := dst[c*n:(c+1)*n], p.plane(c)
		switch {
		case !t.plain:
			kernel.Affine(row, plane, t.gain[c], t.shift[c])
		case &row[0] != &plane[0]:
			copy(row, plane)
		}
	}
}

// fill sets every value of x.
func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}
