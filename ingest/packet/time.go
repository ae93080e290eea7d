package packet

import (
	"math"
	"math/bits"
	"time"
)

// timeScale is how a survey writes a time.
type timeScale uint8

const (
	scaleJDUTC  timeScale = iota // Julian Date, UTC
	scaleMJDUTC                  // Modified Julian Date, UTC
	scaleMJDTAI                  // Modified Julian Date, International Atomic Time
)

// mjdZero is the Julian Date of MJD 0 and unixMJD the MJD of 1970-01-01.
const (
	mjdZero     = 2400000.5
	unixMJD     = 40587
	dayMicros   = 86400 * 1000000
	earliestMJD = 15020  // 1900-01-01
	latestMJD   = 124593 // 2200-02-15
)

// observedAt converts a survey's time to UTC, rounded half to even to a microsecond. The number is taken
// as exact; a double of JD steps by 40 microseconds. It reports false for anything outside the years 1900
// to 2200, which is no time of an exposure.
func observedAt(value float64, scale timeScale) (time.Time, bool) {
	if scale == scaleJDUTC {
		value -= mjdZero // exact: the two are within a factor of two of each other (Sterbenz)
	}
	if !(value >= earliestMJD && value <= latestMJD) {
		return time.Time{}, false
	}
	floor, rounded := micros(value)
	if scale == scaleMJDTAI {
		rounded -= taiMinusUTC(floor) * 1000000
	}
	if rounded < earliestMJD*dayMicros {
		return time.Time{}, false
	}
	return time.UnixMicro(rounded - unixMJD*dayMicros).UTC(), true
}

// micros returns mjd days in microseconds, rounded down and rounded half to even. mjd is at least 1 and
// below 2^24, so its fraction has fewer than 53 bits and the product with the microseconds of a day fits
// 128 bits.
func micros(mjd float64) (floor, rounded int64) {
	day := math.Floor(mjd)
	numerator := uint64(math.Ldexp(mjd-day, 52)) // exact: mjd >= 1 has no bits below 2^-52
	hi, lo := bits.Mul64(numerator, dayMicros)
	floor = int64(day)*dayMicros + int64(hi<<12|lo>>52)
	rounded = floor
	const half = 1 << 51
	if rest := lo & (1<<52 - 1); rest > half || rest == half && floor&1 == 1 {
		rounded++
	}
	return floor, rounded
}

// leap is a first UTC day, as MJD, and TAI minus UTC in seconds from then on.
type leap struct {
	mjd, seconds int64
}

// leaps is IERS Bulletin C's table since leap seconds began in 1972. No leap second has been announced
// after that of 2017.
var leaps = [...]leap{
	{41317, 10}, {41499, 11}, {41683, 12}, {42048, 13}, {42413, 14}, {42778, 15}, {43144, 16}, {43509, 17},
	{43874, 18}, {44239, 19}, {44786, 20}, {45151, 21}, {45516, 22}, {46247, 23}, {47161, 24}, {47892, 25},
	{48257, 26}, {48804, 27}, {49169, 28}, {49534, 29}, {50083, 30}, {50630, 31}, {51179, 32}, {53736, 33},
	{54832, 34}, {56109, 35}, {57204, 36}, {57754, 37},
}

// taiMinusUTC returns the seconds in force at a TAI moment given in microseconds of MJD; 0 before 1972.
func taiMinusUTC(micros int64) int64 {
	for i := len(leaps) - 1; i >= 0; i-- {
		if micros-leaps[i].seconds*1000000 >= leaps[i].mjd*dayMicros {
			return leaps[i].seconds
		}
	}
	return 0
}
