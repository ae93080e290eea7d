package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/galaxalign/galaxalign/infer/onnx"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/preprocess"
)

// ImportOptions say how an ONNX classifier becomes a bundle. Runtime, Model and Dir are needed, Recipe
// too when the graph has an image input; the rest is derived from the graph where it is left empty.
type ImportOptions struct {
	Runtime *ort.Runtime
	Model   string // path of the ONNX file
	Dir     string // folder of the bundle; must not exist

	Name    string // default: the file's name without .onnx
	Version string // default "1"

	// Recipe is the name of a built-in recipe or the path of a recipe file.
	Recipe string
	// Image names the image input; default the only input with four axes.
	Image string
	// Features names the scalar features in the order of the columns; default feature_0, feature_1, ...
	Features []string
	// FeatureInput names the input of the scalar features; default the only input with two axes.
	FeatureInput string

	// Scores names the output that holds the scores; default the first output.
	Scores string
	// Activation is what has to be applied to the scores; default none when the graph ends with a
	// softmax or sigmoid, else softmax, or sigmoid for a single score.
	Activation  Activation
	Temperature float64 // see ScoreOutput
	Threshold   float64 // see ScoreOutput
	// Classes names the classes; default class_0, class_1, ..., or negative and positive for a single
	// score.
	Classes []string

	// Embedding names an output or an inner value to be used as the embedding; empty means none.
	Embedding string
	Normalise bool // see EmbeddingOutput

	Provenance, Metrics json.RawMessage // see Manifest
}

// Import makes a bundle of any ONNX classifier with floating-point inputs: an image, scalar features, or
// both. Weights in other files are taken into the one of the bundle, and half, bfloat16 and double inputs
// and outputs become float ones with a conversion inside the graph.
// The graph runs on deterministic inputs to find its output shapes, to check that rows do not depend on
// one another, and to make the golden answers.
func Import(ctx context.Context, opts ImportOptions) (*Bundle, error) {
	b, err := doImport(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("bundle: import %s: %w", opts.Model, err)
	}
	return b, nil
}

// importer is an import under way.
type importer struct {
	opts  ImportOptions
	model *onnx.Model
	draft *Bundle
	batch int // the graph's fixed batch size, 0 when it is free
}

// doImport drafts the manifest from the graph, then completes it by running the graph.
func doImport(ctx context.Context, opts ImportOptions) (*Bundle, error) {
	if opts.Runtime == nil {
		return nil, errors.New("no runtime")
	}
	data, err := readFile(opts.Model, maxFile)
	if err != nil {
		return nil, err
	}
	model, err := onnx.Parse(data)
	if err != nil {
		return nil, err
	}
	if err := model.Inline(filepath.Dir(opts.Model)); err != nil {
		return nil, err
	}
	im := &importer{opts: opts, model: model, draft: &Bundle{}}
	steps := []func() error{im.identify, im.findInputs, im.readRecipe, im.findOutputs, im.freeBatch, im.describeOutputs}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := step(); err != nil {
			return nil, err
		}
	}
	return Create(opts.Runtime, opts.Dir, im.draft)
}

// readRecipe finds the recipe and takes the image's shape and layout from it.
func (im *importer) readRecipe() error {
	image := im.draft.Manifest.Image
	if image == nil {
		if im.opts.Recipe != "" {
			return fmt.Errorf("recipe %s: the graph has no image input it could be for", im.opts.Recipe)
		}
		return nil
	}
	text, err := recipeText(im.opts.Recipe)
	if err != nil {
		return err
	}
	recipe, err := preprocess.Parse(text)
	if err != nil {
		return fmt.Errorf("recipe %s: %w", im.opts.Recipe, err)
	}
	transform, err := recipe.Compile()
	if err != nil {
		return err
	}
	shape := transform.Shape()
	image.Shape, image.Layout, image.Recipe = shape[:], Layout(transform.Recipe().Layout), recipeFile
	im.draft.Recipe = text
	if in := im.model.Graph.Value(image.Tensor); in.Type.Dims != nil && !fits(in.Type.Dims, image.Shape, im.batch) {
		return fmt.Errorf("recipe %s makes rows of %s %v, but input %q is %s%s", im.opts.Recipe, image.Layout, image.Shape,
			image.Tensor, shapeText(in.Type.Dims), layoutHint(in.Type.Dims, image.Layout))
	}
	return nil
}

// recipeText reads a file when there is one of this name, else a built-in recipe.
func recipeText(name string) ([]byte, error) {
	if name == "" {
		return nil, fmt.Errorf("the graph has an image input: name the recipe that makes it, a file or one of %v",
			preprocess.BuiltinNames())
	}
	text, err := readFile(name, maxManifest)
	if err == nil {
		return text, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	text, builtinErr := preprocess.BuiltinText(name)
	if builtinErr != nil {
		return nil, fmt.Errorf("recipe %s: no such file, and %w", name, builtinErr)
	}
	return text, nil
}

// layoutHint says which layout the axes look like when it is the other one: channels are the few.
func layoutHint(dims []onnx.Dim, have Layout) string {
	if len(dims) != 4 || !dims[1].Fixed || !dims[3].Fixed {
		return ""
	}
	looks := NHWC
	if dims[1].Size < dims[3].Size {
		looks = NCHW
	}
	if looks == have {
		return ""
	}
	return fmt.Sprintf(", which looks like %s: set layout: %s in the recipe", looks, looks)
}
