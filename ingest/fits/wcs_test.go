package fits

import (
	"math"
	"testing"
	"time"
)

// skyCards are CTYPE, CRPIX and CRVAL of a TAN image whose reference pixel is (1.5, 1.5).
var skyCards = []string{
	text("CTYPE1", "RA---TAN"), text("CTYPE2", "DEC--TAN"), card("CRPIX1", 1.5), card("CRPIX2", 1.5),
	card("CRVAL1", 10.0), card("CRVAL2", 20.0),
}

func sky(extra ...string) []string { return append(skyCards[:len(skyCards):len(skyCards)], extra...) }

// TestWCSScale pins scale, orientation and conflicts of the linear part: formats.md G3, G4, section 7.
func TestWCSScale(t *testing.T) {
	nan := math.NaN()
	cd := []string{card("CD1_1", "-7.2778E-5"), card("CD1_2", "0.0"), card("CD2_1", "0.0"), card("CD2_2", "7.2778E-5")}
	one := []string{card("CDELT1", "1.0"), card("CDELT2", "1.0")}
	pc := func(scale string) []string {
		return []string{card("PC1_1", "-"+scale), card("PC1_2", "0.0"), card("PC2_1", "0.0"), card("PC2_2", scale)}
	}
	cat := func(parts ...[]string) (all []string) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	tests := []struct {
		name            string
		cards           []string
		scale, rotation float64
		mirrored        bool
		conflict        bool
	}{
		{"CD with CDELT 1: CDELT ignored", cat(sky(), cd, one), 0.2620008, 0, false, false},
		{"CD alone", cat(sky(), cd), 0.2620008, 0, false, false},
		{"CDELT alone", sky(card("CDELT1", "-7.2778E-5"), card("CDELT2", "7.2778E-5")), 0.2620008, 0, false, false},
		{"mirrored", sky(card("CDELT1", "7.2778E-5"), card("CDELT2", "7.2778E-5")), 0.2620008, 0, true, false},
		{"CROTA2 turns CDELT", sky(card("CDELT1", "-1E-4"), card("CDELT2", "1E-4"), card("CROTA2", "30.")), 0.36, -30, false, false},
		{"PC with CDELT 1 and no CTYPE", cat(pc("5.55555555555556E-5"), one), 0.2, 0, false, false},
		{"PC without CDELT", sky(pc("1E-4")...), 0.36, 0, false, false},
		{"PC with CDELT", sky(card("PC1_1", "0.8"), card("PC1_2", "0.6"), card("PC2_1", "-0.6"), card("PC2_2", "0.8"), card("CDELT1", "-1E-4"), card("CDELT2", "2E-4")),
			3600 * math.Sqrt(2e-8), math.Atan2(-0.6e-4, 1.6e-4) * 180 / math.Pi, false, false},
		{"old PC spelling", sky(card("PC001001", "-1."), card("PC001002", "0."), card("PC002001", "0."), card("PC002002", "1."), card("CDELT1", "6.94444E-5"), card("CDELT2", "6.94444E-5")), 0.2499998, 0, false, false},
		{"units of arcsec", sky(text("CUNIT1", "arcsec"), text("CUNIT2", "arcsec"), card("CDELT1", "-0.4"), card("CDELT2", "0.4")), 0.4, 0, false, false},
		{"declination first", []string{text("CTYPE1", "DEC--TAN"), text("CTYPE2", "RA---TAN"), card("CD1_1", "1E-4"), card("CD2_2", "-1E-4"), card("CD1_2", "0."), card("CD2_1", "0.")}, 0.36, -90, true, false},
		{"SIP without suffix", cat(sky(), cd, []string{card("A_ORDER", 2)}), 0.2620008, 0, false, true},
		{"SIP with suffix", cat([]string{text("CTYPE1", "RA---TAN-SIP"), text("CTYPE2", "DEC--TAN-SIP")}, cd, []string{card("A_ORDER", 2)}), 0.2620008, 0, false, false},
		{"TPV", cat([]string{text("CTYPE1", "RA---TPV"), text("CTYPE2", "DEC--TPV")}, cd, []string{card("PV1_1", 1.0)}), 0.2620008, 0, false, false},
		{"nothing", nil, nan, nan, false, false},
		{"CDELT 1 without CTYPE says nothing", one, nan, nan, false, false},
		{"not the sky", []string{text("CTYPE1", "WAVE"), text("CTYPE2", "LINEAR"), card("CDELT1", 2.0), card("CDELT2", 2.0)}, nan, nan, false, false},
		{"singular", sky(card("CD1_1", "1E-4"), card("CD1_2", "1E-4"), card("CD2_1", "1E-4"), card("CD2_2", "1E-4")), nan, nan, false, false},
		{"unknown unit", sky(text("CUNIT1", "pixel"), card("CDELT1", "-0.4"), card("CDELT2", "0.4")), nan, nan, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := headerOf(t, tt.cards...)
			g, err := h.Geometry()
			if err != nil {
				t.Fatal(err)
			}
			w := h.WCS(g)
			if !near(w.Scale, tt.scale, 1e-7) || !near(w.Rotation, tt.rotation, 1e-9) || w.Mirrored != tt.mirrored || w.Conflict != tt.conflict {
				t.Errorf("got %+v, want scale %v rotation %v mirrored %v conflict %v", w, tt.scale, tt.rotation, tt.mirrored, tt.conflict)
			}
		})
	}
}

