package page

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

// get asks a handler and returns the answer with its body.
func get(t *testing.T, h http.Handler, target string) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w.Result(), w.Body.String()
}

func TestEveryAnswerForbidsForeignContent(t *testing.T) {
	f := newFakeFeed(t, 32)
	f.add(t, 1, 48)
	h := New(f, Options{})
	for target, code := range map[string]int{
		"/": 200, "/app.js": 200, "/page.css": 200, "/icon.svg": 200, "/api/status": 200, "/api/newest": 200,
		"/thumb/" + f.Newest(1)[0].ID + ".png": 200, "/nowhere": 404, "/thumb/none.png": 404, "/api/newest?n=x": 400,
	} {
		r, _ := get(t, h, target)
		if r.StatusCode != code {
			t.Errorf("%s answers %d, want %d", target, r.StatusCode, code)
		}
		csp := r.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: policy %q", target, csp)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/status", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST answers %d", w.Code)
	}
}

func TestFilesHaveNothingInlineAndNothingForeign(t *testing.T) {
	inline := regexp.MustCompile(`(?i)\son[a-z]+\s*=\s*["']|\sstyle\s*=|javascript:|<script>|<style>|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(`)
	foreign := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.-]+\.[a-z]{2,}`)
	err := fs.WalkDir(web, "web", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(web, path)
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(b), "http://www.w3.org/2000/svg", "")
		if m := inline.FindString(text); m != "" {
			t.Errorf("%s contains %q", path, m)
		}
		if m := foreign.FindString(text); m != "" {
			t.Errorf("%s refers to %q", path, m)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStatusHasRatesAndTheAccount(t *testing.T) {
	f := newFakeFeed(t, 32)
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	h := New(f, Options{Now: func() time.Time { return now }})
	read := func() (st Status) {
		_, body := get(t, h, "/api/status")
		if err := json.Unmarshal([]byte(body), &st); err != nil {
			t.Fatal(err)
		}
		return st
	}
	read()
	for range 20 { // 40 a second for ten seconds: the rate is over the last five
		now = now.Add(500 * time.Millisecond)
		f.mu.Lock()
		for i := range f.status.Stages {
			f.status.Stages[i].Count += 20
		}
		f.status.Account.Received += 20
		f.status.Account.Written += 18
		f.status.Account.InFlight += 2
		f.mu.Unlock()
		read()
	}
	st := read()
	if r := st.Stages[2].Rate; math.Abs(r-40) > 0.5 {
		t.Errorf("rate %g, want 40", r)
	}
	if !st.Account.Holds || !st.Now.Equal(now) {
		t.Errorf("account %+v at %v", st.Account, st.Now)
	}
	f.mu.Lock()
	f.status.Account.Written--
	f.status.Latency = Latency{P50: math.NaN(), P99: math.Inf(1)}
	f.status.Lags, f.status.Faults = nil, nil
	f.status.Stages[0].Count = 0 // a new run
	f.mu.Unlock()
	now = now.Add(time.Second)
	_, body := get(t, h, "/api/status")
	for _, want := range []string{`"holds":false`, `"p50":-1`, `"p99":-1`, `"lags":[]`, `"faults":[]`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing from %s", want, body)
		}
	}
	if st = read(); st.Stages[0].Rate != 0 {
		t.Errorf("a count that fell has rate %g", st.Stages[0].Rate)
	}
}

func TestNewestAndThumbnails(t *testing.T) {
	f := newFakeFeed(t, 32)
	h := New(f, Options{})
	if _, body := get(t, h, "/api/newest"); body != "[]" {
		t.Errorf("nothing yet is %q, want []", body)
	}
	for i := range uint64(9) {
		f.add(t, i, 48)
	}
	var items []Item
	r, body := get(t, h, "/api/newest?n=4")
	if err := json.Unmarshal([]byte(body), &items); err != nil {
		t.Fatal(err)
	}
	if len(items) != 4 || items[0].ObjectID != "SIM0005-000000008" || r.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d items, first %+v", len(items), items[0])
	}
	r, body = get(t, h, "/thumb/"+items[0].ID+".png")
	if r.Header.Get("Content-Type") != "image/jpeg" || len(body) < 200 {
		t.Errorf("picture of %s, %d bytes", r.Header.Get("Content-Type"), len(body))
	}
	for _, target := range []string{"/thumb/" + items[0].ID, "/thumb/..%2f..%2fetc.png", "/thumb/%3Cscript%3E.png"} {
		if r, _ := get(t, h, target); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", target, r.StatusCode)
		}
	}
	f.ring.Add(Item{ID: "page"}, func() []byte { return []byte("<html><script>alert(1)</script>") })
	if r, _ := get(t, h, "/thumb/page.png"); r.StatusCode != http.StatusNotFound {
		t.Errorf("bytes that are no picture answer %d", r.StatusCode)
	}
}

func TestNeighbours(t *testing.T) {
	f := newFakeFeed(t, 32)
	for i := range uint64(12) {
		f.add(t, i, 32)
	}
	h := New(f, Options{})
	id := f.Newest(1)[0].ID
	var items []Item
	_, body := get(t, h, "/api/neighbours?k=5&id="+id)
	if err := json.Unmarshal([]byte(body), &items); err != nil {
		t.Fatal(err)
	}
	if len(items) != 5 {
		t.Fatalf("%d neighbours, want 5", len(items))
	}
	for i := range items {
		if items[i].ID == id || i > 0 && items[i].Similarity > items[i-1].Similarity {
			t.Errorf("neighbour %d: %s with %g", i, items[i].ID, items[i].Similarity)
		}
	}
	for target, code := range map[string]int{"id=unknown": 404, "id=": 400, "id=%3Cb%3E": 400, "k=0&id=" + id: 400, "k=101&id=" + id: 400} {
		if r, _ := get(t, h, "/api/neighbours?"+target); r.StatusCode != code {
			t.Errorf("%s answers %d, want %d", target, r.StatusCode, code)
		}
	}
	r, body := get(t, New(downFeed{f}, Options{}), "/api/neighbours?id="+id)
	if r.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "index away") {
		t.Errorf("a failing index answers %d: %s", r.StatusCode, body)
	}
}

// downFeed is a feed whose search is away and whose items hold numbers that JSON does not know.
type downFeed struct{ *fakeFeed }

func (downFeed) Neighbours(context.Context, string, int) ([]Item, error) {
	return nil, errors.New("index away")
}

func (downFeed) Newest(int) []Item {
	nan := float32(math.NaN())
	return []Item{{ID: "a", RA: math.NaN(), HasPosition: true, Probability: nan, Probabilities: []float32{0.5, nan}, Similarity: nan}}
}

func TestNumbersThatJSONDoesNotKnow(t *testing.T) {
	_, body := get(t, New(downFeed{newFakeFeed(t, 32)}, Options{}), "/api/newest")
	var items []Item
	if err := json.Unmarshal([]byte(body), &items); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if it := items[0]; it.HasPosition || it.Probability != 0 || it.Probabilities[0] != 0.5 || it.Probabilities[1] != 0 {
		t.Errorf("%+v", it)
	}
}

// stream opens the events of a server and returns a reader of (name, data) pairs.
func stream(t *testing.T, url string) func() (name string, st Status, err error) {
	t.Helper()
	r, err := http.Get(url + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Body.Close() })
	if kind := r.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("content type %q", kind)
	}
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 1<<20)
	return func() (name string, st Status, err error) {
		for lines.Scan() {
			if v, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = v
			}
			if v, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return name, st, json.Unmarshal([]byte(v), &st)
			}
		}
		return "", st, io.EOF
	}
}

func TestEventsFollowTheRunToItsEnd(t *testing.T) {
	f := newFakeFeed(t, 32)
	srv := httptest.NewServer(New(f, Options{Every: 50 * time.Millisecond}))
	defer srv.Close()
	defer http.DefaultClient.CloseIdleConnections()
	next := stream(t, srv.URL)
	for range 2 {
		if name, st, err := next(); name != "status" || st.Ended || err != nil {
			t.Fatalf("%s, %v", name, err)
		}
	}
	f.mu.Lock()
	f.status.Ended, f.status.EndNote = true, "done"
	f.mu.Unlock()
	for {
		name, st, err := next()
		if err != nil {
			t.Fatal(err)
		}
		if name == "end" {
			if !st.Ended || st.EndNote != "done" {
				t.Errorf("last status %+v", st)
			}
			break
		}
	}
	if _, _, err := next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestEventsEndWhenTheServerStops(t *testing.T) {
	done := make(chan struct{})
	srv := httptest.NewServer(New(newFakeFeed(t, 32), Options{Every: time.Hour, Done: done}))
	defer srv.Close()
	defer http.DefaultClient.CloseIdleConnections()
	next := stream(t, srv.URL)
	if name, _, err := next(); name != "status" || err != nil {
		t.Fatalf("%s, %v", name, err)
	}
	close(done)
	if name, st, err := next(); name != "end" || !st.Ended || err != nil {
		t.Fatalf("%s, %v", name, err)
	}
}

func TestViewersAreBounded(t *testing.T) {
	done := make(chan struct{})
	srv := httptest.NewServer(New(newFakeFeed(t, 32), Options{Every: time.Hour, MaxStreams: 1, Done: done}))
	defer srv.Close()
	defer http.DefaultClient.CloseIdleConnections()
	next := stream(t, srv.URL)
	if _, _, err := next(); err != nil {
		t.Fatal(err)
	}
	r, err := http.Get(srv.URL + "/api/events")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a viewer too many gets %d", r.StatusCode)
	}
	close(done)
}

func TestItemOfKeepsNothingOfTheRecord(t *testing.T) {
	f := newFakeFeed(t, 32)
	r := f.record(7, 3)
	it := ItemOf(&r)
	p, object := it.Probabilities[0], it.ObjectID
	r.Probabilities[0] = 99
	copy(r.ObjectID, "XXXXXXXX")
	if it.Probabilities[0] != p || it.ObjectID != object {
		t.Error("the item shares memory with the record")
	}
	if it.Flags != "nan_pixels,edge" || it.Origin != "cutouts/1@2" || it.ID != r.ID.String() || !it.HasPosition {
		t.Errorf("%+v", it)
	}
	r.RA, r.Label = math.NaN(), 99
	if it := ItemOf(&r); it.HasPosition || it.Label != "" {
		t.Errorf("an unknown position and label give %+v", it)
	}
}
