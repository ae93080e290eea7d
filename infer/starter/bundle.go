package starter

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed all:bundle
var shipped embed.FS

// Unpack writes the bundle that ships with the program into dir, making the folder. Files that are
// there already are replaced.
func Unpack(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("starter bundle: %w", err)
	}
	return fs.WalkDir(shipped, "bundle", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := shipped.ReadFile(path)
		if err != nil {
			return fmt.Errorf("starter bundle: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, entry.Name()), data, 0o644); err != nil {
			return fmt.Errorf("starter bundle: %w", err)
		}
		return nil
	})
}
