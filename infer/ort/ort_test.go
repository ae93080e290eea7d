package ort

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openRuntime finds or fetches the library; where that fails the test fails, for nothing of inference
// could be checked.
func openRuntime(tb testing.TB) *Runtime {
	tb.Helper()
	lib, err := Locate(tb.Context(), Options{Progress: os.Stderr})
	if err != nil {
		tb.Fatal(err)
	}
	rt, err := Open(lib)
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

func TestOpenTwice(t *testing.T) {
	rt := openRuntime(t)
	t.Log(rt.Library())
}
