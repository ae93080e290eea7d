package fits

import "strconv"

// Names of planes that nothing names: a single picture, and the first plane of a cube.
const (
	noBand     = "image"
	firstPlane = "plane0"
)

// planeNames appends the names of the planes of an image to dst: of a single picture the band its
// header states, of a cube what BAND0, BAND1, ... (or BAND1, BAND2, ...) or the letters of BANDS say.
func (d *Decoder) planeNames(h *HDU, g Geometry, dst []string) []string {
	if g.Planes == 1 {
		if name := d.bandCard(h); name != "" {
			return append(dst, name)
		}
		return append(dst, noBand)
	}
	for from := range 2 {
		if names := d.numberedBands(h, g.Planes, from, dst); len(names) == g.Planes {
			return names
		}
	}
	var buf [cardLen]byte
	if t, ok := h.Text(buf[:0], "BANDS"); ok && len(t) == g.Planes {
		for i := range t {
			dst = append(dst, d.names.lowered(t[i:i+1]))
		}
		return dst
	}
	for i := range g.Planes {
		var num [24]byte
		dst = append(dst, d.names.get(strconv.AppendInt(append(num[:0], firstPlane[:5]...), int64(i), 10)))
	}
	return dst
}

// numberedBands appends BANDn for n from from on; fewer than planes when one is absent.
func (d *Decoder) numberedBands(h *HDU, planes, from int, dst []string) []string {
	for n := from; n < from+planes && n <= 9; n++ {
		i := h.find(indexed("BAND", n))
		if i < 0 {
			break
		}
		var buf [cardLen]byte
		t := trimLeft(parseValue(h.field(i)).appendText(buf[:0]))
		if len(t) == 0 {
			break
		}
		dst = append(dst, d.names.lowered(t))
	}
	return dst
}
