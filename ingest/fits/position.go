package fits

import "math"

// position returns the coordinates stated by cards: degrees, or sexagesimal text with right ascension in
// hours. NaN where there are none or they are impossible.
func (h *HDU) position() (ra, dec float64) {
	for _, names := range [...][2]string{{"RA", "DEC"}, {"OBJRA", "OBJDEC"}, {"RA_OBJ", "DEC_OBJ"}, {"RA_TARG", "DEC_TARG"}} {
		ra, ok1 := h.angle(names[0], 15)
		dec, ok2 := h.angle(names[1], 1)
		if ok1 && ok2 && ra >= 0 && ra <= 360 && math.Abs(dec) <= 90 {
			return wrap360(ra), dec
		}
	}
	return math.NaN(), math.NaN()
}

// angle reads a card as degrees; sexagesimal text is multiplied by perUnit.
func (h *HDU) angle(name string, perUnit float64) (float64, bool) {
	v, ok := h.Value(name)
	if !ok {
		return 0, false
	}
	if f, ok := v.number(); ok {
		return f, true
	}
	if v.Kind != String {
		return 0, false
	}
	f, ok := sexagesimal(v.Text)
	return f * perUnit, ok
}

// sexagesimal reads "12:34:56.7" or "-12 34 56.7"; minutes and seconds are below 60.
func sexagesimal(t []byte) (float64, bool) {
	t = trimLeft(t)
	sign := 1.
	if len(t) > 0 && (t[0] == '-' || t[0] == '+') {
		if t[0] == '-' {
			sign = -1
		}
		t = t[1:]
	}
	sum, unit := 0., 1.
	for part := 0; part < 3; part++ {
		end := 0
		for end < len(t) && t[end] != ':' && t[end] != ' ' {
			end++
		}
		v := parseNumber(t[:end])
		if v.Kind != Int && v.Kind != Float || v.Float < 0 || part > 0 && v.Float >= 60 {
			return 0, false
		}
		sum += v.Float / unit
		unit *= 60
		if end == len(t) {
			return sign * sum, part > 0
		}
		t = t[end+1:]
	}
	return 0, false
}
