package baseline

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// write imports the fitted graph as a bundle.
func write(ctx context.Context, rt *ort.Runtime, cfg Config, head *starter.Head, report *Report) (err error) {
	model, err := starter.Model(head)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "galaxalign-baseline-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	modelFile, recipeFile := filepath.Join(scratch, "starter.onnx"), filepath.Join(scratch, "recipe.yaml")
	if err := os.WriteFile(modelFile, model, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(recipeFile, starter.Recipe, 0o600); err != nil {
		return err
	}
	metrics, err := json.Marshal(report)
	if err != nil {
		return err
	}
	provenance, err := json.Marshal(map[string]any{
		"command": "galaxalign bundle baseline", "train": cfg.Train, "test": cfg.Test, "seed": cfg.Seed,
		"data": "simulated survey, ten Galaxy10 classes in equal shares: one galaxy in four as served, the others under random conditions",
	})
	if err != nil {
		return err
	}
	_, err = bundle.Import(ctx, bundle.ImportOptions{
		Runtime: rt, Model: modelFile, Dir: cfg.Dir, Name: "starter", Version: "2", Recipe: recipeFile,
		Scores: starter.LogitsName, Activation: bundle.Softmax, Classes: simulate.ClassNames(),
		Embedding: starter.EmbeddingName, Normalise: true, Provenance: provenance, Metrics: metrics,
	})
	return err
}
