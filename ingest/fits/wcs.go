package fits

import "math"

// WCS is the linear part of the world coordinates of an image, and the position of its centre. Distortion
// terms (SIP, TPV, TNX) are left out of all of it: at the centre of a cutout they move the position by
// far less than the cutout's size and the scale by less than a percent. Unknown values are NaN.
type WCS struct {
	RA, Dec  float64 // centre of the image, degrees, as RADESYS states (ICRS, or FK5 J2000 which equals it to 0.1")
	Scale    float64 // arcsec a pixel: 3600 sqrt|det CD|
	Rotation float64 // position angle of the +y axis, degrees from north through east
	Mirrored bool    // the picture is a mirror image of the sky (determinant > 0)
	// Conflict says that the cards contradict each other: SIP terms without the -SIP suffix.
	Conflict bool
}

// matrix maps pixel offsets to intermediate world coordinates in degrees: x = a dx + b dy, y = c dx + d dy.
type matrix struct{ a, b, c, d float64 }

// WCS reads the world coordinates of an image of geometry g.
func (h *HDU) WCS(g Geometry) WCS {
	w := WCS{RA: math.NaN(), Dec: math.NaN(), Scale: math.NaN(), Rotation: math.NaN()}
	ax := 1 // first of the two picture axes
	if g.BandFirst {
		ax = 2
	}
	x, y, proj := h.celestial(ax)
	if x == axisNotSky || y == axisNotSky {
		return w
	}
	m, ok := h.linear(ax, x != axisUnknown)
	if !ok {
		return w
	}
	if x == axisLat { // NAXIS1 runs along declination
		m = matrix{m.c, m.d, m.a, m.b}
	}
	if det := m.a*m.d - m.b*m.c; det != 0 && !math.IsNaN(det) && !math.IsInf(det, 0) {
		w.Scale = 3600 * math.Sqrt(math.Abs(det))
		w.Mirrored = det > 0
		w.Rotation = math.Atan2(m.b, m.d) * 180 / math.Pi
	}
	w.Conflict = h.find(makeKey("A_ORDER")) >= 0 && x != axisUnknown && !h.hasSIP(ax)
	if x == axisRA || y == axisRA {
		w.RA, w.Dec = h.centre(g, ax, m, proj, x == axisLat)
	}
	return w
}

// axisKind is what CTYPE says of an axis.
type axisKind uint8

const (
	axisUnknown axisKind = iota // no CTYPE
	axisRA
	axisLat    // DEC, or any latitude
	axisLon    // a longitude that is not right ascension
	axisNotSky // CTYPE of something else
)

// projNone is the projection code of an axis without a known one.
const projNone = ""

// celestial reads the two CTYPE cards and the projection they name ("TAN").
func (h *HDU) celestial(ax int) (x, y axisKind, proj string) {
	x, px := h.ctype(ax)
	y, py := h.ctype(ax + 1)
	lonLat := (x == axisRA || x == axisLon) && y == axisLat
	latLon := x == axisLat && (y == axisRA || y == axisLon)
	if !(lonLat || latLon || x == axisUnknown && y == axisUnknown) {
		return axisNotSky, axisNotSky, projNone
	}
	if px != py {
		px = projNone
	}
	return x, y, px
}

// ctype classifies CTYPEi and returns the known projection code in it.
func (h *HDU) ctype(i int) (axisKind, string) {
	at := h.find(indexed("CTYPE", i))
	if at < 0 {
		return axisUnknown, projNone
	}
	t := parseValue(h.field(at)).Text
	if len(t) == 0 {
		return axisUnknown, projNone
	}
	if len(t) < 8 {
		return axisNotSky, projNone
	}
	kind := axisNotSky
	switch {
	case foldEqual(t[:4], "RA--"):
		kind = axisRA
	case foldEqual(t[:4], "DEC-"), foldEqual(t[1:5], "LAT-"):
		kind = axisLat
	case foldEqual(t[1:5], "LON-"):
		kind = axisLon
	}
	for _, p := range [...]string{"TAN", "TPV", "TNX", "ZPX", "SIN", "ARC", "STG", "ZEA"} {
		if foldEqual(t[5:8], p) {
			return kind, p
		}
	}
	return kind, projNone
}

// hasSIP reports whether CTYPE carries the -SIP suffix.
func (h *HDU) hasSIP(ax int) bool {
	at := h.find(indexed("CTYPE", ax))
	if at < 0 {
		return false
	}
	t := parseValue(h.field(at)).Text
	return len(t) >= 12 && foldEqual(t[8:12], "-SIP")
}

// linear builds the matrix: CD where any CDi_j is present (CDELT is then ignored), else CDELT x PC, else
// CDELT with CROTA2 (Greisen & Calabretta 2002, section 2.1.2). ok is false without any of them.
func (h *HDU) linear(ax int, sky bool) (m matrix, ok bool) {
	ux, uy := h.unitDegrees(ax), h.unitDegrees(ax+1)
	if m, ok = h.pairs("CD", ax, 0); ok {
		return matrix{m.a * ux, m.b * ux, m.c * uy, m.d * uy}, true
	}
	dx, okx := h.floatAt(indexed("CDELT", ax))
	dy, oky := h.floatAt(indexed("CDELT", ax+1))
	if !okx || !oky {
		dx, dy = 1, 1
	}
	m, pc := h.pairs("PC", ax, 1)
	if !pc {
		if m, pc = h.oldPairs(ax); !pc && (!okx || !oky || dx == 1 && dy == 1 && !sky) {
			return matrix{}, false
		}
	}
	if !pc {
		m = matrix{1, 0, 0, 1}
		if rho, _ := h.floatAt(indexed("CROTA", ax+1)); rho != 0 {
			sin, cos := math.Sincos(rho * math.Pi / 180)
			return matrix{dx * ux * cos, -dy * ux * sin, dx * uy * sin, dy * uy * cos}, true
		}
	}
	return matrix{m.a * dx * ux, m.b * dx * ux, m.c * dy * uy, m.d * dy * uy}, true
}

