package fits

import (
	"github.com/galaxalign/galaxalign/schemas"
)

// StampReader reads the stamps inside alert packets: plain or gzipped FITS of which the first picture
// counts. It is reused by one worker, and allocates nothing once it has seen its largest stamp; it is
// not safe for concurrent use.
type StampReader struct {
	survey string
	file   File
	names  interner
}

// NewStampReader makes a reader for the stamps of a survey, whose name decides units where the header
// leaves them out. A nil inflate means the built-in gzip reader.
func NewStampReader(survey string, limits Limits, inflate InflateFunc) *StampReader {
	return &StampReader{survey: survey, file: File{Limits: limits, Inflate: inflate}}
}

// Read decodes payload into c.AddImage(name, width, height) and sets unit, zero point, pixel scale and
// flags. It takes HDU 0, or the first HDU with an image when that one is empty, and reads no further.
// The error is a *schemas.Fault; c then holds no new image.
func (r *StampReader) Read(c *schemas.Cutout, name string, payload []byte) error {
	if len(payload) == 0 {
		return fault(schemas.ReasonMissingCutout, -1, "the %s stamp is empty", name)
	}
	f := &r.file
	if err := f.parse(payload, isPicture); err != nil {
		return err
	}
	h, err := f.Select("")
	if err != nil {
		return err
	}
	g, err := h.Geometry()
	if err != nil {
		return err
	}
	if g.Planes != 1 {
		return fault(schemas.ReasonBadShape, h.HeaderOffset, "the %s stamp is a cube of axes %v, not one picture", name, h.Axes())
	}
	c.Flags |= f.Flags
	return addPlane(c, h, plane{geometry: g, name: name, survey: r.survey, wcs: h.WCS(g), names: &r.names})
}

// isPicture stops the walk at the first HDU with a picture, even one that cannot be read.
func isPicture(h *HDU) bool {
	return h.isImage() && h.naxis >= 2 || h.Kind == KindCompressed && h.tiling.fault != nil
}

// plane names one plane of an HDU and what its image record takes from outside the header.
type plane struct {
	geometry Geometry
	index    int
	name     string
	survey   string
	wcs      WCS
	names    *interner
}

// addPlane decodes a plane into a new image of c.
func addPlane(c *schemas.Cutout, h *HDU, p plane) error {
	img := c.AddImage(p.name, p.geometry.Width, p.geometry.Height)
	nan, err := h.Plane(p.geometry, p.index, img.Pixels)
	if err != nil {
		c.Images = c.Images[:len(c.Images)-1]
		return err
	}
	var conflict bool
	img.Unit, img.ZeroPoint, conflict = h.photometry(p.survey, p.names)
	img.PixelScale = p.wcs.Scale
	if nan {
		c.Flags |= schemas.FlagNaNPixels
	}
	if conflict || p.wcs.Conflict || h.conflict {
		h.Flags |= schemas.FlagCardConflict
	}
	c.Flags |= h.Flags
	return nil
}
