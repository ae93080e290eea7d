package schemas

import (
	"math"
	"time"
)

// Cutout is one decoded observation: its images in physical units and what is known of the source.
//
// A Cutout owns all its memory and is made to be reused: Reset empties it and keeps the capacity, so a
// worker that decodes into the same Cutout allocates nothing once it has seen its largest input. Every
// slice is valid only until the next Reset.
type Cutout struct {
	Survey        string    // survey name, "ztf", "lsst", "decals", ...
	ObjectID      []byte    // the survey's name of the source; empty when unknown
	ObservationID []byte    // the survey's name of this observation (candid, diaSourceId, file and HDU)
	RA, Dec       float64   // ICRS degrees; NaN when unknown
	ObservedAt    time.Time // start or middle of exposure as the survey states it, UTC; zero when unknown
	Images        []Image   // one a band or stamp role
	// Features holds the scalar features the decoder was asked for, in the order it was asked;
	// NaN marks one that the packet lacks or states as null.
	Features []float32
	Flags    Flags

	spare []Image // image slots given back by Reset, with their pixel buffers
}

// Image is one plane of a cutout.
//
// Pixels are Height rows of Width values, row-major, in the order they are stored: for FITS the first
// row is the bottom of the picture. A pixel without data is NaN.
type Image struct {
	Name          string    // band ("g", "r", "z") or stamp role ("science", "template", "difference"), lower case
	Width, Height int       // pixels
	Pixels        []float32 // physical values, len = Width*Height
	Mask          []uint8   // non-zero = do not use this pixel; nil when the source has no mask
	Unit          string    // unit of Pixels as the source states it ("nJy", "nanomaggy", "DN"); empty when unknown
	ZeroPoint     float64   // AB magnitude of a flux of one unit; NaN when unknown
	PixelScale    float64   // arcsec a pixel; NaN when unknown
}

// Reset empties the cutout and keeps its buffers for the next decode.
func (c *Cutout) Reset() {
	spare := append(c.spare, c.Images...)
	*c = Cutout{
		ObjectID:      c.ObjectID[:0],
		ObservationID: c.ObservationID[:0],
		RA:            math.NaN(),
		Dec:           math.NaN(),
		Images:        c.Images[:0],
		Features:      c.Features[:0],
		spare:         spare,
	}
}

// AddImage appends an image of the given name and shape and returns it with Pixels sized to
// width*height, reusing a buffer given back by Reset where one is large enough. The pixel values are
// whatever the buffer held: the caller writes every one.
func (c *Cutout) AddImage(name string, width, height int) *Image {
	n := width * height
	px, mask := c.takeBuffers(n)
	c.Images = append(c.Images, Image{
		Name: name, Width: width, Height: height, Pixels: px, Mask: mask,
		ZeroPoint: math.NaN(), PixelScale: math.NaN(),
	})
	return &c.Images[len(c.Images)-1]
}

// takeBuffers returns a pixel buffer of n values and an empty mask, from the spare slots when one fits.
func (c *Cutout) takeBuffers(n int) (pixels []float32, mask []uint8) {
	for i := len(c.spare) - 1; i >= 0; i-- {
		if s := c.spare[i]; cap(s.Pixels) >= n {
			last := len(c.spare) - 1
			c.spare[i] = c.spare[last]
			c.spare = c.spare[:last]
			return s.Pixels[:n], s.Mask[:0]
		}
	}
	if last := len(c.spare) - 1; last >= 0 { // too small for this plane: let it go, so spares stay bounded
		c.spare = c.spare[:last]
	}
	return make([]float32, n), nil
}

// Image returns the plane of that name, or nil.
func (c *Cutout) Image(name string) *Image {
	for i := range c.Images {
		if c.Images[i].Name == name {
			return &c.Images[i]
		}
	}
	return nil
}