// near compares with an absolute tolerance; NaN is near NaN.
func near(a, b, tolerance float64) bool {
	return a != a && b != b || math.Abs(a-b) <= tolerance
}

// TestWCSCentre compares the centre with closed forms of the gnomonic projection.
func TestWCSCentre(t *testing.T) {
	const deg = math.Pi / 180
	one := func(rows ...string) []string {
		return append(rows, card("CD1_1", "-1."), card("CD1_2", "0."), card("CD2_1", "0."), card("CD2_2", "1."))
	}
	at := func(ra, dec string, px, py string) []string {
		return one(text("CTYPE1", "RA---TAN"), text("CTYPE2", "DEC--TAN"), card("CRVAL1", ra), card("CRVAL2", dec), card("CRPIX1", px), card("CRPIX2", py))
	}
	nan := math.NaN()
	tests := []struct {
		name    string
		cards   []string
		ra, dec float64
	}{
		{"at the reference pixel", at("10.", "20.", "1.5", "1.5"), 10, 20},
		{"straight up: dec + atan(y)", at("10.", "20.", "1.5", "-1.5"), 10, 20 + math.Atan(3*deg)/deg},
		{"over the pole", at("10.", "89.", "1.5", "-1.5"), 190, 180 - (89 + math.Atan(3*deg)/deg)},
		{"east on the equator: ra + atan(x)", at("359.", "0.", "4.5", "1.5"), 359 + math.Atan(3*deg)/deg - 360, 0},
		{"no projection code", one(text("CTYPE1", "RA"), text("CTYPE2", "DEC"), card("CRVAL1", 1.), card("CRVAL2", 2.), card("CRPIX1", 1.5), card("CRPIX2", 1.5)), nan, nan},
		{"B1950", append(at("10.", "20.", "1.5", "1.5"), text("RADESYS", "FK4")), nan, nan},
		{"galactic", one(text("CTYPE1", "GLON-TAN"), text("CTYPE2", "GLAT-TAN"), card("CRVAL1", 1.), card("CRVAL2", 2.), card("CRPIX1", 1.5), card("CRPIX2", 1.5)), nan, nan},
		{"no CRVAL", one(text("CTYPE1", "RA---TAN"), text("CTYPE2", "DEC--TAN"), card("CRPIX1", 1.5), card("CRPIX2", 1.5)), nan, nan},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := headerOf(t, tt.cards...)
			w := h.WCS(Geometry{Width: 2, Height: 2, Planes: 1})
			if !near(w.RA, tt.ra, 1e-9) || !near(w.Dec, tt.dec, 1e-9) {
				t.Errorf("centre %v %v, want %v %v", w.RA, w.Dec, tt.ra, tt.dec)
			}
		})
	}
}

