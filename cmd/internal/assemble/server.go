package assemble

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/galaxalign/galaxalign/cmd/internal/page"
	"github.com/galaxalign/galaxalign/cmd/internal/telemetry"
)

// Limits of the server.
const (
	headerTimeout = 5 * time.Second // for a request's header to arrive
	stopTimeout   = 2 * time.Second // for open answers to finish at the stop
)

// server answers the page, the metrics and the health checks.
type server struct {
	listener net.Listener
	address  string        // "http://host:port"
	http     *http.Server  // nil until start
	ending   chan struct{} // closed when the server is about to stop
	done     chan error
}

// listen takes the port; requests wait until start.
func listen(address string) (*server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w; choose another port (write host:port; port 0 takes any free one), or leave it empty for no server", err)
	}
	return &server{
		listener: listener, address: "http://" + listener.Addr().String(),
		ending: make(chan struct{}), done: make(chan error, 1),
	}, nil
}

// start answers requests until stop; without a feed there is no page.
func (s *server) start(run telemetry.Run, feed page.Feed) error {
	mux := http.NewServeMux()
	if err := telemetry.Register(mux, run); err != nil {
		return err
	}
	if feed != nil {
		mux.Handle("/", page.New(feed, page.Options{Done: s.ending}))
	}
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}
	go func() { s.done <- s.http.Serve(s.listener) }()
	return nil
}

// stop lets open answers finish within ctx and waits for the server to end.
func (s *server) stop(ctx context.Context) error {
	if s.http == nil {
		return s.listener.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
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
