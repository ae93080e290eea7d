package baseline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
	"github.com/galaxalign/galaxalign/preprocess"
)

// Config says what to fit the starter model to and where to write it.
type Config struct {
	Dir   string   // folder of the bundle; must not exist
	Train int      // simulated galaxies to fit to
	Test  int      // simulated galaxies held out
	Seed  uint64   // of the survey and of the fit
	Real  []string // folders of real pictures with labels.csv, only ever tested on
	// Progress is called with the galaxies drawn so far and in all; nil for none.
	Progress func(done, total int)
}

// Report is how well the model does. Its JSON is the manifest's metrics.
type Report struct {
	Simulated Score   `json:"simulated_held_out"`
	Real      []Score `json:"real_pictures,omitempty"`
	Note      string  `json:"note"`
}

// Score is an accuracy over ten classes, 0.1 for a guess.
type Score struct {
	Name     string  `json:"name"`
	Pictures int     `json:"pictures"`
	Accuracy float64 `json:"accuracy"`
	MacroF1  float64 `json:"macro_f1"`
}

const note = "A placeholder with a number: fixed measurements and a small classifier fitted to simulated galaxies only."

// Make fits the model and writes the bundle.
func Make(ctx context.Context, rt *ort.Runtime, cfg Config) (*Report, error) {
	s, err := newSampler(rt, cfg.Seed)
	if err != nil {
		return nil, err
	}
	head, report, err := s.fit(ctx, cfg)
	if err := errors.Join(err, s.meter.Close()); err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	return report, write(ctx, rt, cfg, head, report)
}

func newSampler(rt *ort.Runtime, seed uint64) (*sampler, error) {
	recipe, err := preprocess.Parse(starter.Recipe)
	if err != nil {
		return nil, fmt.Errorf("baseline: recipe: %w", err)
	}
	transform, err := recipe.Compile()
	if err != nil {
		return nil, fmt.Errorf("baseline: recipe: %w", err)
	}
	uniform := make([]float64, simulate.NumClasses)
	for i := range uniform {
		uniform[i] = 1
	}
	survey, err := simulate.New(simulate.Config{Seed: seed, Mix: uniform})
	if err != nil {
		return nil, fmt.Errorf("baseline: survey: %w", err)
	}
	meter, err := starter.NewMeter(rt)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	return &sampler{survey: survey, transform: transform, meter: meter}, nil
}

// fit draws, fits and scores. Held-out galaxies follow the fitted ones in the survey.
func (s *sampler) fit(ctx context.Context, cfg Config) (*starter.Head, *Report, error) {
	done := counter(cfg)
	x, y, err := s.draw(ctx, training, 0, cfg.Train, done)
	if err != nil {
		return nil, nil, err
	}
	testX, testY, err := s.draw(ctx, (*reader).packet, uint64(cfg.Train), cfg.Test, done)
	if err != nil {
		return nil, nil, err
	}
	head := starter.Fit(starter.FitConfig{Seed: cfg.Seed}, x, y, simulate.NumClasses)
	report := &Report{Simulated: score("simulated survey", head, testX, testY), Note: note}
	for _, dir := range cfg.Real {
		real, err := s.scoreReal(head, dir)
		if err != nil {
			return nil, nil, err
		}
		report.Real = append(report.Real, real)
	}
	return head, report, nil
}

// scoreReal tests the model on a folder of real pictures.
func (s *sampler) scoreReal(head *starter.Head, dir string) (Score, error) {
	pictures, err := readLabels(dir)
	if err != nil {
		return Score{}, err
	}
	var x [][]float32
	var y []int
	for _, p := range pictures {
		tensor, err := readPicture(p.path)
		if err != nil {
			return Score{}, err
		}
		features, err := s.meter.Measure(tensor)
		if err != nil {
			return Score{}, err
		}
		x, y = append(x, features), append(y, p.class)
	}
	return score(filepath.Base(dir), head, x, y), nil
}

// write imports the fitted graph as a bundle.
func write(ctx context.Context, rt *ort.Runtime, cfg Config, head *starter.Head, report *Report) error {
	model, err := starter.Model(head)
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	scratch, err := os.MkdirTemp("", "galaxalign-baseline-")
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	defer os.RemoveAll(scratch)
	modelFile, recipeFile := filepath.Join(scratch, "starter.onnx"), filepath.Join(scratch, "recipe.yaml")
	if err := os.WriteFile(modelFile, model, 0o600); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	if err := os.WriteFile(recipeFile, starter.Recipe, 0o600); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	metrics, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	provenance, err := json.Marshal(map[string]any{
		"command": "galaxalign bundle baseline", "train": cfg.Train, "test": cfg.Test, "seed": cfg.Seed,
		"data": "simulated survey, ten Galaxy10 classes in equal shares",
	})
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	_, err = bundle.Import(ctx, bundle.ImportOptions{
		Runtime: rt, Model: modelFile, Dir: cfg.Dir, Name: "starter", Version: "1", Recipe: recipeFile,
		Scores: starter.LogitsName, Activation: bundle.Softmax, Classes: simulate.ClassNames(),
		Embedding: starter.EmbeddingName, Normalise: true, Provenance: provenance, Metrics: metrics,
	})
	return err
}

// counter calls cfg.Progress with a running count, from any goroutine.
func counter(cfg Config) func() {
	if cfg.Progress == nil {
		return func() {}
	}
	counts := make(chan int, 1)
	counts <- 0
	return func() {
		n := <-counts + 1
		cfg.Progress(n, cfg.Train+cfg.Test)
		counts <- n
	}
}
