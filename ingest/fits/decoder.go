package fits

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
)

// Options say how a Decoder turns a FITS message into a cutout.
type Options struct {
	Survey string // survey name, lower case; empty: the SURVEY card of the file
	Limits Limits
	// Bands are the images to take, in this order, lower case. They are found by EXTNAME, else by the
	// BAND or FILTER card of an HDU, else as planes of the cube in HDU (named by its BANDn or BANDS cards
	// where it has them, else by this list in stored order). Empty: every plane of HDU.
	Bands []string
	// AllowMissingBands accepts a file that lacks some of Bands, with FlagMissingBand; all absent is a
	// fault still.
	AllowMissingBands bool
	// HDU is the index (from 0) or EXTNAME of the HDU to read; empty: the first with an image of 2 to 4
	// axes.
	HDU string
	// ZeroPoint, where not 0, replaces the AB zero point of every image.
	ZeroPoint float64
	// VerifyChecksums checks DATASUM and CHECKSUM of the HDUs read (about 0.1 ms a MB); a wrong one sets
	// FlagChecksumBad.
	VerifyChecksums bool
	// Inflate replaces the built-in gzip reader; nil keeps it.
	Inflate InflateFunc
}

// Validate lists every fault of the options.
func (o *Options) Validate() error {
	errs := []error{o.Limits.Validate()}
	seen := map[string]bool{}
	for _, b := range o.Bands {
		if name := strings.ToLower(b); b == "" || seen[name] {
			errs = append(errs, fmt.Errorf("fits options: band %q is empty or given twice", b))
		} else {
			seen[name] = true
		}
	}
	if math.IsNaN(o.ZeroPoint) || math.IsInf(o.ZeroPoint, 0) {
		errs = append(errs, fmt.Errorf("fits options: ZeroPoint = %v is not finite", o.ZeroPoint))
	}
	return errors.Join(errs...)
}

// Decoder decodes whole FITS files, as archives and cutout topics carry them. It implements
// ingest.Decoder: one worker owns it, and it allocates nothing once it has seen its largest file.
type Decoder struct {
	opt   Options
	file  File
	names interner
	sums  Sums
	plane []string // names of the planes of the HDU in hand
	first int      // index of the HDU of the first image of the last Decode, -1 when there is none
}

// NewDecoder makes a decoder. The options must be valid.
func NewDecoder(opt Options) *Decoder {
	opt.Survey = strings.ToLower(opt.Survey)
	bands := make([]string, len(opt.Bands))
	for i, b := range opt.Bands {
		bands[i] = strings.ToLower(b)
	}
	opt.Bands = bands
	return &Decoder{opt: opt, file: File{Limits: opt.Limits, Inflate: opt.Inflate}, first: -1}
}

var _ ingest.Decoder = (*Decoder)(nil)

// HDU is the index of the HDU that the first image of the last Decode came from; -1 when it failed
// before choosing one.
func (d *Decoder) HDU() int { return d.first }

// Sums counts the checksums verified so far, where the options ask for it.
func (d *Decoder) Sums() Sums { return d.sums }

// Decode fills c from a plain or gzipped FITS file. The error is a *schemas.Fault.
func (d *Decoder) Decode(m *ingest.Message, c *schemas.Cutout) error {
	d.first = -1
	c.Survey = d.opt.Survey
	setFallbackIdentity(m, c)
	f := &d.file
	if err := Parse(m.Value, f); err != nil {
		return err
	}
	c.Flags |= f.Flags
	d.setIdentity(c, &f.HDUs[0])
	if flt := f.truncated(); flt != nil {
		return flt
	}
	main, err := d.addImages(c)
	if err != nil {
		return err
	}
	d.first = main.Index
	d.setIdentity(c, main)
	d.setTime(c, main)
	d.setPosition(c, main)
	return nil
}

// addImages adds the images the options ask for and returns the HDU of the first one.
func (d *Decoder) addImages(c *schemas.Cutout) (*HDU, error) {
	if len(d.opt.Bands) > 0 && d.opt.HDU == "" && d.bandsAreHDUs() {
		return d.addHDUs(c)
	}
	h, err := d.file.Select(d.opt.HDU)
	if err != nil {
		return nil, err
	}
	return h, d.addCube(c, h)
}

// bandsAreHDUs reports whether any wanted band is an HDU of its own.
func (d *Decoder) bandsAreHDUs() bool {
	for _, b := range d.opt.Bands {
		if d.hduOfBand(b) != nil {
			return true
		}
	}
	return false
}

