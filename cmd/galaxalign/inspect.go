package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxalign/galaxalign/cmd/internal/assemble"
	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/cmd/internal/inspect"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/decode"
	"github.com/galaxalign/galaxalign/ingest/fits"
	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
)

// inspectOptions are the flags of inspect.
type inspectOptions struct {
	recipe, png, schemas string
	bands                []string
}

func newInspect() *cobra.Command {
	o := inspectOptions{}
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what a FITS file or alert packet decodes to",
		Long: `Prints the HDUs of a FITS file and the cutout that the pipeline would see of it or of an alert packet.
With --recipe (a built-in name or a file) and --png it writes the tensor that the model would get.`,
		Example: `  galaxalign inspect galaxy.fits --recipe legacy_grz --png tensor.png
  galaxalign inspect alert.avro --recipe braai --png triplet.png`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runInspect(cmd, args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.recipe, "recipe", "", "built-in recipe (an unknown name lists them) or recipe file")
	f.StringVar(&o.png, "png", "", "file for the picture of the tensor")
	f.StringVar(&o.schemas, "schemas", "", "folder of LSST schemas")
	f.StringSliceVar(&o.bands, "bands", nil, "FITS images to take, in order")
	cmd.MarkFlagsRequiredTogether("recipe", "png")
	return cmd
}

func runInspect(cmd *cobra.Command, path string, o inspectOptions) error {
	payload, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s  %d bytes\n", path, len(payload))
	var file fits.File
	if err := fits.Parse(payload, &file); err == nil {
		inspect.HDUs(out, fits.Describe(&file))
	}
	var transform *preprocess.Transform
	if o.recipe != "" {
		if transform, err = loadRecipe(o.recipe); err != nil {
			return err
		}
	}
	c, err := decodeOne(payload, path, o, transform)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	inspect.Cutout(out, c)
	if transform == nil {
		return nil
	}
	return writeTensor(cmd, o.png, transform, c)
}

// decodeOne reads a payload as the pipeline would with a model of that recipe.
func decodeOne(payload []byte, path string, o inspectOptions, t *preprocess.Transform) (*schemas.Cutout, error) {
	source := config.Default().Source
	source.Bands, source.Schemas.Folder = o.bands, o.schemas
	var images []string
	if t != nil {
		images = t.Recipe().Bands
	}
	options, err := assemble.DecoderOptions(&source, images, nil)
	if err != nil {
		return nil, err
	}
	decoder, err := decode.New(options)
	if err != nil {
		return nil, err
	}
	c := &schemas.Cutout{}
	c.Reset()
	m := ingest.Message{Key: []byte(filepath.Base(path)), Value: payload, Origin: schemas.Origin{Path: path}}
	return c, decoder.Decode(&m, c)
}

// loadRecipe finds a built-in recipe by name, else reads a file.
func loadRecipe(name string) (*preprocess.Transform, error) {
	recipe, err := preprocess.Builtin(name)
	if err != nil {
		text, readErr := os.ReadFile(name)
		if readErr != nil {
			return nil, fmt.Errorf("recipe %q is neither built in nor a file: %w; built in are %s", name, readErr, strings.Join(preprocess.BuiltinNames(), ", "))
		}
		if recipe, err = preprocess.Parse(text); err != nil {
			return nil, fmt.Errorf("recipe %s: %w", name, err)
		}
	}
	return recipe.Compile()
}

func writeTensor(cmd *cobra.Command, path string, t *preprocess.Transform, c *schemas.Cutout) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	quality, err := inspect.TensorPNG(f, t, c)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "tensor  %v, valid fraction %.3f, picture in %s\n", t.Shape(), quality.ValidFraction, path)
	return nil
}
