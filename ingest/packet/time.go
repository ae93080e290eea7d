package packet

import (
	"math"
	"math/bits"
	"time"

	"github.com/galaxalign/galaxalign/ingest/leapsecond"
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
		rounded -= leapsecond.TAIMinusUTC(time.UnixMicro(floor - unixMJD*dayMicros)).Microseconds()
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
