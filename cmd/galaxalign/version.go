package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/schemas"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the versions of the formats",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			version, commit := "development", "unknown"
			if info, ok := debug.ReadBuildInfo(); ok {
				version = info.Main.Version
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						commit = s.Value
					}
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "galaxalign %s\ncommit %s\nrecord schema %d\nONNX Runtime %s\n",
				version, commit, schemas.RecordVersion, ort.Version)
		},
	}
}

func newRuntime() *cobra.Command {
	cmd := &cobra.Command{Use: "runtime", Short: "Find or fetch ONNX Runtime's shared library"}
	cmd.AddCommand(&cobra.Command{
		Use:   "fetch",
		Short: "Make sure that the pinned ONNX Runtime is there, and say where",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lib, err := ort.Locate(cmd.Context(), ort.Options{Progress: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s (%s, version %s, SHA-256 %s)\n", lib.Path, lib.How, lib.Version, lib.SHA256)
			return nil
		},
	})
	return cmd
}