// TestZenithalProjections: every projection code agrees with its radius law at 2 degrees due north.
func TestZenithalProjections(t *testing.T) {
	const deg = math.Pi / 180
	for proj, radius := range map[string]float64{
		"TAN": math.Tan(2 * deg), "TPV": math.Tan(2 * deg), "SIN": math.Sin(2 * deg), "ARC": 2 * deg,
		"STG": 2 * math.Tan(1*deg), "ZEA": 2 * math.Sin(1*deg),
	} {
		if ra, dec := deproject(proj, 0, radius/deg, 40, 10, 180); !near(ra, 40, 1e-9) || !near(dec, 12, 1e-9) {
			t.Errorf("%s: %v %v, want 40 12", proj, ra, dec)
		}
	}
}

// TestPositionCards reads degrees and sexagesimal text.
func TestPositionCards(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		ra, dec         string
		wantRA, wantDec float64
	}{
		{"28.5", "-1.25", 28.5, -1.25},
		{"'12:30:00.0'", "'-00:30:36'", 187.5, -0.51},
		{"'12 30 00'", "'+10 30 00'", 187.5, 10.5},
		{"'187.5'", "'10.5'", 187.5, 10.5},
		{"370.", "10.", nan, nan},
		{"10.", "91.", nan, nan},
		{"'12:75:00'", "10.", nan, nan},
		{"'name'", "10.", nan, nan},
	}
	for _, tt := range tests {
		h := headerOf(t, "RA      = "+tt.ra, "DEC     = "+tt.dec)
		if ra, dec := h.position(); !near(ra, tt.wantRA, 1e-9) || !near(dec, tt.wantDec, 1e-9) {
			t.Errorf("%s %s: %v %v, want %v %v", tt.ra, tt.dec, ra, dec, tt.wantRA, tt.wantDec)
		}
	}
}

// TestObservedAt pins the forms of time.
func TestObservedAt(t *testing.T) {
	tests := []struct {
		name  string
		cards []string
		want  string // RFC 3339, or empty for no time
	}{
		{"date and time", []string{text("DATE-OBS", "2015-03-14T04:05:06.25")}, "2015-03-14T04:05:06.25Z"},
		{"with Z", []string{text("DATE-OBS", "2015-03-14T04:05:06Z")}, "2015-03-14T04:05:06Z"},
		{"date alone", []string{text("DATE-OBS", "2015-03-14")}, "2015-03-14T00:00:00Z"},
		{"date and TIME-OBS", []string{text("DATE-OBS", "2015-03-14"), text("TIME-OBS", "04:05:06.5")}, "2015-03-14T04:05:06.5Z"},
		{"date gives way to MJD-OBS", []string{text("DATE-OBS", "2015-03-14"), card("MJD-OBS", "57095.5")}, "2015-03-14T12:00:00Z"},
		{"old form", []string{text("DATE-OBS", "31/12/98")}, "1998-12-31T00:00:00Z"},
		{"MJD alone", []string{card("MJD-OBS", "60000.0")}, "2023-02-25T00:00:00Z"},
		{"MJD before 1970", []string{card("MJD-OBS", "40586.75")}, "1969-12-31T18:00:00Z"},
		{"TAI of 2017 is 37 s ahead", []string{text("DATE-OBS", "2018-01-01T00:00:37"), text("TIMESYS", "TAI")}, "2018-01-01T00:00:00Z"},
		{"TAI of 2003 is 32 s ahead", []string{text("DATE-OBS", "2003-08-21T09:47:01.48"), text("TIMESYS", "TAI")}, "2003-08-21T09:46:29.48Z"},
		{"TT", []string{text("DATE-OBS", "2018-01-01T00:01:09.184"), text("TIMESYS", "TT")}, "2018-01-01T00:00:00Z"},
		{"leap second", []string{text("DATE-OBS", "2016-12-31T23:59:60")}, "2017-01-01T00:00:00Z"},
		{"none", nil, ""},
		{"no such day", []string{text("DATE-OBS", "2015-02-30")}, ""},
		{"MJD in the year four million", []string{card("MJD-OBS", "1480360995.")}, ""},
		{"words", []string{text("DATE-OBS", "yesterday!")}, ""},
		{"bad clock", []string{text("DATE-OBS", "2015-03-14T25:00:00")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := headerOf(t, tt.cards...).observedAt()
			if ok != (tt.want != "") || ok && got.Format(time.RFC3339Nano) != tt.want {
				t.Errorf("got %v %v, want %q", got, ok, tt.want)
			}
		})
	}
}
