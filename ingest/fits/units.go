package fits

import "math"

// fluxUnits lists the absolute flux units by their FITS spelling and the AB magnitude of one of them:
// 22.5 for a nanomaggy, 8.9 for a jansky (3631 Jy = magnitude 0).
var fluxUnits = [...]struct {
	name      string
	zeroPoint float64
}{
	{"nanomaggy", 22.5}, {"nanomaggies", 22.5}, {"nmgy", 22.5}, {"nanomaggie", 22.5}, {"nmaggy", 22.5}, {"maggy", 0},
	{"nJy", 31.4}, {"uJy", 23.9}, {"mJy", 16.4}, {"Jy", 8.9},
}

// unitZeroPoint is the zero point of an absolute flux unit, or NaN. The case of m counts: mJy is not MJy.
func unitZeroPoint(unit []byte) float64 {
	for _, u := range fluxUnits {
		if foldEqual(unit, u.name) && (u.name != "mJy" || unit[0] == 'm') {
			return u.zeroPoint
		}
	}
	return math.NaN()
}

// surveyUnits lists the surveys whose files may leave BUNIT out: their unit, and the AB zero point.
var surveyUnits = [...]struct {
	survey, unit string
	zeroPoint    float64
}{
	{"legacy", "nanomaggy", 22.5}, {"decals", "nanomaggy", 22.5}, {"desi", "nanomaggy", 22.5},
	{"sdss", "nanomaggy", 22.5}, {"lsst", "nJy", 31.4}, {"rubin", "nJy", 31.4}, {"hsc", "", 27},
}

// photometry returns the unit and zero point of an image: an absolute unit decides, else a zero-point
// card of this very header, else the survey's convention. conflict says that unit and card disagree by
// more than 0.01 mag.
func (h *HDU) photometry(survey string, names *interner) (unit string, zeroPoint float64, conflict bool) {
	var buf [cardLen]byte
	text, ok := h.Text(buf[:0], "BUNIT")
	if ok {
		text = trimLeft(text)
		unit = names.get(text)
	}
	card := h.zeroPointCard()
	if zeroPoint = unitZeroPoint(text); !math.IsNaN(zeroPoint) {
		return unit, zeroPoint, math.Abs(card-zeroPoint) > 0.01
	}
	if !math.IsNaN(card) {
		return unit, card, false
	}
	for _, s := range surveyUnits {
		if s.survey == survey && unit == "" {
			return s.unit, s.zeroPoint, false
		}
	}
	return unit, math.NaN(), false
}

// zeroPointCard reads the AB zero point from the first of the names in use; FLUXMAG0 (HSC) states the
// flux of magnitude 0 instead.
func (h *HDU) zeroPointCard() float64 {
	for _, name := range [...]string{"MAGZP", "MAGZERO", "MAGZPT", "PHOTZP"} {
		if f, ok := h.Float(name); ok && f > 0 && f < 60 {
			return f
		}
	}
	if f, ok := h.Float("FLUXMAG0"); ok && f > 0 {
		return 2.5 * math.Log10(f)
	}
	return math.NaN()
}

// interner keeps one string for each short text seen, so that headers that repeat allocate nothing. It
// holds at most 256 texts.
type interner struct{ seen map[string]string }

func (n *interner) get(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := n.seen[string(b)]; ok {
		return s
	}
	s := string(b)
	if n.seen == nil {
		n.seen = make(map[string]string)
	}
	if len(n.seen) < 256 {
		n.seen[s] = s
	}
	return s
}

// lowered is get of the text in lower case; it changes b.
func (n *interner) lowered(b []byte) string {
	for i := range b {
		b[i] = lower(b[i])
	}
	return n.get(b)
}
