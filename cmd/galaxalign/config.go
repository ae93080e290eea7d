package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Write and check configuration files"}
	cmd.AddCommand(newConfigExample(), newConfigCheck())
	return cmd
}

func newConfigExample() *cobra.Command {
	return &cobra.Command{
		Use:   "example",
		Short: "Print a commented configuration with every key",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(config.Example)
			return err
		},
	}
}

func newConfigCheck() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "check -c FILE",
		Short: "List every fault of a configuration, with line, key and fix",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := config.Load(file); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: no faults\n", file)
			return nil
		},
	}
	configFlag(cmd, &file)
	return cmd
}

// configFlag adds the required flag -c.
func configFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "config", "c", "", "configuration file (galaxalign config example prints one)")
	if err := cmd.MarkFlagRequired("config"); err != nil {
		panic(err) // the flag was defined on the line above
	}
}