// hduOfBand finds the image HDU of a band: by EXTNAME, else by its BAND or FILTER card.
func (d *Decoder) hduOfBand(band string) *HDU {
	hdus := d.file.HDUs
	for i := range hdus {
		if h := &hdus[i]; h.isImage() && h.named(band) {
			return h
		}
	}
	for i := range hdus {
		if h := &hdus[i]; h.isImage() && h.naxis == 2 && d.bandCard(h) == band {
			return h
		}
	}
	return nil
}

// bandCard is the band an HDU states in BAND, else FILTER, in lower case, without what follows a blank or
// point ("g DECam SDSS c0001", "r.MP9601"); empty when it states none.
func (d *Decoder) bandCard(h *HDU) string {
	for _, name := range [...]string{"BAND", "FILTER"} {
		var buf [cardLen]byte
		t, ok := h.Text(buf[:0], name)
		t = trimLeft(t)
		for i, c := range t {
			if c == ' ' || c == '.' {
				t = t[:i]
				break
			}
		}
		if ok && len(t) > 0 {
			return d.names.lowered(t)
		}
	}
	return ""
}

// addHDUs adds one image for each wanted band from an HDU of its own.
func (d *Decoder) addHDUs(c *schemas.Cutout) (first *HDU, err error) {
	for _, band := range d.opt.Bands {
		h := d.hduOfBand(band)
		if h == nil {
			if err := d.missingBand(c, band); err != nil {
				return nil, err
			}
			continue
		}
		g, err := h.Geometry()
		if err != nil {
			return nil, err
		}
		if g.Planes != 1 {
			return nil, fault(schemas.ReasonBadShape, h.HeaderOffset, "HDU %d of band %q is a cube of axes %v, not one picture", h.Index, band, h.Axes())
		}
		if first == nil {
			first = h
		}
		d.verify(h)
		if err := d.add(c, h, g, 0, band); err != nil {
			return nil, err
		}
	}
	return first, nil
}

// missingBand refuses a file without a wanted band, or notes it where the options allow.
func (d *Decoder) missingBand(c *schemas.Cutout, band string) error {
	if d.opt.AllowMissingBands {
		c.Flags |= schemas.FlagMissingBand
		return nil
	}
	return fault(schemas.ReasonMissingBand, -1, "band %q is absent; ask for the bands the file has, or allow missing ones", band)
}

// addCube adds the planes of one HDU: the wanted bands, or all.
func (d *Decoder) addCube(c *schemas.Cutout, h *HDU) error {
	g, err := h.Geometry()
	if err != nil {
		return err
	}
	d.verify(h)
	d.plane = d.planeNames(h, g, d.plane[:0])
	stored := d.plane
	if len(d.opt.Bands) == 0 {
		for i := range g.Planes {
			if err := d.add(c, h, g, i, stored[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if stored[0] == "" || stored[0] == noBand || stored[0] == firstPlane {
		if len(d.opt.Bands) != g.Planes {
			return fault(schemas.ReasonBadShape, h.HeaderOffset, "HDU %d has %d planes without names, the %d bands %v are wanted", h.Index, g.Planes, len(d.opt.Bands), d.opt.Bands)
		}
		stored = d.opt.Bands
	}
	for _, band := range d.opt.Bands {
		if err := d.addNamed(c, h, g, stored, band); err != nil {
			return err
		}
	}
	if len(c.Images) == 0 {
		return fault(schemas.ReasonMissingBand, -1, "none of the bands %v is in HDU %d, which has %v", d.opt.Bands, h.Index, stored)
	}
	return nil
}

// addNamed adds the plane called band.
func (d *Decoder) addNamed(c *schemas.Cutout, h *HDU, g Geometry, stored []string, band string) error {
	for i, name := range stored {
		if name == band {
			return d.add(c, h, g, i, band)
		}
	}
	return d.missingBand(c, band)
}

// add adds one plane.
func (d *Decoder) add(c *schemas.Cutout, h *HDU, g Geometry, index int, name string) error {
	err := addPlane(c, h, plane{geometry: g, index: index, name: name, survey: c.Survey, wcs: h.WCS(g), names: &d.names})
	if err == nil && d.opt.ZeroPoint != 0 {
		c.Images[len(c.Images)-1].ZeroPoint = d.opt.ZeroPoint
	}
	return err
}

// verify counts the checksums of an HDU and flags a wrong one, where the options ask for it.
func (d *Decoder) verify(h *HDU) {
	if !d.opt.VerifyChecksums {
		return
	}
	data, whole := h.Checksums()
	d.sums.count(data)
	d.sums.count(whole)
	if data == SumBad || whole == SumBad {
		h.Flags |= schemas.FlagChecksumBad
	}
}
