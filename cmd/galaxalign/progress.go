package main

import (
	"fmt"
	"os"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// progressBar returns a function that shows how far a long task is: a bar on a terminal, nothing where
// the output goes to a file.
func progressBar(cmd *cobra.Command, total int, what string) func(done, total int) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	out := cmd.ErrOrStderr()
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(out) }))
	return func(done, _ int) { _ = bar.Set(done) }
}
