package ort

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// EnvVar names the environment variable that points at a library of the user's own.
const EnvVar = "GALAXALIGN_ONNXRUNTIME"

// Options steer Locate. The zero value searches everywhere, fetches when nothing is found, and is silent.
type Options struct {
	// Progress receives what a person sees while the library is fetched: a bar when it is a terminal,
	// plain lines otherwise. Nil is silent.
	Progress io.Writer
	// CacheDir is the folder under which fetched libraries are kept; empty means galaxalign in the
	// user's cache folder ($XDG_CACHE_HOME, else ~/.cache).
	CacheDir string
	// Offline forbids fetching.
	Offline bool

	sources *sources // nil means the real machine; tests put their own
}

// sources is what Locate knows of the machine.
type sources struct {
	platform   platform
	known      bool // platform has pinned digests
	getenv     func(string) string
	executable func() (string, error)
	systemDirs []string
	moduleDirs []string
	clients    []client
}

// Locate finds the ONNX Runtime library: the path in $GALAXALIGN_ONNXRUNTIME, beside the executable, in
// the system's library folders, in the cache, in the binding's module folder, or fetched with a package
// client that is on the machine. The variable, when set, is the only place looked at. The error of a
// failed search names every place and what to do.
func Locate(ctx context.Context, opts Options) (Library, error) {
	src := opts.sources
	if src == nil {
		src = realSources()
	}
	if path := src.getenv(EnvVar); path != "" {
		return fromEnvironment(path)
	}
	cache, err := opts.cacheDir()
	if err != nil {
		return Library{}, err
	}
	var tried []error
	steps := []func() (Library, error){
		src.besideExecutable,
		src.inSystem,
		func() (Library, error) { return src.inCache(cache) },
		src.inModule,
		func() (Library, error) { return fetch(ctx, opts, src, cache) },
	}
	for _, step := range steps {
		lib, err := step()
		if err == nil {
			return lib, nil
		}
		if ctx.Err() != nil {
			return Library{}, fmt.Errorf("ort: %w", ctx.Err())
		}
		tried = append(tried, err)
	}
	return Library{}, notFound(tried)
}

// notFound joins what was tried, one line each, and says the way out.
func notFound(tried []error) error {
	lines := make([]string, len(tried))
	for i, err := range tried {
		lines[i] = "  - " + strings.ReplaceAll(err.Error(), "\n", "\n    ")
	}
	return fmt.Errorf("ort: no ONNX Runtime library:\n%s\nto fix it, install Python with pip or Node with npm so that "+
		"it can be fetched, or set %s to the path of libonnxruntime %s", strings.Join(lines, "\n"), EnvVar, Version)
}

// cacheDir returns the folder of this version in the cache.
func (o Options) cacheDir() (string, error) {
	root := o.CacheDir
	if root == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("ort: no cache folder: %w (set XDG_CACHE_HOME)", err)
		}
		root = filepath.Join(base, "galaxalign")
	}
	return filepath.Join(root, "onnxruntime", Version), nil
}

// fromEnvironment takes the user's own library, whatever its version: Open checks it.
func fromEnvironment(path string) (Library, error) {
	lib, err := describe(path, FromEnvironment)
	if err != nil {
		return Library{}, fmt.Errorf("ort: %s=%s: %w (correct or unset the variable)", EnvVar, path, err)
	}
	return lib, nil
}

// besideExecutable looks in the folder of the running program and its lib folder.
func (s *sources) besideExecutable() (Library, error) {
	exe, err := s.executable()
	if err != nil {
		return Library{}, fmt.Errorf("beside the executable: %w", err)
	}
	dir := filepath.Dir(exe)
	for _, folder := range []string{dir, filepath.Join(dir, "lib")} {
		for _, name := range s.platform.fileNames() {
			if lib, err := describe(filepath.Join(folder, name), FromExecutable); err == nil {
				return lib, nil
			}
		}
	}
	return Library{}, fmt.Errorf("beside the executable: no %s in %s", s.platform.file, dir)
}

// systemVersion finds the version in the resolved name of a system library.
var systemVersion = regexp.MustCompile(`libonnxruntime(?:\.so)?\.(\d+\.\d+\.\d+)(?:\.dylib)?$`)

