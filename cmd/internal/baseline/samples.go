package baseline

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/fits"
	"github.com/galaxalign/galaxalign/ingest/simulate"
	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
)

// sampler turns galaxies of a survey into measured examples, by the path that serves.
type sampler struct {
	survey    *simulate.Survey
	transform *preprocess.Transform
	meter     *starter.Meter
}

// draw measures galaxies first to first+n-1, on every core. done is called once a galaxy.
func (s *sampler) draw(ctx context.Context, first uint64, n int, done func()) (x [][]float32, y []int, err error) {
	x, y = make([][]float32, n), make([]int, n)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			reader := s.newReader()
			for i := w; i < n && ctx.Err() == nil; i += workers {
				features, class, err := reader.read(first + uint64(i))
				if err != nil {
					stop(err)
					return
				}
				x[i], y[i] = features, class
				done()
			}
		})
	}
	wg.Wait()
	return x, y, context.Cause(ctx)
}

// reader is one worker's decoder and scratch memory.
type reader struct {
	*sampler
	decoder *fits.Decoder
	scratch *preprocess.Scratch
	cutout  schemas.Cutout
	tensor  []float32
}

func (s *sampler) newReader() *reader {
	return &reader{
		sampler: s,
		decoder: fits.NewDecoder(fits.Options{Survey: "simulated", Bands: s.transform.Recipe().Bands}),
		scratch: s.transform.NewScratch(),
		tensor:  make([]float32, s.transform.Len()),
	}
}

func (r *reader) read(i uint64) ([]float32, int, error) {
	packet, err := r.survey.Next(i)
	if err != nil {
		return nil, 0, fmt.Errorf("galaxy %d: %w", i, err)
	}
	r.cutout.Reset()
	if err := r.decoder.Decode(&ingest.Message{Key: packet.Key, Value: packet.Value}, &r.cutout); err != nil {
		return nil, 0, fmt.Errorf("galaxy %d: %w", i, err)
	}
	if _, err := r.transform.Apply(r.tensor, &r.cutout, r.scratch); err != nil {
		return nil, 0, fmt.Errorf("galaxy %d: %w", i, err)
	}
	features, err := r.meter.Measure(r.tensor)
	if err != nil {
		return nil, 0, fmt.Errorf("galaxy %d: %w", i, err)
	}
	return features, int(packet.Class), nil
}
