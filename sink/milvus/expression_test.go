package milvus

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/galaxalign/galaxalign/sink"
)

// oddLabels are texts that a filter's string literal must survive.
var oddLabels = []string{
	"plain", `q"uote`, `back\slash`, `\"`, "new\nline", "nul\x00x", "Δ-星系", "\U0001F600", "tab\t", "sq'", "%d",
	"\u2028", "\x7f", "\a\b\v", "soft\u00adhyphen", `" or dec >= -91 or label == "`,
}

func TestExpression(t *testing.T) {
	for name, c := range map[string]struct {
		f    sink.Filter
		want string
	}{
		"nothing":       {sink.Filter{}, ""},
		"centre alone":  {sink.Filter{RA: 3, Dec: 4}, ""},
		"label":         {sink.Filter{Label: `a"b\`}, `label == "a\"b\\"`},
		"label in bits": {sink.Filter{Label: "\xffa"}, `label == "` + "\uFFFD" + `a"`},
		"probability":   {sink.Filter{MinProb: 0.7}, "probability >= 0.699999988079071"},
		"small":         {sink.Filter{MinProb: 1e-7}, "probability >= 1.0000000116860974e-07"},
		"infinite":      {sink.Filter{MinProb: float32(math.Inf(1))}, "probability >= 2"},
		"not a number":  {sink.Filter{MinProb: float32(math.NaN())}, ""},
		"after":         {sink.Filter{After: time.Unix(2, 0)}, "observed_at != 0 and observed_at >= 2000000"},
		"before":        {sink.Filter{Before: time.Unix(2, 0)}, "observed_at != 0 and observed_at < 2000000"},
		"plates":        {sink.Filter{After: time.Unix(-2, 0), Before: time.Unix(-1, 0)}, "observed_at != 0 and observed_at >= -2000000 and observed_at < -1000000"},
		"all": {
			sink.Filter{Label: "x", MinProb: 0.5, RA: 10, Dec: 0, RadiusArcsec: 3600},
			`label == "x" and probability >= 0.5 and dec >= -1.000002778 and dec <= 1.000002778 and ra >= 8.999997222 and ra <= 11.000002778`,
		},
	} {
		if got := expression(c.f); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}
}

func TestBox(t *testing.T) {
	for name, c := range map[string]struct {
		f    sink.Filter
		want string
	}{
		"below 0 h":        {sink.Filter{RA: 0.5, RadiusArcsec: 3600}, "dec >= -1.000002778 and dec <= 1.000002778 and (ra >= 359.499997222 or ra <= 1.500002778)"},
		"above 0 h":        {sink.Filter{RA: 359.5, RadiusArcsec: 3600}, "dec >= -1.000002778 and dec <= 1.000002778 and (ra >= 358.499997222 or ra <= 0.500002778)"},
		"another turn":     {sink.Filter{RA: -0.5, RadiusArcsec: 3600}, "dec >= -1.000002778 and dec <= 1.000002778 and (ra >= 358.499997222 or ra <= 0.500002778)"},
		"high declination": {sink.Filter{RA: 100, Dec: 60, RadiusArcsec: 36}, "dec >= 59.989997222 and dec <= 60.010002778 and ra >= 99.979994444 and ra <= 100.020005556"},
		"north pole":       {sink.Filter{RA: 100, Dec: 89.9, RadiusArcsec: 3600}, "dec >= 88.899997222 and dec <= 90.000000000"},
		"south pole":       {sink.Filter{RA: 100, Dec: -90, RadiusArcsec: 3600}, "dec >= -90.000000000 and dec <= -88.999997222"},
		"whole sky":        {sink.Filter{RadiusArcsec: math.Inf(1)}, "dec >= -90.000000000 and dec <= 90.000000000"},
	} {
		if got := box(c.f); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}
}

// An expression may let more pass than the filter, by the corners of the cone's box, and never less.
func TestBoxHoldsItsCone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := sink.Filter{
			RA:           rapid.OneOf(rapid.Float64Range(-720, 720), rapid.SampledFrom([]float64{0, 1e-9, 359.9999999, 360})).Draw(t, "ra"),
			Dec:          rapid.OneOf(rapid.Float64Range(-90, 90), rapid.SampledFrom([]float64{-90, 90, 89.9999, 0})).Draw(t, "dec"),
			RadiusArcsec: math.Pow(10, rapid.Float64Range(-2, 6).Draw(t, "log radius")),
		}
		// A place near the rim: by the cone's own bearing and distance from its centre.
		r := radians(f.RadiusArcsec/3600) * rapid.Float64Range(0, 1.1).Draw(t, "distance")
		bearing := rapid.Float64Range(0, 2*math.Pi).Draw(t, "bearing")
		ra, dec := offset(f.RA, f.Dec, r, bearing)
		keptRA, keptDec := stored(ra, dec)
		inside, err := evaluate(expression(f), fakeRow{fieldRA: keptRA, fieldDec: keptDec})
		if err != nil {
			t.Fatal(err)
		}
		if f.InCone(ra, dec) && !inside {
			t.Fatalf("%v %v is within the cone and not within %s", ra, dec, box(f))
		}
	})
}

// offset goes a distance in radians along a great circle.
func offset(ra, dec, distance, bearing float64) (float64, float64) {
	sinD, cosD := math.Sincos(distance)
	sinDec, cosDec := math.Sincos(radians(dec))
	sin := sinDec*cosD + cosDec*sinD*math.Cos(bearing)
	north := math.Asin(math.Max(-1, math.Min(1, sin)))
	east := math.Atan2(math.Sin(bearing)*sinD*cosDec, cosD-sinDec*sin)
	return ra + east*180/math.Pi, north * 180 / math.Pi
}

func TestUnknownPositionsPassNoCone(t *testing.T) {
	for _, p := range [][2]float64{
		{math.NaN(), 10}, {10, math.NaN()}, {math.Inf(1), 0}, {0, math.Inf(-1)}, {10, 90.5}, {10, -91},
	} {
		ra, dec := stored(p[0], p[1])
		if ra != unknownRA || dec != unknownDec {
			t.Errorf("%v is stored as %v %v", p, ra, dec)
		}
		if inside, err := evaluate(box(sink.Filter{RadiusArcsec: 1e9}), fakeRow{fieldRA: ra, fieldDec: dec}); inside || err != nil {
			t.Errorf("%v passes a cone over the whole sky (%v)", p, err)
		}
		if ra, dec = position(ra, dec); !math.IsNaN(ra) || !math.IsNaN(dec) {
			t.Errorf("%v is read back as %v %v", p, ra, dec)
		}
	}
	for _, c := range [][2]float64{{0, 0}, {360, 0}, {-0.25, 359.75}, {725, 5}, {-1e-300, 0}} {
		if ra, _ := stored(c[0], 0); ra != c[1] {
			t.Errorf("ra %v is stored as %v, want %v", c[0], ra, c[1])
		}
	}
}

func FuzzLabelIsOneLiteral(f *testing.F) {
	for _, label := range append(oddLabels, "\xff\xfe", "a\xc3") {
		f.Add(label, "other")
	}
	f.Fuzz(func(t *testing.T, label, other string) {
		if label == "" {
			return
		}
		expr := expression(sink.Filter{Label: label})
		if !utf8.ValidString(expr) {
			t.Fatalf("%q is not UTF-8", expr)
		}
		if strings.ContainsAny(expr, "\n\r\x00") {
			t.Fatalf("%q holds characters no literal may hold", expr)
		}
		tokens, err := tokenize(expr)
		if err != nil || len(tokens) != 3 {
			t.Fatalf("%s: tokens %q, %v, want a field, an operator and one literal", expr, tokens, err)
		}
		for _, stored := range []string{text(label), text(other)} {
			passes, err := evaluate(expr, fakeRow{fieldLabel: stored})
			if err != nil || passes != (stored == text(label)) {
				t.Fatalf("%s on %q: %v, %v", expr, stored, passes, err)
			}
		}
	})
}