// inSystem takes a library of a system folder only when its resolved name states a usable version:
// an old one would be loaded only to fail.
func (s *sources) inSystem() (Library, error) {
	var old []string
	for _, folder := range s.systemDirs {
		for _, name := range s.platform.fileNames() {
			path, err := filepath.EvalSymlinks(filepath.Join(folder, name))
			if err != nil {
				continue
			}
			m := systemVersion.FindStringSubmatch(path)
			if m == nil || !supported(m[1]) {
				old = append(old, path)
				continue
			}
			if lib, err := describe(path, FromSystem); err == nil {
				return lib, nil
			}
		}
	}
	if len(old) > 0 {
		return Library{}, fmt.Errorf("system: %s is older than 1.%d or does not state its version (name it by %s to use it)",
			strings.Join(old, ", "), minMinor, EnvVar)
	}
	return Library{}, fmt.Errorf("system: no %s in %s", s.platform.file, strings.Join(s.systemDirs, ", "))
}

// inCache takes a library that an earlier run fetched, when its digest is still a pinned one.
func (s *sources) inCache(cache string) (Library, error) {
	path := filepath.Join(cache, s.platform.file)
	lib, err := describe(path, FromCache)
	if errors.Is(err, os.ErrNotExist) {
		return Library{}, fmt.Errorf("cache: no %s", path)
	}
	if err != nil {
		return Library{}, fmt.Errorf("cache: %w", err)
	}
	if !s.platform.fetched(lib.SHA256) {
		return Library{}, fmt.Errorf("cache: %s has sha256 %s, which is not pinned: it will be replaced", path, lib.SHA256)
	}
	return lib, nil
}

// inModule takes the library that the binding's module ships for this platform.
func (s *sources) inModule() (Library, error) {
	if s.platform.module == "" {
		return Library{}, fmt.Errorf("module folder: %s ships no library for %s/%s", bindingModule, runtime.GOOS, runtime.GOARCH)
	}
	for _, dir := range s.moduleDirs {
		lib, err := describe(filepath.Join(dir, s.platform.module), FromModule)
		if err == nil && lib.SHA256 == s.platform.moduleSum {
			return lib, nil
		}
	}
	return Library{}, fmt.Errorf("module folder: no pinned %s in %s", s.platform.module, strings.Join(s.moduleDirs, ", "))
}

// describe hashes a file and names its version where the digest is known.
func describe(path string, how How) (Library, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Library{}, err
	}
	sum, err := hashFile(abs)
	if err != nil {
		return Library{}, err
	}
	return Library{Path: abs, Version: knownVersion(sum), SHA256: sum, How: how}, nil
}

// hashFile returns the SHA-256 of a file.
func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// realSources describes this machine.
func realSources() *sources {
	p, known := thisPlatform()
	return &sources{
		platform:   p,
		known:      known,
		getenv:     os.Getenv,
		executable: os.Executable,
		systemDirs: systemDirs(os.Getenv),
		moduleDirs: moduleDirs(os.Getenv),
		clients:    clients(),
	}
}

// systemDirs lists the loader's folders: the user's search path first.
func systemDirs(getenv func(string) string) []string {
	switch runtime.GOOS {
	case "windows":
		return nil // a library of the system folder there is usually the one of the operating system itself
	case "darwin":
		dirs := filepath.SplitList(getenv("DYLD_LIBRARY_PATH"))
		return append(dirs, "/opt/homebrew/lib", "/usr/local/lib")
	}
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	dirs := filepath.SplitList(getenv("LD_LIBRARY_PATH"))
	return append(dirs, "/usr/local/lib", filepath.Join("/usr/lib", triplet), "/usr/lib64", "/usr/lib")
}

// moduleDirs lists where the Go module cache may hold the binding.
func moduleDirs(getenv func(string) string) []string {
	var roots []string
	if dir := getenv("GOMODCACHE"); dir != "" {
		roots = append(roots, dir)
	}
	for _, gopath := range filepath.SplitList(getenv("GOPATH")) {
		roots = append(roots, filepath.Join(gopath, "pkg", "mod"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		roots = append(roots, filepath.Join(home, "go", "pkg", "mod"))
	}
	for i, root := range roots {
		roots[i] = filepath.Join(root, filepath.FromSlash(bindingModule)+"@"+bindingVersion, "test_data")
	}
	return roots
}
