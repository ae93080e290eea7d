package packet

import (
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

func TestObservedAtKnownMoments(t *testing.T) {
	for _, c := range []struct {
		value float64
		scale timeScale
		want  string
	}{
		{2400000.5 + 60000, scaleJDUTC, "2023-02-25T00:00:00Z"},
		{60000, scaleMJDUTC, "2023-02-25T00:00:00Z"},
		{60000, scaleMJDTAI, "2023-02-24T23:59:23Z"},
		{57754 + 1.0/2048, scaleMJDTAI, "2017-01-01T00:00:05.1875Z"},   // 42.1875 s, minus the new 37
		{57754 + 1.5/4096, scaleMJDTAI, "2016-12-31T23:59:55.640625Z"}, // 31.640625 s, minus the old 36
		{41317 + 1.0/4096, scaleMJDTAI, "1972-01-01T00:00:11.09375Z"},  // 21.09375 s, minus the first 10
		{40000, scaleMJDTAI, "1968-05-24T00:00:00Z"},                   // before leap seconds
		{15020, scaleMJDUTC, "1900-01-01T00:00:00Z"},
	} {
		at, ok := observedAt(c.value, c.scale)
		if got := at.Format(time.RFC3339Nano); !ok || got != c.want {
			t.Errorf("%v in scale %d is %s, want %s", c.value, c.scale, got, c.want)
		}
	}
	for _, v := range []float64{0, 15019.9, 124593.1, 1480360995, -1e300, 1e300} {
		if at, ok := observedAt(v, scaleMJDTAI); ok || !at.IsZero() {
			t.Errorf("MJD %v is %v", v, at)
		}
	}
}

// TestObservedAtEqualsExactArithmetic holds the conversion to rational arithmetic.
func TestObservedAtEqualsExactArithmetic(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		mjd := 41320 + rng.Float64()*80000
		if rng.IntN(2) == 0 { // exactly half a microsecond is a multiple of 2^-k days only by chance: make ties
			mjd = float64(int64(mjd)) + float64(rng.IntN(1<<20))/(1<<20)
		}
		for _, scale := range []timeScale{scaleJDUTC, scaleMJDUTC, scaleMJDTAI} {
			value := mjd
			exact := new(big.Rat).SetFloat64(mjd)
			switch scale {
			case scaleJDUTC:
				value = mjd + mjdZero
				exact.Sub(new(big.Rat).SetFloat64(value), big.NewRat(4800001, 2))
			case scaleMJDTAI:
				exact.Sub(exact, big.NewRat(exactLeap(exact), 86400))
			}
			at, ok := observedAt(value, scale)
			if want := halfEven(exact.Mul(exact, big.NewRat(dayMicros, 1))); !ok || at.UnixMicro()+unixMJD*dayMicros != want {
				t.Fatalf("%v in scale %d: %d, want %d", value, scale, at.UnixMicro()+unixMJD*dayMicros, want)
			}
		}
	}
}

// leap is a first UTC day, as MJD, and TAI minus UTC in seconds from then on.
type leap struct {
	mjd, seconds int64
}

// leaps is IERS Bulletin C's table, written down apart from the one under test.
var leaps = [...]leap{
	{41317, 10}, {41499, 11}, {41683, 12}, {42048, 13}, {42413, 14}, {42778, 15}, {43144, 16}, {43509, 17},
	{43874, 18}, {44239, 19}, {44786, 20}, {45151, 21}, {45516, 22}, {46247, 23}, {47161, 24}, {47892, 25},
	{48257, 26}, {48804, 27}, {49169, 28}, {49534, 29}, {50083, 30}, {50630, 31}, {51179, 32}, {53736, 33},
	{54832, 34}, {56109, 35}, {57204, 36}, {57754, 37},
}

// exactLeap is TAI minus UTC at a TAI moment.
func exactLeap(tai *big.Rat) int64 {
	seconds := int64(0)
	for _, l := range leaps {
		if new(big.Rat).Sub(tai, big.NewRat(l.seconds, 86400)).Cmp(big.NewRat(l.mjd, 1)) >= 0 {
			seconds = l.seconds
		}
	}
	return seconds
}

// halfEven rounds to an integer, halves to the even one.
func halfEven(r *big.Rat) int64 {
	twice := new(big.Int).Mul(r.Num(), big.NewInt(2))
	floor := new(big.Int).Div(r.Num(), r.Denom())
	rest := twice.Sub(twice, new(big.Int).Mul(floor, new(big.Int).Mul(r.Denom(), big.NewInt(2))))
	if c := rest.Cmp(r.Denom()); c > 0 || c == 0 && floor.Bit(0) == 1 {
		floor.Add(floor, big.NewInt(1))
	}
	return floor.Int64()
}
