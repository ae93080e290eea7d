// Package orttest opens ONNX Runtime for tests.
package orttest

import (
	"os"
	"testing"

	"github.com/galaxalign/galaxalign/infer/ort"
)

// Open finds or fetches the library and opens it for the length of the test. Where that fails the test
// fails: without the library nothing of inference could be checked, and skipping would hide it.
func Open(tb testing.TB) *ort.Runtime {
	tb.Helper()
	lib, err := ort.Locate(tb.Context(), ort.Options{Progress: os.Stderr})
	if err != nil {
		tb.Fatal(err)
	}
	rt, err := ort.Open(lib)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := rt.Close(); err != nil {
			tb.Error(err)
		}
	})
	return rt
}
