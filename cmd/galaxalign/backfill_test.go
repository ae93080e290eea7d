package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest/archive"
	"github.com/galaxalign/galaxalign/ingest/simulate"
)

const filesConfig = `
source: {survey: simulated, kafka: {window_messages: %d}}
models: [{bundle: %q}]
pipeline: {batch_rows: 4, flush_wait: 50ms}
sinks: {arrow: {dir: %q}, index: {dir: %q}}
dead_letters: {dir: %q}
http: {listen: 127.0.0.1:0}
`

// night is a folder of simulated cutouts and what it takes to read it.
type night struct {
	dir, sky, config string
	packets          []simulate.Packet
}

// newNight makes files of the first packets, a tar of the others, and a configuration. The small window
// makes a backfill slow enough to be interrupted.
func newNight(t *testing.T, files, inTar, window int) *night {
	t.Helper()
	dir := t.TempDir()
	n := &night{dir: dir, sky: filepath.Join(dir, "sky")}
	n.packets = skies(t, simulate.Config{Seed: 3, Size: 32, Distinct: 20}, files+inTar)
	for _, p := range n.packets[:files] {
		save(t, n.sky, p.ObjectID+".fits", p.Value)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, p := range n.packets[files:] {
		header := &tar.Header{Name: "night/" + p.ObjectID + ".fits", Mode: 0o644, Size: int64(len(p.Value))}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(p.Value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	save(t, n.sky, "more.tar", b.Bytes())
	n.config = save(t, dir, "night.yaml", fmt.Appendf(nil, filesConfig, window, starterBundle(t).Dir,
		filepath.Join(dir, "arrow"), filepath.Join(dir, "index"), filepath.Join(dir, "dead")))
	return n
}

// objects are the names of all packets.
func (n *night) objects() map[string]bool {
	out := map[string]bool{}
	for _, p := range n.packets {
		out[p.ObjectID] = true
	}
	return out
}

// interrupted runs a backfill until it has finished so many items, then stops it as an interrupt does.
func interrupted(t *testing.T, enough int, args ...string) account {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	backfill := launch(ctx, args...)
	address := backfill.page(t)
	await(t, time.Minute, "items to be finished", func() bool {
		m, err := scrape(address)
		return err != nil || m.sum("galaxalign_messages_finished_total") >= float64(enough)
	})
	interrupt()
	if err := <-backfill.ended; err != nil {
		t.Errorf("%v\n%s", err, &backfill.out)
	}
	return readAccount(t, backfill.out.String())
}

// TestBackfill reads a folder with a tar and a file that is no picture, is interrupted, goes on where it
// stopped, and finds nothing to do the third time.
func TestBackfill(t *testing.T) {
	n := newNight(t, 150, 90, 16)
	broken := []byte("SIMPLE  =                    T / and then nothing")
	save(t, n.sky, "broken.fits", broken)
	args := []string{"backfill", "-c", n.config, n.sky}
	first := interrupted(t, 20, args...)
	if first.received == first.givenBack || first.received >= 240 {
		t.Fatalf("not interrupted in the middle: %+v", first)
	}
	second := readAccount(t, must(t, args...))
	t.Logf("first %+v, then %+v", first, second)
	if got := first.written + second.written; got != 240 {
		t.Errorf("%d written by the two runs, want 240", got)
	}
	if first.quarantined+second.quarantined != 1 || second.givenBack != 0 {
		t.Errorf("first %+v, then %+v", first, second)
	}
	if third := readAccount(t, must(t, args...)); third.received != 0 {
		t.Errorf("the third run received %+v", third)
	}
	rows := distinct(t, "Arrow", readArrow(t, filepath.Join(n.dir, "arrow")), 64)
	sameObjects(t, "Arrow", rows, n.objects())
	checkIndex(t, filepath.Join(n.dir, "index"), starterBundle(t), rows)

	letters, err := filepath.Glob(filepath.Join(n.dir, "dead", "*.json"))
	if err != nil || len(letters) != 1 {
		t.Fatalf("letters %v, %v", letters, err)
	}
	letter, payload, err := archive.ReadLetter(letters[0])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(payload, broken) || letter.Reason == "" || letter.Detail == "" || filepath.Base(letter.Origin.Path) != "broken.fits" {
		t.Errorf("letter %+v with %q", letter, payload)
	}

	save(t, n.sky, "000-late.fits", n.packets[0].Value)
	_, err = command(t, args...)
	if !errors.Is(err, archive.ErrChanged) {
		t.Fatalf("a file was added before those that were read: %v", err)
	}
	contains(t, err.Error(), "remove the state file to read everything from the beginning")
}

// TestBackfillIncludes reads only the names asked for, into a state file of the caller's.
func TestBackfillIncludes(t *testing.T) {
	n := newNight(t, 6, 4, 64)
	save(t, n.sky, "notes.txt", []byte("seeing was poor"))
	state := filepath.Join(n.dir, "somewhere", "state")
	a := readAccount(t, must(t, "backfill", "-c", n.config, "--include", "*.fits", "--state", state, n.sky))
	if a.written != 10 || a.quarantined != 0 {
		t.Errorf("%+v, want 10 written and no notes", a)
	}
	if _, err := os.Stat(state); err != nil {
		t.Error(err)
	}
}
