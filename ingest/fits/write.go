package fits

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/astrogo/fitsio"
)

// Card is one header card to write. Value is a string, bool, int, int64 or float64.
type Card struct {
	Key     string // at most 8 of A-Z, 0-9, "-" and "_"
	Value   any
	Comment string
}

// ImageHDU is one image to write. The first of a file becomes the primary HDU, the others image
// extensions.
type ImageHDU struct {
	Name string // EXTNAME; empty: none
	Axes []int  // NAXIS1 (fastest) first; none: a header without data
	// Pixels are the stored values, NAXIS1 fastest: []uint8, []int16, []int32, []int64, []float32 or
	// []float64, which decides BITPIX; nil for a header without data.
	Pixels any
	Cards  []Card // after the mandatory cards, in order; BSCALE, BZERO and BLANK are the caller's to match Pixels
}

// maxString is the longest string, quotes doubled, that fits into one card: 80 bytes less the name and
// value indicator (10), the two quotes, and the byte the library keeps free.
const maxString = 67

// Write writes the images as one FITS file, big-endian and padded to whole blocks. Nothing is written
// when an image cannot be.
func Write(w io.Writer, hdus []ImageHDU) (err error) {
	if len(hdus) == 0 {
		return errors.New("fits: a file needs at least one HDU")
	}
	defer func() { // the library panics on some inputs instead of returning an error
		if r := recover(); r != nil {
			err = fmt.Errorf("fits: write: %v", r)
		}
	}()
	images := make([]fitsio.Image, len(hdus))
	for i := range hdus {
		if images[i], err = hdus[i].image(i == 0); err != nil {
			return fmt.Errorf("fits: HDU %d: %w", i, err)
		}
	}
	f, err := fitsio.Create(w)
	if err != nil {
		return fmt.Errorf("fits: write: %w", err)
	}
	for i, img := range images {
		if err := f.Write(img); err != nil {
			return fmt.Errorf("fits: write HDU %d: %w", i, err)
		}
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("fits: write: %w", err)
	}
	return nil
}

// image builds the library's image.
func (u *ImageHDU) image(primary bool) (fitsio.Image, error) {
	bitpix, count, err := pixelType(u.Pixels)
	if err != nil {
		return nil, err
	}
	want := min(len(u.Axes), 1)
	for _, a := range u.Axes {
		if a <= 0 || a > math.MaxInt32 || want > math.MaxInt32/a {
			return nil, fmt.Errorf("axes %v are not all positive with a product below 2^31", u.Axes)
		}
		want *= a
	}
	if count != want {
		return nil, fmt.Errorf("axes %v need %d pixels, there are %d", u.Axes, want, count)
	}
	cards, err := u.cards(primary)
	if err != nil {
		return nil, err
	}
	var img fitsio.Image
	if primary {
		if img, err = fitsio.NewPrimaryHDU(fitsio.NewHeader(nil, fitsio.IMAGE_HDU, bitpix, u.Axes)); err != nil {
			return nil, err
		}
	} else {
		img = fitsio.NewImage(bitpix, u.Axes)
	}
	if err := img.Header().Append(cards...); err != nil {
		return nil, err
	}
	if len(u.Axes) == 0 {
		return img, nil
	}
	return img, img.Write(u.Pixels)
}

// pixelType returns BITPIX and the number of pixels.
func pixelType(pixels any) (bitpix, count int, err error) {
	switch p := pixels.(type) {
	case nil:
		return 8, 0, nil
	case []uint8:
		return 8, len(p), nil
	case []int16:
		return 16, len(p), nil
	case []int32:
		return 32, len(p), nil
	case []int64:
		return 64, len(p), nil
	case []float32:
		return -32, len(p), nil
	case []float64:
		return -64, len(p), nil
	}
	return 0, 0, fmt.Errorf("pixels of type %T cannot be written", pixels)
}

// cards builds the cards after NAXISn.
func (u *ImageHDU) cards(primary bool) ([]fitsio.Card, error) {
	var out []fitsio.Card
	if !primary {
		out = append(out, fitsio.Card{Name: "PCOUNT", Value: 0}, fitsio.Card{Name: "GCOUNT", Value: 1})
	}
	all := u.Cards
	if u.Name != "" {
		all = append([]Card{{Key: "EXTNAME", Value: u.Name}}, all...)
	}
	seen := make(map[string]bool, len(all))
	for _, c := range all {
		v, err := c.value()
		if err != nil {
			return nil, fmt.Errorf("card %s: %w", c.Key, err)
		}
		if seen[c.Key] {
			return nil, fmt.Errorf("card %s is given twice", c.Key)
		}
		seen[c.Key] = true
		out = append(out, fitsio.Card{Name: c.Key, Value: v, Comment: c.Comment})
	}
	return out, nil
}

// value checks the card and returns its value as the library must be given it: strings with their quotes
// doubled, which it does not do itself.
func (c *Card) value() (any, error) {
	if k := makeKey(c.Key); c.Key == "" || k == 0 || strings.Trim(c.Key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return nil, errors.New("a name is 1 to 8 of A-Z, 0-9, - and _")
	}
	if !printable(c.Comment) {
		return nil, errors.New("the comment is not printable ASCII")
	}
	switch v := c.Value.(type) {
	case string:
		quoted := strings.ReplaceAll(v, "'", "''")
		if !printable(v) || len(quoted) > maxString {
			return nil, fmt.Errorf("a string is at most %d printable ASCII characters, quotes counted twice", maxString)
		}
		return quoted, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%v has no form in a header; leave the card out", v)
		}
		return v, nil
	case int64:
		return int(v), nil
	case bool, int:
		return v, nil
	}
	return nil, fmt.Errorf("a value of type %T cannot be written", c.Value)
}

// printable reports whether s holds only the characters a card may.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
