package fits

import (
	"math"
	"time"

	"github.com/galaxalign/galaxalign/ingest/leapsecond"
)

// observedAt returns the time of observation in UTC as the header states it: DATE-OBS with a time of
// day, else MJD-OBS, else the date of DATE-OBS (with TIME-OBS where present). TIMESYS TAI and TT are
// converted. ok is false without a possible one.
func (h *HDU) observedAt() (t time.Time, ok bool) {
	var buf [cardLen]byte
	text, _ := h.Text(buf[:0], "DATE-OBS")
	t, hasClock, ok := parseDate(text)
	if !ok || !hasClock {
		if mjd, have := h.Float("MJD-OBS"); have {
			if u, good := fromMJD(mjd); good {
				return h.toUTC(u), true
			}
		}
	}
	if !ok {
		return time.Time{}, false
	}
	if !hasClock {
		var b2 [cardLen]byte
		clock, _ := h.Text(b2[:0], "TIME-OBS")
		if d, good := parseClock(clock); good {
			t = t.Add(d)
		}
	}
	return h.toUTC(t), true
}

// toUTC converts from the scale that TIMESYS names; UTC when it names none.
func (h *HDU) toUTC(t time.Time) time.Time {
	k := makeKey("TIMESYS")
	switch {
	case h.textIs(k, "TAI"):
		return t.Add(-leapsecond.TAIMinusUTC(t))
	case h.textIs(k, "TT"), h.textIs(k, "TDT"):
		t = t.Add(-32184 * time.Millisecond) // TT = TAI + 32.184 s
		return t.Add(-leapsecond.TAIMinusUTC(t))
	}
	return t
}

// fromMJD converts a Modified Julian Date to a time rounded to the microsecond; a double of today holds
// no more. MJD 40587 is 1970-01-01. Dates outside 1850 to 2150 are refused.
func fromMJD(mjd float64) (time.Time, bool) {
	if !(mjd > -3000 && mjd < 106000) {
		return time.Time{}, false
	}
	day, frac := math.Modf(mjd - 40587)
	micros := math.RoundToEven(frac * 86400e6)
	return time.Unix(int64(day)*86400, 0).Add(time.Duration(micros) * time.Microsecond).UTC(), true
}

// parseDate reads YYYY-MM-DD with an optional Thh:mm:ss[.s], and the form DD/MM/YY of before 1999
// (standard 4.0, section 9.1.1).
func parseDate(t []byte) (at time.Time, hasClock, ok bool) {
	t = trimLeft(trimRight(t))
	var y, m, d int
	switch {
	case len(t) >= 10 && t[4] == '-' && t[7] == '-':
		y, m, d = digits(t[:4]), digits(t[5:7]), digits(t[8:10])
	case len(t) == 8 && t[2] == '/' && t[5] == '/':
		d, m, y = digits(t[:2]), digits(t[3:5]), digits(t[6:8])
		if y >= 0 {
			y += 1900
		}
	default:
		return at, false, false
	}
	if y < 1850 || y > 2150 || m < 1 || m > 12 || d < 1 || d > 31 {
		return at, false, false
	}
	at = time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if at.Day() != d {
		return at, false, false
	}
	if len(t) > 11 && t[4] == '-' && (t[10] == 'T' || t[10] == ' ') {
		clock, good := parseClock(t[11:])
		return at.Add(clock), true, good
	}
	return at, false, len(t) <= 10
}

// parseClock reads hh:mm:ss[.s] with an optional Z; second 60 of a leap second is taken as the next
// second.
func parseClock(t []byte) (time.Duration, bool) {
	if n := len(t); n > 0 && t[n-1] == 'Z' {
		t = t[:n-1]
	}
	if len(t) < 8 || t[2] != ':' || t[5] != ':' {
		return 0, false
	}
	h, m, s := digits(t[:2]), digits(t[3:5]), digits(t[6:8])
	if h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60 {
		return 0, false
	}
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
	if len(t) == 8 {
		return d, true
	}
	if t[8] != '.' {
		return 0, false
	}
	unit := time.Second
	for _, c := range t[9:] {
		if c < '0' || c > '9' {
			return 0, false
		}
		unit /= 10
		d += time.Duration(c-'0') * unit
	}
	return d, true
}

// digits reads a run of decimal digits, or returns -1.
func digits(t []byte) int {
	n := 0
	for _, c := range t {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}
