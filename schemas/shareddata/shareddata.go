// Package shareddata finds the optional folder of real survey data and golden values that some tests
// compare against. The folder is not part of the repository; tests that want it skip where it is absent.
package shareddata

import (
	"os"
	"path/filepath"
	"testing"
)

// EnvVar names the environment variable that points at the folder.
const EnvVar = "GALAXALIGN_SHARED"

// Path returns the path of a file or folder inside the shared data, or skips the test with a message
// that says where it was looked for. It looks at $GALAXALIGN_SHARED, else at "shared" beside the
// checkout.
func Path(tb testing.TB, rel string) string {
	tb.Helper()
	root := os.Getenv(EnvVar)
	if root == "" {
		root = filepath.Join(moduleRoot(tb), "..", "shared")
	}
	path := filepath.Join(root, filepath.FromSlash(rel))
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("real data %s is absent (looked at %s; set %s to the folder that holds it)", rel, path, EnvVar)
	}
	return path
}

// moduleRoot walks up from the working directory of the test to the folder with go.mod.
func moduleRoot(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			tb.Fatal("no go.mod above the test's working directory")
		}
		dir = parent
	}
}
