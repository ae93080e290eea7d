package fits

import (
	"strconv"

	"github.com/galaxalign/galaxalign/schemas"
)

// Select returns the HDU to read an image from: with which empty the first image of 2 to MaxAxes
// positive axes; with a number that HDU, counted from 0; otherwise the first HDU whose EXTNAME is which,
// case-blind. The error is a *schemas.Fault.
func (f *File) Select(which string) (*HDU, error) {
	lim := f.Limits.orDefaults()
	if which == "" {
		return f.defaultHDU(&lim)
	}
	if i, err := strconv.Atoi(which); err == nil {
		if i < 0 || i >= len(f.HDUs) {
			return nil, f.missing("the payload has %d HDUs, not number %d", len(f.HDUs), i)
		}
		return f.imageOf(&f.HDUs[i], &lim)
	}
	for i := range f.HDUs {
		if f.HDUs[i].named(which) {
			return f.imageOf(&f.HDUs[i], &lim)
		}
	}
	return nil, f.missing("no HDU is named %q", which)
}

// named reports whether EXTNAME is name, case-blind.
func (h *HDU) named(name string) bool { return h.textIs(makeKey("EXTNAME"), name) }

// pictured reports whether the HDU holds an image the default rule takes.
func (h *HDU) pictured(lim *Limits) bool {
	return h.isImage() && h.naxis >= 2 && h.naxis <= lim.MaxAxes
}

// defaultHDU is the first picture. A tile-compressed one that cannot be read is what was meant: it is refused.
func (f *File) defaultHDU(lim *Limits) (*HDU, error) {
	for i := range f.HDUs {
		h := &f.HDUs[i]
		if h.pictured(lim) {
			return f.imageOf(h, lim)
		}
		if h.Kind == KindCompressed && h.tiling.fault != nil {
			return nil, h.tiling.fault
		}
	}
	return nil, f.missing("none of the %d HDUs holds an image of 2 to %d axes", len(f.HDUs), lim.MaxAxes)
}

// imageOf refuses an HDU that holds no readable image.
func (f *File) imageOf(h *HDU, lim *Limits) (*HDU, error) {
	if flt := h.readable(); flt != nil {
		return nil, flt
	}
	if h.naxis > lim.MaxAxes {
		return nil, fault(schemas.ReasonTooLarge, h.HeaderOffset, "HDU %d has %d axes, over the limit of %d; raise MaxAxes to read it", h.Index, h.naxis, lim.MaxAxes)
	}
	return h, nil
}

// missing is the fault of an image that is not there, or of the damage that hides it.
func (f *File) missing(format string, args ...any) *schemas.Fault {
	if f.Tail != nil {
		return f.Tail
	}
	flt := fault(schemas.ReasonNoImage, -1, format, args...)
	return flt
}
