// Package tile decodes the payloads of tile-compressed FITS images (FITS standard 4.0, section 10): the
// bytes of one tile become its stored integers, and quantised integers become floating-point pixels.
//
// Guarantee: no input makes it panic or run longer than a fixed number of steps for each byte read and
// pixel asked for; memory grows only with the number of pixels the caller asks for, and is reused. A
// stream that ends early is ErrTruncated, one that no compressor writes is ErrDamaged. Every function
// gives the same answer for the same bytes on every processor.
package tile

import "errors"

// The kinds of refusal, for errors.Is. Both are permanent.
var (
	ErrTruncated = errors.New("the compressed tile ends early")
	ErrDamaged   = errors.New("the compressed tile is damaged")
)
