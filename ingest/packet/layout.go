package packet

import (
	"math"
	"strconv"
	"strings"

	"github.com/galaxalign/galaxalign/ingest/avro"
)

// layout says where a survey's packet keeps what a cutout needs. Paths are dotted, from the root.
type layout struct {
	survey      string
	root        string    // prefix of the full name of the packet's record
	object      []string  // name of the source: the first that is present and not the number 0
	observation []string  // name of the observation, likewise
	anonymous   bool      // whether a packet without a source's name is normal
	record      string    // the record whose fields are features by their plain names
	ra, dec     string    // degrees
	time        string    // of the exposure
	scale       timeScale // of time
	sign        string    // boolean, integer or string: whether the source is brighter than the template
	negative    bool      // whether sign states the opposite
	stamps      [3]string // science, template, difference: bytes, or a record with stampData
	nominal     int       // width and height of a whole stamp in pixels; 0 when it varies
	unit        string    // of the pixels, where the stamp's header does not say
	pixelScale  float64   // arcsec a pixel, where the header does not say; NaN when unknown
	zeroPoint   float64   // AB magnitude of a flux of one unit; NaN when unknown
	magZero     string    // field that holds the zero point of the science and difference stamps
	major       int       // newest major version of the schema this layout was checked with; 0 = not checked
}

// The layouts, from the schemas in the packets themselves and from github.com/lsst/alert_packet.
var (
	ztf = layout{
		survey: "ztf", root: "ztf.", object: []string{"objectId"}, observation: []string{"candid"},
		record: "candidate", ra: "candidate.ra", dec: "candidate.dec", time: "candidate.jd", scale: scaleJDUTC,
		sign: "candidate.isdiffpos", stamps: [3]string{"cutoutScience", "cutoutTemplate", "cutoutDifference"},
		nominal: 63, unit: "DN", pixelScale: 1.01, zeroPoint: math.NaN(), magZero: "candidate.magzpsci", major: 4,
	}
	winter = layout{
		survey: "winter", root: "winter.", object: []string{"objectid"}, observation: []string{"candid"},
		record: "candidate", ra: "candidate.ra", dec: "candidate.dec", time: "candidate.jd", scale: scaleJDUTC,
		sign: "candidate.isdiffpos", stamps: [3]string{"cutout_science", "cutout_template", "cutout_difference"},
		nominal: 81, pixelScale: math.NaN(), zeroPoint: math.NaN(), magZero: "candidate.magzpsci",
	}
	decam = layout{
		survey: "decam", root: "desirt.", object: []string{"objectId"}, observation: []string{"candid"},
		record: "candidate", ra: "candidate.ra", dec: "candidate.dec", time: "candidate.mjd", scale: scaleMJDUTC,
		sign: "candidate.isdiffpos", stamps: [3]string{"cutoutScience", "cutoutTemplate", "cutoutDifference"},
		nominal: 63, pixelScale: math.NaN(), zeroPoint: math.NaN(),
	}
	lsst = layout{
		survey: "lsst", root: "lsst.v", object: []string{"diaSource.diaObjectId", "diaSource.ssObjectId"},
		observation: []string{"diaSource.diaSourceId"}, anonymous: true,
		record: "diaSource", ra: "diaSource.ra", dec: "diaSource.dec", time: "diaSource.midpointMjdTai", scale: scaleMJDTAI,
		sign: "diaSource.isNegative", negative: true, stamps: [3]string{"cutoutScience", "cutoutTemplate", "cutoutDifference"},
		unit: "nJy", pixelScale: 0.2, zeroPoint: 31.4, major: 11,
	}
)

// late reports whether the schema's major version is newer than the layout was checked with. The version
// is the record's "version" attribute (ZTF "4.02") or part of its name (LSST "lsst.v9_0.alert").
func (l *layout) late(s *avro.Schema) bool {
	if l.major == 0 {
		return false
	}
	version := s.Version
	if version == "" {
		version = strings.TrimPrefix(s.Name, l.root)
	}
	digits := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 0 {
		digits = len(version)
	}
	major, err := strconv.Atoi(version[:digits])
	return err == nil && major > l.major
}
