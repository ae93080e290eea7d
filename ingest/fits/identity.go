package fits

import (
	"bytes"
	"math"
	"strconv"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
)

// setFallbackIdentity names the cutout from outside the file: the object by the message's key, else by
// the base name of its path without the FITS endings; the observation by its origin.
func setFallbackIdentity(m *ingest.Message, c *schemas.Cutout) {
	c.ObjectID = c.ObjectID[:0]
	if len(m.Key) > 0 {
		c.ObjectID = append(c.ObjectID, m.Key...)
	} else {
		c.ObjectID = append(c.ObjectID, baseName(m.Origin.Path)...)
	}
	c.ObservationID = appendOrigin(c.ObservationID[:0], &m.Origin)
}

// baseName is the last element of a path, of the archive member where it has one ("night.tar!a.fits"),
// without .gz and .fits.
func baseName(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' || path[i] == '!' || path[i] == '\\' {
			path = path[i+1:]
			break
		}
	}
	for _, ending := range [...]string{".gz", ".fz", ".fits", ".fit", ".fts"} {
		if n := len(path) - len(ending); n > 0 && path[n:] == ending {
			path = path[:n]
		}
	}
	return path
}

// appendOrigin appends o.String() without allocating.
func appendOrigin(dst []byte, o *schemas.Origin) []byte {
	if o.Path != "" {
		dst = append(dst, o.Path...)
	} else {
		dst = append(append(dst, o.Topic...), '/')
		dst = append(strconv.AppendInt(dst, int64(o.Partition), 10), '@')
		dst = strconv.AppendInt(dst, o.Offset, 10)
	}
	if o.HDU > 0 {
		dst = append(strconv.AppendInt(append(dst, '['), int64(o.HDU), 10), ']')
	}
	return dst
}

// setIdentity takes the names that a header states, over what c holds.
func (d *Decoder) setIdentity(c *schemas.Cutout, h *HDU) {
	if c.Survey == "" {
		var buf [cardLen]byte
		if t, ok := h.Text(buf[:0], "SURVEY"); ok {
			c.Survey = d.names.lowered(t)
		}
	}
	c.ObjectID = takeCard(c.ObjectID, h, "OBJID", "OBJECT")
	c.ObservationID = takeCard(c.ObservationID, h, "OBSID", "OBS_ID", "EXPNUM", "EXPID")
}

// takeCard replaces dst by the text of the first of the named cards that holds any.
func takeCard(dst []byte, h *HDU, names ...string) []byte {
	for _, name := range names {
		var buf [cardLen]byte
		if t, ok := h.Text(buf[:0], name); ok {
			if t = bytes.TrimSpace(t); len(t) > 0 {
				return append(dst[:0], t...)
			}
		}
	}
	return dst
}

// setTime takes the time of observation from h, else from the primary header.
func (d *Decoder) setTime(c *schemas.Cutout, h *HDU) {
	t, ok := h.observedAt()
	if !ok && h.Index > 0 {
		t, ok = d.file.HDUs[0].observedAt()
	}
	if !ok {
		c.Flags |= schemas.FlagBadTime
		return
	}
	c.ObservedAt = t
}

// setPosition takes the centre of the image from its world coordinates, else from the cards of h, else
// from those of the primary header.
func (d *Decoder) setPosition(c *schemas.Cutout, h *HDU) {
	if g, err := h.Geometry(); err == nil {
		w := h.WCS(g)
		c.RA, c.Dec = w.RA, w.Dec
	}
	if math.IsNaN(c.RA) {
		c.RA, c.Dec = h.position()
	}
	if math.IsNaN(c.RA) && h.Index > 0 {
		c.RA, c.Dec = d.file.HDUs[0].position()
	}
	if math.IsNaN(c.RA) {
		c.Flags |= schemas.FlagNoPosition
	}
}
