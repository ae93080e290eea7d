package main

import (
	"encoding/json"
	"image"
	_ "image/jpeg"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The demo's survey breaks one packet in spoilEvery and publishes one in repeatEvery twice.
const (
	spoilEvery  = 211
	repeatEvery = 173
)

// expected is the account of a demo that published so many messages.
func expected(published int) account {
	packets := published
	for packets+packets/repeatEvery > published {
		packets--
	}
	a := account{published: published, received: published, duplicates: packets / repeatEvery, quarantined: packets / spoilEvery}
	a.written = published - a.duplicates - a.quarantined
	return a
}

// TestDemo watches a demo of a few seconds as a viewer would, and then compares its account with its files.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	demo := launch(t.Context(), "demo", "--duration", "4s", "--rate", "60", "--listen", "127.0.0.1:0", "--dir", dir)
	watchDemo(t, demo.page(t))
	if err := <-demo.ended; err != nil {
		t.Errorf("%v\n%s", err, &demo.out)
	}
	out := demo.out.String()

	a := readAccount(t, out)
	t.Logf("%+v", a)
	if want := expected(a.published); a != want {
		t.Errorf("the account is %+v, want %+v", a, want)
	}
	contains(t, out, "Ctrl-C to stop", "from publication to durable: p50", filepath.Join(dir, "arrow"), filepath.Join(dir, "index"))
	rows := distinct(t, "Arrow", readArrow(t, filepath.Join(dir, "arrow")), 64)
	if len(rows) != a.written {
		t.Errorf("%d records in Arrow files, %d written", len(rows), a.written)
	}
	checkIndex(t, filepath.Join(dir, "index"), starterBundle(t), rows)
}

// watchDemo asks everything that the page and the monitoring of a run ask.
func watchDemo(t *testing.T, address string) {
	t.Helper()
	var status struct {
		Model   struct{ Name string }
		Account struct {
			Received, Written int
			Holds             bool
		}
		Faults []string
	}
	await(t, time.Minute, "records on the page", func() bool {
		code, body, err := get(address + "/api/status")
		if err != nil || code != http.StatusOK {
			t.Fatalf("/api/status: %d %v", code, err)
		}
		if err := json.Unmarshal([]byte(body), &status); err != nil {
			t.Fatal(err)
		}
		return status.Account.Written > 0
	})
	if status.Model.Name != "starter" || !status.Account.Holds || len(status.Faults) > 0 {
		t.Errorf("/api/status: %+v", status)
	}
	m, err := scrape(address)
	if err != nil {
		t.Fatal(err)
	}
	if !m.balanced() || m.outcome("written") == 0 || m["galaxalign_sink_healthy{sink=\"index\"}"] != 1 {
		t.Errorf("/metrics: %v", m)
	}
	for path, want := range map[string]string{"/readyz": "ready\n", "/healthz": "ok\n", "/": "<!doctype html>"} {
		code, body, err := get(address + path)
		if err != nil || code != http.StatusOK || !strings.HasPrefix(strings.ToLower(body), want) {
			t.Errorf("%s: %d %v %.80q, want %q", path, code, err, body, want)
		}
	}
	watchItems(t, address)
}

// watchItems looks at the newest galaxy, its picture and its neighbours.
func watchItems(t *testing.T, address string) {
	t.Helper()
	type item struct {
		ID, Label  string
		Similarity float64
	}
	list := func(path string) (items []item) {
		code, body, err := get(address + path)
		if err != nil || code != http.StatusOK {
			t.Fatalf("%s: %d %v %s", path, code, err, body)
		}
		if err := json.Unmarshal([]byte(body), &items); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return items
	}
	newest := list("/api/newest?n=5")
	if len(newest) == 0 || len(newest) > 5 || newest[0].Label == "" {
		t.Fatalf("the newest are %+v", newest)
	}
	code, picture, err := get(address + "/thumb/" + newest[0].ID + ".png")
	if err != nil || code != http.StatusOK {
		t.Errorf("picture of %s: %d %v", newest[0].ID, code, err)
	}
	if _, _, err := image.Decode(strings.NewReader(picture)); err != nil {
		t.Errorf("picture of %s: %v", newest[0].ID, err)
	}
	for _, near := range list("/api/neighbours?k=3&id=" + newest[0].ID) {
		if near.ID == newest[0].ID || near.Similarity < -1 || near.Similarity > 1.00001 {
			t.Errorf("neighbour of %s: %+v", newest[0].ID, near)
		}
	}
}
