package fits

import (
	"bytes"

	"github.com/galaxalign/galaxalign/schemas"
)

// File is a parsed payload. It is made to be reused: Parse keeps its memory. HDUs point into the payload
// or, for a packed one, into the File's own buffer, so they are valid until the next Parse or
// until the payload is changed. The zero File is ready for use; it is not safe for concurrent use.
type File struct {
	Limits  Limits      // zero fields mean the defaults
	Inflate InflateFunc // replaces the built-in gzip reader when set

	HDUs  []HDU
	Flags schemas.Flags // what was tolerated outside any one HDU: trailing junk
	// Tail says why the walk ended early at an extension that cannot be used; the HDUs before it are
	// good. It is nil when the walk reached the end or plain junk.
	Tail *schemas.Fault
	// Gzipped says that the payload was gzip.
	Gzipped bool

	inflated []byte
	gunzip   gunzipper
	unpacker unpacker
	tiles    tileReader
}

// Parse reads every header of b into f. An error is a *schemas.Fault: the payload is no FITS, or its
// first HDU cannot be used. An extension that cannot be used ends the walk (File.Tail); data cut short
// marks its HDU as Truncated.
func Parse(b []byte, f *File) error {
	return f.parse(b, func(*HDU) bool { return false })
}

// parse walks until the end of the payload, or until stop says that the last HDU is enough.
func (f *File) parse(b []byte, stop func(*HDU) bool) error {
	f.HDUs, f.Flags, f.Tail = f.HDUs[:0], 0, nil
	lim := f.Limits.orDefaults()
	f.tiles.reset(f.Inflate)
	b, err := f.unwrap(b, &lim)
	if err != nil {
		return err
	}
	if flt := sniff(b); flt != nil {
		return flt
	}
	for off := 0; off < len(b); {
		if len(f.HDUs) > 0 && !bytes.HasPrefix(b[off:], []byte("XTENSION")) {
			f.Flags |= schemas.FlagTrailingJunk
			return nil
		}
		if len(f.HDUs) == lim.MaxHDUs {
			return fault(schemas.ReasonTooLarge, off, "more than %d HDUs; raise MaxHDUs to read it", lim.MaxHDUs)
		}
		h := f.grow()
		if flt := h.parse(b, off, &lim); flt != nil {
			return f.endAt(flt)
		}
		if h.Truncated || stop(h) {
			return nil
		}
		off = h.end()
	}
	return nil
}

// grow appends an HDU, reusing the index memory of an earlier parse.
func (f *File) grow() *HDU {
	n := len(f.HDUs)
	if n < cap(f.HDUs) {
		f.HDUs = f.HDUs[:n+1]
	} else {
		f.HDUs = append(f.HDUs, HDU{})
	}
	f.HDUs[n].Index, f.HDUs[n].reader = n, &f.tiles
	return &f.HDUs[n]
}

// endAt drops the HDU that failed. The first one makes the payload unusable, a later one ends the walk.
func (f *File) endAt(flt *schemas.Fault) error {
	f.HDUs = f.HDUs[:len(f.HDUs)-1]
	if len(f.HDUs) == 0 {
		return flt
	}
	f.Tail = flt
	f.Flags |= schemas.FlagTrailingJunk
	return nil
}

// truncated returns the fault of the first HDU whose data is cut short, or nil.
func (f *File) truncated() *schemas.Fault {
	for i := range f.HDUs {
		if h := &f.HDUs[i]; h.Truncated {
			return h.cut()
		}
	}
	return nil
}

// cut is the fault of an HDU whose data is cut short.
func (h *HDU) cut() *schemas.Fault {
	return fault(schemas.ReasonTruncated, h.DataOffset+len(h.data), "HDU %d holds %d of %d data bytes; fetch the file again", h.Index, len(h.data), h.DataSize)
}
