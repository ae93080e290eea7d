package fits

import "github.com/galaxalign/galaxalign/schemas"

// maxPlanes bounds the planes of a cube: each becomes an image of its own, of about 200 bytes besides its
// pixels, so that a cube of single pixels would take fifty times its size.
const maxPlanes = 4096

// Geometry is how the axes of an image map to planes [band][y][x].
type Geometry struct {
	Width, Height, Planes int
	// BandFirst says that the band is the fastest axis (NAXIS1 = 3 of a cube): planes are gathered with
	// a stride. Otherwise each plane is contiguous.
	BandFirst bool
}

// Geometry reads the axes of an image of two axes, or a cube of three; further axes of length 1 are
// ignored. A cube with NAXIS1 = 3 is a colour picture with the band fastest, one of more than 4096 planes
// is refused. The error is a *schemas.Fault.
func (h *HDU) Geometry() (Geometry, error) {
	if !h.isImage() || h.Kind == KindCompressed && h.tiling.fault != nil {
		return Geometry{}, h.readable()
	}
	if h.naxis < 2 {
		return Geometry{}, fault(schemas.ReasonNoImage, h.HeaderOffset, "HDU %d holds %d axis, an image has two", h.Index, h.naxis)
	}
	g := Geometry{Width: h.axes[0], Height: h.axes[1], Planes: 1}
	for _, a := range h.axes[2:h.naxis] {
		if a == 1 {
			continue
		}
		if g.Planes != 1 {
			return Geometry{}, fault(schemas.ReasonBadShape, h.HeaderOffset, "HDU %d has axes %v: more than three longer than 1", h.Index, h.Axes())
		}
		g.Planes = a
	}
	if g.Planes > maxPlanes {
		return Geometry{}, fault(schemas.ReasonTooLarge, h.HeaderOffset, "HDU %d has axes %v: more than %d planes; split it", h.Index, h.Axes(), maxPlanes)
	}
	if h.axes[0] == 3 && g.Planes > 1 && g.Planes == h.axes[2] {
		g = Geometry{Width: h.axes[1], Height: h.axes[2], Planes: 3, BandFirst: true}
	}
	return g, nil
}

// Plane decodes plane i of g into dst of Width x Height values and reports whether it holds a NaN. It
// allocates nothing. The error is a *schemas.Fault.
func (h *HDU) Plane(g Geometry, i int, dst []float32) (nan bool, err error) {
	if flt := h.readable(); flt != nil {
		return false, flt
	}
	n, size := g.Width*g.Height, int(h.elemSize())
	if i < 0 || i >= g.Planes || len(dst) != n || n*g.Planes != h.NPix() {
		return false, fault(schemas.ReasonInternal, h.HeaderOffset, "plane %d into %d pixels does not match HDU %d of axes %v", i, len(dst), h.Index, h.Axes())
	}
	if n == 0 {
		return false, nil
	}
	if h.Kind == KindCompressed {
		return h.tilePlane(g, i, dst)
	}
	s := strided{src: h.data[i*n*size:], step: size}
	if g.BandFirst {
		s = strided{src: h.data[i*size:], step: size * g.Planes}
	}
	return h.decode(dst, s), nil
}
