package assemble

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/infer/ort/orttest"
	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest"
)

// idleSource has nothing to deliver and counts how often it was closed.
type idleSource struct{ closed atomic.Int32 }

func (*idleSource) Name() string                                     { return "idle" }
func (*idleSource) Fetch(context.Context) ([]*ingest.Message, error) { return nil, io.EOF }
func (*idleSource) Progress() []ingest.Progress                      { return nil }
func (s *idleSource) Close(context.Context) error {
	s.closed.Add(1)
	return nil
}

// starterConfig is a configuration of the starter model into Arrow files.
func starterConfig(t *testing.T) *config.Config {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	bundle := filepath.Join(dir, "starter")
	if err := starter.Unpack(bundle); err != nil {
		t.Fatal(err)
	}
	cfg.Models = []config.Model{{Bundle: bundle}}
	cfg.Sinks.Arrow.Dir = filepath.Join(dir, "arrow")
	cfg.DeadLetters.Dir = filepath.Join(dir, "dead")
	cfg.Pipeline.DrainTimeout = config.Duration(time.Second)
	return &cfg
}

// TestAFailedOpenLeavesNothingOpen: what is still open would show as an error of closing the model or the
// runtime, as a source that was not closed, or as a folder that the second try finds locked.
func TestAFailedOpenLeavesNothingOpen(t *testing.T) {
	rt := orttest.Open(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg := starterConfig(t)
	for _, c := range []struct {
		name, says string
		spoil      func(*config.Config)
	}{
		{"the port is taken", "http.listen", func(c *config.Config) { c.HTTP.Listen = taken.Addr().String() }},
		{"the schemas are missing", "source.schemas", func(c *config.Config) { c.Source.Schemas.Folder = "/nowhere" }},
		{"the bundle is missing", "manifest.json", func(c *config.Config) { c.Models = []config.Model{{Bundle: "/nowhere"}} }},
		{"a label is mistyped", `did you mean "Barred Spiral"`, func(c *config.Config) {
			c.Sinks.Alerts = config.Alerts{Topic: "alerts", Labels: []string{"Bared Spiral"}}
		}},
		{"a model is given twice", "starter", func(c *config.Config) { c.Models = append(c.Models, c.Models[0]) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			spoilt := *cfg
			c.spoil(&spoilt)
			source := &idleSource{}
			_, err := Open(t.Context(), &spoilt, Options{Log: slog.New(slog.DiscardHandler), Runtime: rt, Source: source})
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "still open") {
				t.Errorf("error %v", err)
			}
			if n := source.closed.Load(); n != 1 {
				t.Errorf("the source was closed %d times", n)
			}
		})
	}
	source := &idleSource{}
	cfg.HTTP.Listen = "127.0.0.1:0"
	r, err := Open(t.Context(), cfg, Options{Log: slog.New(slog.DiscardHandler), Runtime: rt, Source: source})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Pipeline.Run(t.Context()), r.Close(t.Context())); err != nil || source.closed.Load() != 1 {
		t.Errorf("run: %v, source closed %d times", err, source.closed.Load())
	}
}
