package page

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// events streams the status until the viewer leaves, the run ends or the server stops.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		http.Error(w, "too many viewers: close another window and reload", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	ticker := time.NewTicker(s.opt.Every)
	defer ticker.Stop()
	for {
		st := s.current()
		name := "status"
		if st.Ended || closed(s.opt.Done) {
			name, st.Ended = "end", true
		}
		b, err := json.Marshal(st)
		if err != nil {
			return // a status that JSON cannot hold: the viewer sees the stream end and asks again
		}
		if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, b); err != nil {
			return
		}
		if err := out.Flush(); err != nil || name == "end" {
			return
		}
		select {
		case <-ticker.C:
		case <-s.opt.Done:
		case <-r.Context().Done():
			return
		}
	}
}

// closed says whether a channel is closed; a nil channel is open.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
