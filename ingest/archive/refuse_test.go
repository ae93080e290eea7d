package archive

import (
	"context"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
)

// TestARefusedItemMeetsAFullWindow: the item waits for room, like one that is delivered, and goes on when a
// message before it is finished.
func TestARefusedItemMeetsAFullWindow(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.fits"), []byte("first"))
	write(t, filepath.Join(dir, "b.fits"), make([]byte, 200))
	write(t, filepath.Join(dir, "c.fits"), []byte("last"))
	kept := &letters{}
	s := openT(t, Config{Paths: []string{dir}, MaxMessageBytes: 100, WindowMessages: 1, Refused: kept})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	first, err := s.Fetch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var last []*ingest.Message
	fetched := make(chan error, 1)
	go func() {
		var err error
		last, err = s.Fetch(ctx)
		fetched <- err
	}()
	select {
	case err := <-fetched:
		t.Fatalf("fetched past a full window: %v", err)
	case <-time.After(50 * time.Millisecond): // long enough for Fetch to be waiting
	}
	first[0].Finish(ingest.Written)
	if err := <-fetched; err != nil || len(last) != 1 || string(last[0].Value) != "last" {
		t.Fatalf("after the finish: %d messages, %v", len(last), err)
	}
	last[0].Finish(ingest.Written)
	if _, err := s.Fetch(ctx); err != io.EOF {
		t.Error(err)
	}
	if p := s.Progress()[0]; p.Written != 2 || p.Quarantined != 1 || len(kept.list) != 1 {
		t.Errorf("progress %+v, letters %q", p, kept.list)
	}
}
