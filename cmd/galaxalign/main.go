// Command galaxalign sorts galaxies: it reads image cutouts from Kafka or archives, classifies and
// embeds them, and writes Arrow records, vectors and alerts.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// run executes the command line; the first interrupt stops in order, a second one at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	if err := newRoot().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "galaxalign:", err)
		return 1
	}
	return 0
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "galaxalign",
		Short: "Sort galaxies: cutouts from Kafka or archives in, classes, vectors and alerts out",
		Long: `galaxalign reads image cutouts (FITS, ZTF and LSST alert packets) from Kafka topics or archives,
turns them into tensors, classifies and embeds them with ONNX Runtime, and writes Arrow or Parquet files,
vectors for similarity search, and alerts. An input is done only when its records are durable everywhere.

Begin with:   galaxalign demo
Then:         galaxalign config example > night.yaml, edit it, galaxalign config check -c night.yaml,
              galaxalign run -c night.yaml`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newDemo(), newRun(), newBackfill(), newSimulate(), newSearch(), newInspect(), newBench(), newBundle(), newConfig(), newRuntime(), newVersion())
	return root
}
