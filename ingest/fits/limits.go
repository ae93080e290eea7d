package fits

import (
	"errors"
	"fmt"
)

// Limits bound what one payload may cost. The zero value of a field means its default.
//
// Memory of one reader at the defaults: inflate scratch <= MaxInflated = 64 MiB; pixels <= 4 bytes for
// each stored byte (BITPIX 8) = 256 MiB, for float32 data 64 MiB; the index of card names takes 8 bytes
// for each 80-byte card, so <= 1/10 of the payload = 6.4 MiB; HDU descriptions MaxHDUs x 0.5 KiB = 0.5 MiB.
// A tile-compressed image takes no more than MaxInflated in all: 4 bytes for each pixel of the picture (8
// where tiles reach over the planes of a cube) and 30 for each pixel of one tile, checked before any is
// allocated; a payload of few bytes may promise no more than 4 MiB of pixels plus 2048 pixels a byte.
type Limits struct {
	MaxBytes        int // bytes of a payload as delivered; default 64 MiB (a 3600x3600 float32 brick is 52 MB)
	MaxInflated     int // bytes of a payload after unpacking, or of a tile-compressed picture; default 64 MiB
	MaxHDUs         int // header-data units of a payload; default 1024
	MaxHeaderBlocks int // 2880-byte blocks of one header; default 1024 = 36,864 cards
	MaxAxes         int // axes of an image, those of length 1 included; default 4, at most 8
}

// DefaultLimits returns the limits used where a field is zero.
func DefaultLimits() Limits {
	return Limits{MaxBytes: 64 << 20, MaxInflated: 64 << 20, MaxHDUs: 1024, MaxHeaderBlocks: 1024, MaxAxes: 4}
}

// Validate lists every field out of range.
func (l Limits) Validate() error {
	var errs []error
	check := func(name string, v, most int) {
		if v < 0 || v > most {
			errs = append(errs, fmt.Errorf("fits limits: %s = %d, want 0 (default) to %d", name, v, most))
		}
	}
	const most = 1 << 40 // 1 TiB: sums and products of two sizes stay far below 2^63
	check("MaxBytes", l.MaxBytes, most)
	check("MaxInflated", l.MaxInflated, most)
	check("MaxHDUs", l.MaxHDUs, 1<<20)
	check("MaxHeaderBlocks", l.MaxHeaderBlocks, 1<<20)
	check("MaxAxes", l.MaxAxes, storedAxes)
	return errors.Join(errs...)
}

// orDefaults returns l with every unset field at its default.
func (l Limits) orDefaults() Limits {
	d := DefaultLimits()
	set := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&l.MaxBytes, d.MaxBytes)
	set(&l.MaxInflated, d.MaxInflated)
	set(&l.MaxHDUs, d.MaxHDUs)
	set(&l.MaxHeaderBlocks, d.MaxHeaderBlocks)
	set(&l.MaxAxes, d.MaxAxes)
	l.MaxAxes = min(l.MaxAxes, storedAxes)
	return l
}
