package packettest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/klauspost/compress/gzip"
)

// Stamp makes a FITS file of one float32 image: sky noise with a round source in the middle.
func Stamp(rng *rand.Rand, width, height int) []byte {
	pixels := make([]float32, width*height)
	for i := range pixels {
		x, y := float64(i%width-width/2), float64(i/width-height/2)
		pixels[i] = float32(250 + 6*rng.NormFloat64() + 3000*math.Exp(-(x*x+y*y)/8))
	}
	return FITS(width, height, pixels)
}

// FITS makes a FITS file (standard 4.0) of one float32 image, rows in the order given.
func FITS(width, height int, pixels []float32) []byte {
	var b []byte
	for _, card := range []string{
		fmt.Sprintf("%-8s= %20s", "SIMPLE", "T"), fmt.Sprintf("%-8s= %20d", "BITPIX", -32),
		fmt.Sprintf("%-8s= %20d", "NAXIS", 2), fmt.Sprintf("%-8s= %20d", "NAXIS1", width),
		fmt.Sprintf("%-8s= %20d", "NAXIS2", height), "END",
	} {
		b = fmt.Appendf(b, "%-80s", card)
	}
	b = pad(b, ' ')
	for _, p := range pixels {
		b = binary.BigEndian.AppendUint32(b, math.Float32bits(p))
	}
	return pad(b, 0)
}

// pad fills up the last block of 2880 bytes.
func pad(b []byte, fill byte) []byte {
	for len(b)%2880 != 0 {
		b = append(b, fill)
	}
	return b
}

// Gzip compresses b as one member.
func Gzip(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}
