package ort

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

// fakeLibrary is what the fake packages hold.
var fakeLibrary = []byte("this is no library, but it has a digest")

// sumOf returns the SHA-256 in hexadecimal digits.
func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// put writes a file and the folders above it.
func put(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// machine is a fake machine in a folder of its own.
type machine struct {
	dir     string
	env     map[string]string
	sources *sources
	opts    Options
}

func newMachine(t *testing.T) *machine {
	m := &machine{dir: t.TempDir(), env: map[string]string{}}
	m.sources = &sources{
		platform: platform{
			file: "libonnxruntime.so." + Version, wheelFile: "inside/lib.so", wheelSum: sumOf(fakeLibrary),
			module: "shipped.so", moduleSum: sumOf([]byte("shipped")),
		},
		known:      true,
		getenv:     func(name string) string { return m.env[name] },
		executable: func() (string, error) { return filepath.Join(m.dir, "bin", "galaxalign"), nil },
		systemDirs: []string{filepath.Join(m.dir, "syslib")},
		moduleDirs: []string{filepath.Join(m.dir, "module")},
	}
	m.opts = Options{CacheDir: filepath.Join(m.dir, "cache"), sources: m.sources}
	return m
}

// cachePath is where the fake machine keeps what it fetched.
func (m *machine) cachePath() string {
	return filepath.Join(m.dir, "cache", "onnxruntime", Version, m.sources.platform.file)
}

// locate runs Locate on the fake machine and checks how the library was found.
func (m *machine) locate(t *testing.T, want How) Library {
	t.Helper()
	lib, err := Locate(t.Context(), m.opts)
	if err != nil {
		t.Fatal(err)
	}
	if lib.How != want {
		t.Errorf("found by %s at %s, want %s", lib.How, lib.Path, want)
	}
	return lib
}

func TestLocateOrder(t *testing.T) {
	m := newMachine(t)
	script := m.pip(t, fakeLibrary, 0)
	m.sources.clients = []client{script}
	m.locate(t, FromFetch)
	m.locate(t, FromCache)
	put(t, filepath.Join(m.dir, "syslib", "libonnxruntime.so."+Version), []byte("system"))
	m.locate(t, FromSystem)
	put(t, filepath.Join(m.dir, "bin", "lib", "libonnxruntime.so"), []byte("own"))
	if lib := m.locate(t, FromExecutable); lib.SHA256 != sumOf([]byte("own")) || lib.Version != "" {
		t.Errorf("library %+v", lib)
	}
	m.env[EnvVar] = put(t, filepath.Join(m.dir, "mine.so"), []byte("mine"))
	if lib := m.locate(t, FromEnvironment); lib.Path != m.env[EnvVar] {
		t.Errorf("library %+v", lib)
	}
}

func TestLocateModuleFolder(t *testing.T) {
	m := newMachine(t)
	put(t, filepath.Join(m.dir, "module", "shipped.so"), []byte("shipped"))
	m.locate(t, FromModule)
	put(t, filepath.Join(m.dir, "module", "shipped.so"), []byte("changed"))
	m.opts.Offline = true
	if _, err := Locate(t.Context(), m.opts); err == nil {
		t.Error("a shipped library with another digest was taken")
	}
}

func TestEnvironmentVariableIsNotPassedOver(t *testing.T) {
	m := newMachine(t)
	put(t, filepath.Join(m.dir, "syslib", "libonnxruntime.so."+Version), []byte("system"))
	m.env[EnvVar] = filepath.Join(m.dir, "absent.so")
	_, err := Locate(t.Context(), m.opts)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), EnvVar) {
		t.Errorf("error %v, want one that names %s", err, EnvVar)
	}
}

func TestOldSystemLibraryIsPassedOver(t *testing.T) {
	m := newMachine(t)
	old := put(t, filepath.Join(m.dir, "syslib", "libonnxruntime.so.1.14.1"), []byte("old"))
	if err := os.Symlink(old, filepath.Join(m.dir, "syslib", "libonnxruntime.so")); err != nil {
		t.Fatal(err)
	}
	m.opts.Offline = true
	_, err := Locate(t.Context(), m.opts)
	if err == nil || !strings.Contains(err.Error(), "1.14.1 is older than 1.24") {
		t.Errorf("error %v, want one that names the old library", err)
	}
}

func TestNotFoundSaysEverythingTried(t *testing.T) {
	m := newMachine(t)
	for _, c := range clients() {
		c.program = []string{"no-such-program-" + c.name}
		m.sources.clients = append(m.sources.clients, c)
	}
	_, err := Locate(t.Context(), m.opts)
	for _, want := range []string{"executable", "system", "cache", "module", "pip download", "npm pack", "not installed", EnvVar, Version} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q: %v", want, err)
		}
	}
}

