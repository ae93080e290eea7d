package baseline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
	"github.com/galaxalign/galaxalign/preprocess"
)

// Config says what to fit the starter model to and where to write it.
type Config struct {
	Dir   string // folder of the bundle; must not exist
	Train int    // galaxies to fit to, at least one a class
	Test  int    // galaxies held out: so many as served, and so many under random conditions
	Seed  uint64 // of the survey and of the fit
	// Real are folders of real pictures with labels.csv, only ever tested on.
	Real []string
	// Split are such folders of which one half, by the hash of the file's name, was looked at while the
	// measurements were designed and the other was kept aside: each half has its own score.
	Split []string
	// Progress is called with the galaxies drawn so far and in all; nil for none.
	Progress func(done, total int)
}

// Draws is the number of galaxies that Make draws.
func (c Config) Draws() int { return c.Train + 2*c.Test }

// Validate lists everything that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	switch _, err := os.Lstat(c.Dir); {
	case c.Dir == "":
		errs = append(errs, errors.New("no folder named for the bundle"))
	case err == nil:
		errs = append(errs, fmt.Errorf("%s exists already; choose another folder or remove it", c.Dir))
	case !errors.Is(err, os.ErrNotExist):
		errs = append(errs, fmt.Errorf("folder of the bundle: %w", err))
	}
	if c.Train < simulate.NumClasses {
		errs = append(errs, fmt.Errorf("train: is %d galaxies, want %d or more, one for each class", c.Train, simulate.NumClasses))
	}
	if c.Test < 1 {
		errs = append(errs, fmt.Errorf("test: is %d galaxies, want 1 or more, or the model has no number", c.Test))
	}
	return errors.Join(errs...)
}

// Make fits the model and writes the bundle. What is wrong with the configuration or the real pictures
// is reported before the first galaxy is drawn.
func Make(ctx context.Context, rt *ort.Runtime, cfg Config) (*Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	s, err := newSampler(rt, cfg.Seed)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	head, report, err := s.fit(ctx, cfg)
	if err := errors.Join(err, s.meter.Close()); err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	if err := write(ctx, rt, cfg, head, report); err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	return report, nil
}

func newSampler(rt *ort.Runtime, seed uint64) (*sampler, error) {
	recipe, err := preprocess.Parse(starter.Recipe)
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	transform, err := recipe.Compile()
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	uniform := make([]float64, simulate.NumClasses)
	for i := range uniform {
		uniform[i] = 1
	}
	survey, err := simulate.New(simulate.Config{Seed: seed, Mix: uniform})
	if err != nil {
		return nil, err
	}
	meter, err := starter.NewMeter(rt)
	if err != nil {
		return nil, err
	}
	return &sampler{survey: survey, transform: transform, meter: meter}, nil
}

// fit measures the real pictures, draws, fits and scores. Held-out galaxies follow the fitted ones in the
// survey.
func (s *sampler) fit(ctx context.Context, cfg Config) (*starter.Head, *Report, error) {
	real, err := s.realPictures(cfg)
	if err != nil {
		return nil, nil, err
	}
	done := counter(cfg)
	train, err := s.draw(ctx, fitted, 0, cfg.Train, done)
	if err != nil {
		return nil, nil, err
	}
	served, err := s.draw(ctx, (*reader).packet, uint64(cfg.Train), cfg.Test, done)
	if err != nil {
		return nil, nil, err
	}
	varied, err := s.draw(ctx, (*reader).varied, uint64(cfg.Train+cfg.Test), cfg.Test, done)
	if err != nil {
		return nil, nil, err
	}
	head := starter.Fit(starter.FitConfig{Seed: cfg.Seed}, train.x, train.y, simulate.NumClasses)
	report := &Report{
		Simulated: score("simulated survey, as served", head, served),
		Varied:    score("simulated survey, random conditions", head, varied),
		Note:      note,
	}
	for _, set := range real {
		report.Real = append(report.Real, score(set.name, head, set.examples))
	}
	return head, report, nil
}

// counter calls cfg.Progress with a running count, from any goroutine.
func counter(cfg Config) func() {
	if cfg.Progress == nil {
		return func() {}
	}
	var mu sync.Mutex
	count := 0
	return func() {
		mu.Lock()
		defer mu.Unlock()
		count++
		cfg.Progress(count, cfg.Draws())
	}
}