// pairs reads the four cards name + i_j; absent ones are 0 off the diagonal and diag on it.
func (h *HDU) pairs(name string, ax int, diag float64) (m matrix, ok bool) {
	return h.fourOf(diag, func(i, j int) key { return indexed2(name, ax+i, ax+j) })
}

// oldPairs reads the PC matrix in its older spelling PC001002.
func (h *HDU) oldPairs(ax int) (m matrix, ok bool) {
	return h.fourOf(1, func(i, j int) key {
		return makeKey("PC001001") + key(ax+i-1)<<24 + key(ax+j-1)
	})
}

func (h *HDU) fourOf(diag float64, name func(i, j int) key) (m matrix, ok bool) {
	m = matrix{diag, 0, 0, diag}
	for n, to := range [...]*float64{&m.a, &m.b, &m.c, &m.d} {
		if f, have := h.floatAt(name(n/2, n%2)); have {
			*to, ok = f, true
		}
	}
	return m, ok
}

// floatAt is Float for a key.
func (h *HDU) floatAt(k key) (float64, bool) {
	i := h.find(k)
	if i < 0 {
		return 0, false
	}
	return parseValue(h.field(i)).number()
}

// unitDegrees is the size of CUNITi in degrees; NaN for a unit that is no angle.
func (h *HDU) unitDegrees(i int) float64 {
	at := h.find(indexed("CUNIT", i))
	if at < 0 {
		return 1
	}
	t := parseValue(h.field(at)).Text
	switch {
	case len(t) == 0, foldEqual(t, "deg"), foldEqual(t, "degree"), foldEqual(t, "degrees"):
		return 1
	case foldEqual(t, "arcmin"):
		return 1. / 60
	case foldEqual(t, "arcsec"):
		return 1. / 3600
	case foldEqual(t, "rad"):
		return 180 / math.Pi
	}
	return math.NaN()
}

// centre is the sky position of the middle of the image: the offset from CRPIX through the matrix and
// back through the zenithal projection. Frames that differ from ICRS by more than an arcsecond (FK4,
// galactic) are left unknown.
func (h *HDU) centre(g Geometry, ax int, m matrix, proj string, swapped bool) (ra, dec float64) {
	px, ok1 := h.floatAt(indexed("CRPIX", ax))
	py, ok2 := h.floatAt(indexed("CRPIX", ax+1))
	v1, ok3 := h.floatAt(indexed("CRVAL", ax))
	v2, ok4 := h.floatAt(indexed("CRVAL", ax+1))
	if !(ok1 && ok2 && ok3 && ok4) || proj == projNone || h.frameIsOld() {
		return math.NaN(), math.NaN()
	}
	if swapped {
		v1, v2 = v2, v1
	}
	v1 *= h.unitDegrees(ax)
	v2 *= h.unitDegrees(ax)
	dx := float64(g.Width+1)/2 - px // CRPIX counts from 1 at the centre of the first pixel
	dy := float64(g.Height+1)/2 - py
	lonpole := 180.
	if f, ok := h.floatAt(makeKey("LONPOLE")); ok {
		lonpole = f
	} else if v2 >= 90 {
		lonpole = 0
	}
	return deproject(proj, m.a*dx+m.b*dy, m.c*dx+m.d*dy, v1, v2, lonpole)
}

// frameIsOld reports equatorial coordinates of B1950.
func (h *HDU) frameIsOld() bool {
	for _, name := range [...]string{"RADESYS", "RADECSYS"} {
		if k := makeKey(name); h.textIs(k, "FK4") || h.textIs(k, "FK4-NO-E") {
			return true
		}
	}
	eq, ok := h.floatAt(makeKey("EQUINOX"))
	return ok && eq < 1984
}

// deproject turns intermediate world coordinates x, y (degrees) of a zenithal projection into right
// ascension and declination (Calabretta & Greisen 2002, equations 2, 14, 15 and section 5.1).
func deproject(proj string, x, y, ra0, dec0, lonpole float64) (ra, dec float64) {
	const deg = math.Pi / 180
	r := math.Hypot(x, y) * deg
	phi := math.Atan2(x, -y)
	if r == 0 {
		return wrap360(ra0), dec0
	}
	var theta float64
	switch proj {
	case "SIN":
		theta = math.Acos(r)
	case "ARC":
		theta = math.Pi/2 - r
	case "STG":
		theta = math.Pi/2 - 2*math.Atan(r/2)
	case "ZEA":
		theta = math.Pi/2 - 2*math.Asin(r/2)
	default: // TAN, and the linear part of TPV, TNX and ZPX
		theta = math.Atan2(1, r)
	}
	sinT, cosT := math.Sincos(theta)
	sinD, cosD := math.Sincos(dec0 * deg)
	sinP, cosP := math.Sincos(phi - lonpole*deg)
	ra = ra0 + math.Atan2(-cosT*sinP, sinT*cosD-cosT*sinD*cosP)/deg
	sinDec := sinT*sinD + cosT*cosD*cosP
	return wrap360(ra), math.Asin(max(-1, min(1, sinDec))) / deg
}

// wrap360 brings an angle into [0, 360).
func wrap360(a float64) float64 {
	if a = math.Mod(a, 360); a < 0 {
		a += 360
	}
	return a
}
