package page

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed web
var web embed.FS

// ErrUnknown says that no item has the id asked for.
var ErrUnknown = errors.New("no such item")

// Options of the page.
type Options struct {
	// Done is closed when the server is about to stop: every open event stream sends a last status and
	// ends. nil means never; streams then end with their connections.
	Done <-chan struct{}
	// Every is the time between two events; default 500 ms, at least 50 ms.
	Every time.Duration
	// MaxStreams is the most event streams open at once; more are refused with 503. Default 64.
	MaxStreams int
	// Now tells the time; default time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Every == 0 {
		o.Every = 500 * time.Millisecond
	}
	o.Every = max(o.Every, 50*time.Millisecond)
	if o.MaxStreams <= 0 {
		o.MaxStreams = 64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// policy is the Content-Security-Policy of every answer: own files only, nothing inline, no framing.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// The most items one request can ask for.
const (
	maxNewest     = 500
	maxNeighbours = 100
)

// server answers the requests of the page.
type server struct {
	feed    Feed
	opt     Options
	rates   rates
	streams chan struct{} // one token an open event stream
}

// New returns the page as a handler:
//
//	GET /                          the page and its files
//	GET /api/status                Status
//	GET /api/newest?n=60           items, newest first
//	GET /api/neighbours?id=&k=12   items, most similar first
//	GET /api/events                server-sent events: "status" about twice a second, "end" once
//	GET /thumb/{id}.png            the picture of an item
//
// The handler starts no goroutine. The http.Server that serves it must not have a WriteTimeout shorter
// than a viewer stays, or none.
func New(feed Feed, opt Options) http.Handler {
	opt = opt.withDefaults()
	s := &server{feed: feed, opt: opt, streams: make(chan struct{}, opt.MaxStreams)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/status", s.status)
	mux.HandleFunc("GET /api/newest", s.newest)
	mux.HandleFunc("GET /api/neighbours", s.neighbours)
	mux.HandleFunc("GET /api/events", s.events)
	mux.HandleFunc("GET /thumb/{file}", s.thumb)
	files, err := fs.Sub(web, "web")
	if err == nil {
		mux.Handle("GET /", http.FileServerFS(files))
	}
	return guarded(mux)
}

// guarded adds the headers that keep a browser from doing anything but show the page.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// current returns the status with what the page works out itself.
func (s *server) current() Status {
	st := s.feed.Status()
	if st.Now.IsZero() {
		st.Now = s.opt.Now()
	}
	st.Account.Holds = st.Account.missing() == 0
	st.tidy()
	s.rates.fill(&st)
	return st
}

func (s *server) status(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.current()) }

func (s *server) newest(w http.ResponseWriter, r *http.Request) {
	n, err := count(r, "n", 60, maxNewest)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, tidy(s.feed.Newest(n)))
}

func (s *server) neighbours(w http.ResponseWriter, r *http.Request) {
	k, err := count(r, "k", 12, maxNeighbours)
	id := r.FormValue("id")
	if err == nil && !validID(id) {
		err = errors.New("id must be 1 to 64 letters, digits, dots, dashes or underscores")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	items, err := s.feed.Neighbours(r.Context(), id, k)
	switch {
	case errors.Is(err, ErrUnknown):
		http.Error(w, "this object is no longer held", http.StatusNotFound)
	case err != nil:
		http.Error(w, "the search failed: "+err.Error(), http.StatusServiceUnavailable)
	default:
		writeJSON(w, tidy(items))
	}
}

func (s *server) thumb(w http.ResponseWriter, r *http.Request) {
	id, ok := strings.CutSuffix(r.PathValue("file"), ".png")
	if !ok || !validID(id) {
		http.NotFound(w, r)
		return
	}
	pic, ok := s.feed.Thumb(id)
	if !ok {
		http.NotFound(w, r)
		return
	}
	kind := http.DetectContentType(pic)
	if kind != "image/png" && kind != "image/jpeg" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(pic)))
	w.Header().Set("Cache-Control", "private, max-age=3600, immutable")
	_, _ = w.Write(pic) // the viewer went away: nobody is left to tell
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the answer cannot be written: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b) // the viewer went away: nobody is left to tell
}

// count reads a number from 1 to most, or the default when it is absent.
func count(r *http.Request, name string, standard, most int) (int, error) {
	v := r.FormValue(name)
	if v == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s must be a number from 1 to %d", name, most)
	}
	return n, nil
}

// validID says whether an id has a form that this page hands out.
func validID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
