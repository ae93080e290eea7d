package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/galaxalign/galaxalign/cmd/internal/baseline"
	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/infer/starter"
)

func newBundle() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "Make and look at model bundles",
		Long: `A bundle is a folder that holds a model and all that serving it needs: the ONNX file, the recipe that
turns pixels into its input, its classes, and a golden answer that is checked at every start.`,
	}
	cmd.AddCommand(newBundleStarter(), newBundleImport(), newBundleBaseline(), newBundleShow())
	return cmd
}

func newBundleStarter() *cobra.Command {
	return &cobra.Command{
		Use:     "starter DIR",
		Short:   "Write the bundle that ships with the program",
		Example: "  galaxalign bundle starter bundles/starter",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := starter.Unpack(args[0]); err != nil {
				return err
			}
			b, err := bundle.Load(args[0])
			if err != nil {
				return err
			}
			return printBundle(cmd, b)
		},
	}
}

func newBundleImport() *cobra.Command {
	var o bundle.ImportOptions
	var activation string
	cmd := &cobra.Command{
		Use:   "import MODEL.onnx DIR",
		Short: "Make a bundle of any ONNX classifier",
		Example: `  galaxalign bundle import acai_h.onnx bundles/acai_h --recipe braai \
      --classes other,hosted --features drb,diffmaglim,... --embedding StatefulPartitionedCall/model/flatten/Reshape:0`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			rt, err := openRuntime(cmd)
			if err != nil {
				return err
			}
			defer rt.Close()
			o.Runtime, o.Model, o.Dir, o.Activation = rt, args[0], args[1], bundle.Activation(activation)
			b, err := bundle.Import(cmd.Context(), o)
			if err != nil {
				return err
			}
			return printBundle(cmd, b)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Name, "name", "", "name of the model (default: the file's name)")
	f.StringVar(&o.Version, "version", "", "version of the model (default 1)")
	f.StringVar(&o.Recipe, "recipe", "", "built-in recipe (an unknown name lists them) or recipe file")
	f.StringVar(&o.Image, "image", "", "image input of the graph (default: the only one with four axes)")
	f.StringSliceVar(&o.Features, "features", nil, "scalar features in the order of the columns, such as drb,ndethist")
	f.StringVar(&o.FeatureInput, "feature-input", "", "scalar input of the graph (default: the only one with two axes)")
	f.StringVar(&o.Scores, "scores", "", "output with the scores (default: the first)")
	f.StringVar(&activation, "activation", "", "softmax, sigmoid or none (default: by the graph's last operator)")
	f.Float64Var(&o.Threshold, "threshold", 0, "probability from which a single score means the positive class (default 0.5)")
	f.Float64Var(&o.Temperature, "temperature", 0, "calibration: divides the scores before the activation (default 1)")
	f.StringSliceVar(&o.Classes, "classes", nil, "class names in the order of the scores")
	f.StringVar(&o.Embedding, "embedding", "", "output or inner tensor to use as the embedding")
	f.BoolVar(&o.Normalise, "normalise", true, "bring embeddings to unit length")
	return cmd
}

func newBundleBaseline() *cobra.Command {
	cfg := baseline.Config{}
	cmd := &cobra.Command{
		Use:   "baseline DIR",
		Short: "Fit the starter model to the simulated survey",
		Long: `Draws simulated galaxies, fits the starter model to them and writes its bundle to DIR, which must not
exist. --real folders of pictures with a labels.csv (columns file and galaxy10, or file and icon) are
tested on, never fitted to; a --split folder is tested on in two halves, by a hash of the file's name.`,
		Example: `  galaxalign bundle baseline bundles/starter --split data/galaxy10-samples --real data/galaxyzoo-site`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			cfg.Dir = args[0]
			if err := cfg.Validate(); err != nil {
				return err
			}
			rt, err := openRuntime(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, rt.Close()) }()
			cfg.Progress = progressBar(cmd, cfg.Draws(), "drawing galaxies")
			report, err := baseline.Make(cmd.Context(), rt, cfg)
			if err != nil {
				return err
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			out.SetIndent("", "  ")
			return out.Encode(report)
		},
	}
	f := cmd.Flags()
	f.IntVar(&cfg.Train, "train", 16_000, "galaxies to fit to")
	f.IntVar(&cfg.Test, "test", 2_000, "galaxies held out: so many as served, and so many under random conditions")
	f.Uint64Var(&cfg.Seed, "seed", 1, "seed of the survey and of the fit")
	f.StringSliceVar(&cfg.Real, "real", nil, "folders of labelled real pictures to test on")
	f.StringSliceVar(&cfg.Split, "split", nil, "folders to test on in two halves: seen in design, and kept aside")
	return cmd
}

func newBundleShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show DIR",
		Short: "Check a bundle and print what is in it",
		Long:  "Loads the bundle, compares every file with its hash, runs the model on the golden input and prints a summary.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := bundle.Load(args[0])
			if err != nil {
				return err
			}
			rt, err := openRuntime(cmd)
			if err != nil {
				return err
			}
			defer rt.Close()
			m, err := infer.Open(rt, b, infer.Options{})
			if err != nil {
				return err
			}
			defer m.Close()
			return printBundle(cmd, b)
		},
	}
}

func printBundle(cmd *cobra.Command, b *bundle.Bundle) error {
	m := &b.Manifest
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s %s   %s\n", m.Name, m.Version, b.Dir)
	fmt.Fprintf(out, "  classes    %s\n", strings.Join(m.Classes, ", "))
	if m.Image != nil {
		fmt.Fprintf(out, "  image      %s %s %v, recipe %s\n", m.Image.Tensor, m.Image.Layout, m.Image.Shape, m.Image.Recipe)
	}
	if m.Features != nil {
		fmt.Fprintf(out, "  features   %s: %s\n", m.Features.Tensor, strings.Join(m.Features.Names, ", "))
	}
	fmt.Fprintf(out, "  scores     %s, activation %s\n", m.Scores.Tensor, m.Scores.Activation)
	if m.Embedding != nil {
		fmt.Fprintf(out, "  embedding  %s, %d values\n", m.Embedding.Tensor, m.EmbeddingLen())
	}
	if len(m.Metrics) > 0 {
		fmt.Fprintf(out, "  metrics    %s\n", m.Metrics)
	}
	fmt.Fprintf(out, "  model hash %s\n", b.Info().Hash)
	return nil
}

// openRuntime finds or fetches ONNX Runtime, showing progress.
func openRuntime(cmd *cobra.Command) (*ort.Runtime, error) {
	lib, err := ort.Locate(cmd.Context(), ort.Options{Progress: cmd.ErrOrStderr()})
	if err != nil {
		return nil, err
	}
	return ort.Open(lib)
}
