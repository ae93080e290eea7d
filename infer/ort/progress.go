package ort

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/schollz/progressbar/v3"
)

// watch runs work and shows meanwhile how the files under dir grow towards total bytes: package clients
// give no progress when they do not own the terminal.
func watch(w io.Writer, title string, total int64, dir string, work func() error) error {
	if w == nil {
		return work()
	}
	interval, show := lines(w, title, total)
	if isTerminal(w) {
		interval, show = bar(w, title, total)
	}
	done := make(chan error, 1)
	go func() { done <- work() }()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			show(treeSize(dir), true)
			return err
		case <-ticker.C:
			show(treeSize(dir), false)
		}
	}
}

// bar shows a bar that is redrawn in place.
func bar(w io.Writer, title string, total int64) (time.Duration, func(int64, bool)) {
	b := progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(title),
		progressbar.OptionShowBytes(true), progressbar.OptionSetWidth(30))
	return 100 * time.Millisecond, func(n int64, last bool) {
		_ = b.Set64(min(n, total)) // a bar that cannot be drawn must not stop the work
		if last {
			fmt.Fprintln(w)
		}
	}
}

// lines shows a line at the start, at most one every five seconds, and one at the end. Clients keep
// copies beside the download, so the count stops at the total.
func lines(w io.Writer, title string, total int64) (time.Duration, func(int64, bool)) {
	fmt.Fprintf(w, "fetching %s, about %d MB\n", title, total/1e6)
	return 5 * time.Second, func(n int64, last bool) {
		if last {
			fmt.Fprintf(w, "fetching %s: done\n", title)
			return
		}
		fmt.Fprintf(w, "fetching %s: %d of about %d MB\n", title, min(n, total)/1e6, total/1e6)
	}
}

// isTerminal reports whether w is a character device.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// treeSize adds up the files under dir. Files may vanish while it looks.
func treeSize(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}
