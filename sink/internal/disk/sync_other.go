//go:build !linux

package disk

import "os"

// datasync is a full sync where fdatasync is absent.
func datasync(f *os.File) error { return f.Sync() }
