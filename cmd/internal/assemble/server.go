package assemble

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/cmd/internal/page"
	"github.com/galaxalign/galaxalign/cmd/internal/telemetry"
)

// server answers the page, the metrics and the health checks.
type server struct {
	http    *http.Server
	address string        // "http://host:port"
	ending  chan struct{} // closed when the server is about to stop
	done    chan error
}

// startServer listens at once, so that a taken port is an error here and not later.
func startServer(cfg config.HTTP, run telemetry.Run, feed page.Feed) (*server, error) {
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w; choose another port, or leave it empty for no server", err)
	}
	mux := http.NewServeMux()
	if err := telemetry.Register(mux, run); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s := &server{
		http:    &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second},
		address: "http://" + listener.Addr().String(),
		ending:  make(chan struct{}),
		done:    make(chan error, 1),
	}
	if cfg.Page {
		mux.Handle("/", page.New(feed, page.Options{Done: s.ending}))
	}
	go func() { s.done <- s.http.Serve(listener) }()
	return s, nil
}

// stop lets open answers finish within ctx and waits for the server to end.
func (s *server) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	close(s.ending)
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // viewers that do not hang up are cut off; nothing is lost by that
	}
	return err
}
