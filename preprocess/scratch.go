package preprocess

import (
	"github.com/galaxalign/galaxalign/preprocess/kernel"
	"github.com/galaxalign/galaxalign/schemas"
)

// Scratch is the working memory of one worker. It grows to the largest cutout seen: about
// 4 bytes x (3 x bands + 2) x pixels of the fitted plane, and the same for the output. It serves any
// Transform, one call at a time.
type Scratch struct {
	bands  [maxBands]*schemas.Image // the cutout's images in band order; nil is missing
	limits [maxBands]limits         // what measure found, by band

	work   []float32 // planes up to the stretch
	padded []float32 // planes padded after the stretch
	rows   []float32 // one plane between the two passes of a resize
	final  []float32 // planes before interleaving
	sample []float32 // pixels for order statistics, or one plane of working values
	bin    []float32 // the values among which an order statistic lies
	bad    []bool    // samples rejected by zscale

	bins [1 << binBits]int32 // histogram of the leading bits of values

	tapsX, tapsY kernel.Taps
	filterX      string // filter the tables were built for; empty before the first
	filterY      string
}

// NewScratch returns working memory for one worker.
func (t *Transform) NewScratch() *Scratch { return &Scratch{} }

// release forgets the cutout, so that a scratch at rest keeps none alive.
func (s *Scratch) release() { clear(s.bands[:]) }

// grow returns n values from the buffer, replacing it by a larger one where it is too small.
func grow(buf *[]float32, n int) []float32 {
	if cap(*buf) < n {
		*buf = make([]float32, n)
	}
	return (*buf)[:n]
}