// pip makes a client whose program writes a zip with the content at the platform's wheelFile, logs its
// call to a file, and ends with the exit code.
func (m *machine) pip(t *testing.T, content []byte, exit int) client {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the fake client is a shell script")
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create(m.sources.platform.wheelFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	ready := put(t, filepath.Join(m.dir, "package"), archive.Bytes())
	script := fmt.Sprintf("#!/bin/sh\necho call >> %q\necho some trouble >&2\ncp %q \"$1/x.whl\"\nexit %d\n",
		filepath.Join(m.dir, "calls"), ready, exit)
	return client{
		name: "fake pip", program: []string{put(t, filepath.Join(m.dir, "fakepip"), []byte(script))}, size: 1000, pattern: "*.whl",
		args:   func(_ platform, dir string) []string { return []string{dir} },
		member: func(p platform) (string, string) { return p.wheelFile, p.wheelSum }, unpack: unzip,
	}
}

func TestFetchChecksTheDigest(t *testing.T) {
	m := newMachine(t)
	m.sources.clients = []client{m.pip(t, []byte("something else"), 0)}
	_, err := Locate(t.Context(), m.opts)
	if err == nil || !strings.Contains(err.Error(), sumOf(fakeLibrary)) {
		t.Errorf("error %v, want one with the digest that was expected", err)
	}
	m.wantClean(t)
}

func TestFetchReportsTheClientsWords(t *testing.T) {
	m := newMachine(t)
	m.sources.clients = []client{m.pip(t, fakeLibrary, 3)}
	_, err := Locate(t.Context(), m.opts)
	if err == nil || !strings.Contains(err.Error(), "some trouble") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error %v, want the client's words", err)
	}
	m.wantClean(t)
}

// wantClean checks that a failed fetch left nothing but the lock.
func (m *machine) wantClean(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(m.cachePath()))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != ".lock" {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestDamagedCacheIsReplaced(t *testing.T) {
	m := newMachine(t)
	m.sources.clients = []client{m.pip(t, fakeLibrary, 0)}
	put(t, m.cachePath(), []byte("half a file"))
	lib := m.locate(t, FromFetch)
	if data, err := os.ReadFile(lib.Path); err != nil || !bytes.Equal(data, fakeLibrary) {
		t.Errorf("the cache holds %q, %v", data, err)
	}
}

func TestConcurrentFetchesRunOneClient(t *testing.T) {
	m := newMachine(t)
	m.sources.clients = []client{m.pip(t, fakeLibrary, 0)}
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			if lib, err := Locate(t.Context(), m.opts); err != nil || lib.SHA256 != sumOf(fakeLibrary) {
				t.Errorf("library %v, error %v", lib, err)
			}
		})
	}
	group.Wait()
	calls, err := os.ReadFile(filepath.Join(m.dir, "calls"))
	if err != nil || string(calls) != "call\n" {
		t.Errorf("the client ran as %q, %v; want once", calls, err)
	}
}

func TestFetchEndsWithTheContext(t *testing.T) {
	m := newMachine(t)
	m.sources.clients = []client{m.pip(t, fakeLibrary, 0)}
	if err := os.MkdirAll(filepath.Dir(m.cachePath()), 0o755); err != nil {
		t.Fatal(err)
	}
	unlock, err := lockFile(t.Context(), filepath.Join(filepath.Dir(m.cachePath()), ".lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Locate(ctx, m.opts); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the cancellation", err)
	}
}

func TestProgressLines(t *testing.T) {
	m := newMachine(t)
	m.sources.clients = []client{m.pip(t, fakeLibrary, 0)}
	var shown bytes.Buffer
	m.opts.Progress = &shown
	m.locate(t, FromFetch)
	if lines := strings.Split(strings.TrimSpace(shown.String()), "\n"); len(lines) < 2 || !strings.Contains(lines[len(lines)-1], "done") {
		t.Errorf("shown: %q", shown.String())
	}
}

func TestProgressBarCountsTheFolder(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a", "b"), make([]byte, 600))
	put(t, filepath.Join(dir, "c"), make([]byte, 400))
	if n := treeSize(dir); n != 1000 {
		t.Errorf("size %d, want 1000", n)
	}
	var shown bytes.Buffer
	_, show := bar(&shown, "library", 2000)
	show(1000, false)
	show(5000, true) // more than expected must not be an error
	if !strings.Contains(shown.String(), "100%") {
		t.Errorf("shown: %q", shown.String())
	}
}

func TestUntar(t *testing.T) {
	var archive bytes.Buffer
	z := gzip.NewWriter(&archive)
	w := tar.NewWriter(z)
	for name, content := range map[string]string{"package/other": "no", "package/lib.so": "yes"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	path := put(t, filepath.Join(t.TempDir(), "x.tgz"), archive.Bytes())
	var got bytes.Buffer
	if err := untar(path, "package/lib.so", &got); err != nil || got.String() != "yes" {
		t.Errorf("unpacked %q, %v", got.String(), err)
	}
	if err := untar(path, "package/absent", &got); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("error %v, want one that names the file", err)
	}
}

func TestPins(t *testing.T) {
	for name, p := range platforms() {
		for what, sum := range map[string]string{"wheel": p.wheelSum, "npm": p.npmSum, "module": p.moduleSum} {
			if sum == "" && what != "wheel" {
				continue
			}
			if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size {
				t.Errorf("%s: %s: %q is no digest", name, what, sum)
			}
			if knownVersion(sum) == "" {
				t.Errorf("%s: the version of the %s library is not known", name, what)
			}
		}
	}
	if knownVersion("") != "" {
		t.Error("an empty digest has a version")
	}
}

func TestBindingVersionIsTheOneInUse(t *testing.T) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("no build information")
	}
	for _, dep := range info.Deps {
		if dep.Path == bindingModule && dep.Version != bindingVersion {
			t.Errorf("the program uses %s %s, the constant says %s", dep.Path, dep.Version, bindingVersion)
		}
	}
}
