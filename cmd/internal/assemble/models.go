package assemble

import (
	"errors"
	"fmt"
	"slices"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/preprocess"
)

// Model is a loaded bundle with its compiled recipe.
type Model struct {
	*infer.Model
	Transform *preprocess.Transform
}

// OpenModels loads every bundle and opens it on its device. Models are closed by the caller.
func OpenModels(rt *ort.Runtime, models []config.Model, batchRows int) (opened []Model, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, closeModels(opened))
			opened = nil
		}
	}()
	for _, m := range models {
		b, err := bundle.Load(m.Bundle)
		if err != nil {
			return opened, err
		}
		transform, err := compileRecipe(b)
		if err != nil {
			return opened, err
		}
		if err := unlike(opened, b); err != nil {
			return opened, err
		}
		model, err := infer.Open(rt, b, infer.Options{Device: m.Device, Threads: m.Threads, MaxBatch: batchRows})
		if err != nil {
			return opened, err
		}
		opened = append(opened, Model{model, transform})
	}
	return opened, nil
}

// unlike refuses a second bundle of a name: folders, collections and metrics are named after the model.
func unlike(opened []Model, b *bundle.Bundle) error {
	for _, m := range opened {
		if m.Info().Name == b.Manifest.Name {
			return fmt.Errorf("bundle %s: another model of this run is called %s too: import one of them with another --name", b.Dir, b.Manifest.Name)
		}
	}
	return nil
}

func compileRecipe(b *bundle.Bundle) (*preprocess.Transform, error) {
	if b.Recipe == nil {
		return nil, fmt.Errorf("bundle %s: the model takes no image: the pipeline needs one that does", b.Dir)
	}
	recipe, err := preprocess.Parse(b.Recipe)
	if err != nil {
		return nil, fmt.Errorf("bundle %s: recipe: %w", b.Dir, err)
	}
	transform, err := recipe.Compile()
	if err != nil {
		return nil, fmt.Errorf("bundle %s: recipe: %w", b.Dir, err)
	}
	return transform, nil
}

func closeModels(models []Model) error {
	var errs []error
	for _, m := range models {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// wants is what the decoders have to take from each message so that every model gets its input.
type wants struct {
	images   []string // bands or stamps, without repeats
	features []string
}

// needs gathers the images and features of all models.
func needs(models []Model) wants {
	var w wants
	for _, m := range models {
		w.images = union(w.images, m.Transform.Recipe().Bands)
		w.features = union(w.features, m.Features())
	}
	return w
}

func union(have, more []string) []string {
	for _, s := range more {
		if !slices.Contains(have, s) {
			have = append(have, s)
		}
	}
	return have
}

// featurePlaces maps the features of a model to their places among those decoded.
func featurePlaces(m Model, decoded []string) []int {
	places := make([]int, len(m.Features()))
	for i, name := range m.Features() {
		places[i] = slices.Index(decoded, name)
	}
	return places
}
