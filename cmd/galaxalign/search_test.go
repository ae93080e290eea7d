package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/sink/index"
)

// hit is a line of search --json.
type hit struct {
	ID         string  `json:"record_id"`
	Object     string  `json:"object_id"`
	Label      string  `json:"label"`
	Similarity float64 `json:"similarity"`
	RA, Dec    float64
}

func searched(t *testing.T, args ...string) []hit {
	t.Helper()
	var hits []hit
	for line := range strings.Lines(must(t, append([]string{"search", "--json"}, args...)...)) {
		var h hit
		if err := json.Unmarshal([]byte(line), &h); err != nil {
			t.Fatal(err)
		}
		hits = append(hits, h)
	}
	return hits
}

// TestSearch fills an index and asks it by record, by picture and with filters.
func TestSearch(t *testing.T) {
	n := newNight(t, 20, 0, 64) // 20 different skies
	must(t, "backfill", "-c", n.config, n.sky)
	object := n.packets[7].ObjectID
	picture := filepath.Join(n.sky, object+".fits")
	byPicture := searched(t, "-c", n.config, "--image", picture, "-k", "5")
	if len(byPicture) != 5 || byPicture[0].Object != object || byPicture[0].Similarity < 0.99999 {
		t.Fatalf("nearest to the picture of %s: %+v", object, byPicture)
	}
	self := byPicture[0]
	byRecord := searched(t, "-c", n.config, "--like", self.ID, "-k", "5")
	for i := range byRecord {
		if byRecord[i] != byPicture[i] {
			t.Errorf("hit %d is %+v by record, %+v by picture", i, byRecord[i], byPicture[i])
		}
		if i > 0 && byRecord[i].Similarity > byRecord[i-1].Similarity {
			t.Errorf("hits %+v are not in order", byRecord)
		}
	}
	for _, h := range searched(t, "-c", n.config, "--like", self.ID, "-k", "20", "--label", self.Label) {
		if h.Label != self.Label {
			t.Errorf("asked for %q, got %+v", self.Label, h)
		}
	}
	cone := fmt.Sprintf("%.6f,%.6f,1", self.RA, self.Dec)
	if hits := searched(t, "-c", n.config, "--like", self.ID, "--cone", cone); len(hits) != 1 || hits[0] != self {
		t.Errorf("in a cone of 1 arcsec: %+v", hits)
	}
	contains(t, must(t, "search", "-c", n.config, "--like", self.ID, "-k", "1"), "1.0000  "+self.ID, self.Label, object)
	contains(t, must(t, "search", "-c", n.config, "--like", self.ID, "--before", "1990-01-01T00:00:00Z"), "nothing found")
	searchErrors(t, n, self.ID)
}

// searchErrors asks for what is not there, and for an index that another process holds.
func searchErrors(t *testing.T, n *night, id string) {
	t.Helper()
	_, err := command(t, "search", "-c", n.config, "--like", strings.Repeat("0", 32))
	if err == nil || !strings.Contains(err.Error(), "no such record") {
		t.Errorf("an unknown record: %v", err)
	}
	if _, err := command(t, "search", "-c", n.config, "--like", id[:8]); err == nil || !strings.Contains(err.Error(), "32 hexadecimal digits") {
		t.Errorf("half an id: %v", err)
	}
	model := starterBundle(t)
	x, err := index.Open(index.Config{Dir: filepath.Join(n.dir, "index", model.Manifest.Name), Model: model.Info()})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close(t.Context())
	_, err = command(t, "search", "-c", n.config, "--like", id)
	if err == nil || !strings.Contains(err.Error(), "sinks.index: ") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("an index in use: %v", err)
	}
}
