package schemas

import "strings"

// Flags is a set of quality remarks on a cutout or record: what was tolerated while reading it.
// The bit values are part of the record schema and never change meaning.
type Flags uint32

// The quality flags, by bit. A flag never refuses a record; a refusal is a Fault.
const (
	FlagNaNPixels    Flags = 1 << iota // some pixels had no data
	FlagEdge                           // a stamp was smaller than the survey's nominal size (chip or footprint edge)
	FlagMissingBand                    // a band the recipe asked for was absent and its policy allowed it
	FlagUnpadded                       // FITS: last block not padded to 2880 bytes
	FlagTrailingJunk                   // FITS or gzip: bytes after the last unit
	FlagChecksumBad                    // FITS: DATASUM or CHECKSUM present and wrong
	FlagCardConflict                   // FITS: duplicate or contradictory cards
	FlagScaledFloat                    // FITS: BSCALE or BZERO on floating-point pixels
	FlagBadTime                        // the packet's time was absent or impossible
	FlagNoPosition                     // no position in the packet or header
	FlagLateSchema                     // the packet's schema has fields this version does not know
)

var flagNames = [...]string{
	"nan_pixels", "edge", "missing_band", "unpadded", "trailing_junk", "checksum_bad",
	"card_conflict", "scaled_float", "bad_time", "no_position", "late_schema",
}

// String lists the names of the set flags, separated by commas, in order of bit.
func (f Flags) String() string {
	var names []string
	for i, name := range flagNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}
