package ort

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	binding "github.com/yalue/onnxruntime_go"
)

// ErrClosed is returned by the use of a Runtime or Session after its Close.
var ErrClosed = errors.New("ort: already closed")

// environment mirrors the binding's process-wide state, which it cannot hold itself: the binding has
// one global environment whose life must be counted where all users of the process meet.
var environment struct {
	sync.Mutex
	users   int
	library Library
}

// Runtime is a counted reference to the loaded library. It is safe for concurrent use.
type Runtime struct {
	library Library

	mu       sync.Mutex
	closed   bool
	sessions int
}

// Open loads the library, or counts one more user when it is loaded already. Two different libraries in
// one process are an error, and so are one older than the C API the binding needs and one whose version
// is not the one lib states. The caller closes the Runtime.
func Open(lib Library) (*Runtime, error) {
	path, err := filepath.EvalSymlinks(lib.Path)
	if err != nil {
		return nil, fmt.Errorf("ort: open the library: %w", err)
	}
	environment.Lock()
	defer environment.Unlock()
	if environment.users > 0 {
		if loaded := environment.library; loaded.Path != path {
			return nil, fmt.Errorf("ort: %s is loaded already; one process cannot also load %s", loaded.Path, path)
		}
	} else {
		if err := load(path); err != nil {
			return nil, err
		}
		version := binding.GetVersion()
		if err := checkVersion(lib, version); err != nil {
			return nil, errors.Join(err, binding.DestroyEnvironment())
		}
		environment.library = Library{Path: path, Version: version, SHA256: lib.SHA256, How: lib.How}
	}
	environment.users++
	return &Runtime{library: environment.library}, nil
}

// load initialises the binding's environment with the library at path. The library logs nothing: errors
// are returned and need no second voice.
func load(path string) error {
	if err := silence(); err != nil {
		return err
	}
	binding.SetSharedLibraryPath(path)
	if err := binding.InitializeEnvironment(binding.WithLogLevelFatal()); err != nil {
		return fmt.Errorf("ort: load %s: %w (ONNX Runtime 1.%d or newer for this processor and C library is needed; "+
			"set %s to such a library, or unset it to have one fetched)", path, err, minMinor, EnvVar)
	}
	return nil
}

// checkVersion compares what the loaded library says of itself with what was stated and is needed.
func checkVersion(lib Library, loaded string) error {
	if lib.Version != "" && lib.Version != loaded {
		return fmt.Errorf("ort: %s says it is version %s, expected %s: remove it or point %s elsewhere",
			lib.Path, loaded, lib.Version, EnvVar)
	}
	if !supported(loaded) {
		return fmt.Errorf("ort: %s is version %s; 1.%d or newer of the 1.x line is needed", lib.Path, loaded, minMinor)
	}
	return nil
}

// supported reports whether a version string names a 1.x release with the C API the binding needs.
func supported(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 || parts[0] != "1" {
		return false
	}
	minor, err := strconv.Atoi(parts[1])
	return err == nil && minor >= minMinor
}

// Library returns the library that is loaded, its version as the library itself states it.
func (r *Runtime) Library() Library { return r.library }

// Close gives the reference back; the last one unloads the library. Sessions must be closed before.
func (r *Runtime) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	if r.sessions > 0 {
		return fmt.Errorf("ort: %d sessions are still open", r.sessions)
	}
	r.closed = true
	environment.Lock()
	defer environment.Unlock()
	environment.users--
	if environment.users > 0 {
		return nil
	}
	if err := binding.DestroyEnvironment(); err != nil {
		return fmt.Errorf("ort: unload: %w", err)
	}
	return nil
}

// addSession counts a session in, or refuses when the runtime is closed.
func (r *Runtime) addSession() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	r.sessions++
	return nil
}

// dropSession counts a session out.
func (r *Runtime) dropSession() {
	r.mu.Lock()
	r.sessions--
	r.mu.Unlock()
}
