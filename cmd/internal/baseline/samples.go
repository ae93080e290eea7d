package baseline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/fits"
	"github.com/galaxalign/galaxalign/ingest/simulate"
	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
)

// variedStream keeps the random numbers of varied pictures apart from the survey's.
const variedStream = 0x6D0BA1E5

// sampler turns galaxies of a survey into measured examples, by the path that serves.
type sampler struct {
	survey    *simulate.Survey
	transform *preprocess.Transform
	meter     *starter.Meter
}

// examples are measured pictures with their classes.
type examples struct {
	x [][]float32
	y []int
}

// measure is a way to make and measure galaxy i.
type measure func(r *reader, i uint64) (features []float32, class int, err error)

// draw measures galaxies first to first+n-1, on every core. done is called once a galaxy.
func (s *sampler) draw(ctx context.Context, how measure, first uint64, n int, done func()) (examples, error) {
	out := examples{make([][]float32, n), make([]int, n)}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			reader := s.newReader()
			for i := w; i < n && ctx.Err() == nil; i += workers {
				features, class, err := how(reader, first+uint64(i))
				if err != nil {
					stop(fmt.Errorf("galaxy %d: %w", first+uint64(i), err))
					return
				}
				out.x[i], out.y[i] = features, class
				done()
			}
		})
	}
	wg.Wait()
	return out, context.Cause(ctx)
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

// packet measures galaxy i of the survey as it is served: its packet through decoder and recipe.
func (r *reader) packet(i uint64) ([]float32, int, error) {
	packet, err := r.survey.Next(i)
	if err != nil {
		return nil, 0, err
	}
	r.cutout.Reset()
	if err := r.decoder.Decode(&ingest.Message{Key: packet.Key, Value: packet.Value}, &r.cutout); err != nil {
		return nil, 0, err
	}
	if _, err := r.transform.Apply(r.tensor, &r.cutout, r.scratch); err != nil {
		return nil, 0, err
	}
	features, err := r.meter.Measure(r.tensor)
	return features, int(packet.Class), err
}

// varied measures picture i of a survey under random conditions, through the recipe that serves.
func (r *reader) varied(i uint64) ([]float32, int, error) {
	cfg := r.survey.Config()
	rng := rand.New(rand.NewPCG(cfg.Seed^variedStream, i))
	class := simulate.Class(rng.IntN(simulate.NumClasses))
	c := drawConditions(rng, cfg.Size)
	if err := c.render(rng, class, &r.cutout); err != nil {
		return nil, 0, err
	}
	if _, err := r.transform.Apply(r.tensor, &r.cutout, r.scratch); err != nil {
		return nil, 0, err
	}
	if err := c.smooth(r.tensor); err != nil {
		return nil, 0, err
	}
	features, err := r.meter.Measure(r.tensor)
	return features, int(class), err
}

// fitted measures galaxy i as it is served, for one in four, and under random conditions else.
func fitted(r *reader, i uint64) ([]float32, int, error) {
	if i%4 == 0 {
		return r.packet(i)
	}
	return r.varied(i)
}
