package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/onnx"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/infer/ort/orttest"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeSource delivers its values in small runs and keeps the outcome of each.
type fakeSource struct {
	values  []string
	endless bool // after the last value block until ctx ends instead of io.EOF

	mu       sync.Mutex
	next     int
	outcomes map[string][]ingest.Outcome
	closed   bool
}

func newFakeSource(values ...string) *fakeSource {
	return &fakeSource{values: values, outcomes: map[string][]ingest.Outcome{}}
}

func (s *fakeSource) Name() string { return "fake" }

func (s *fakeSource) Fetch(ctx context.Context) ([]*ingest.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == len(s.values) {
		if !s.endless {
			return nil, io.EOF
		}
		s.mu.Unlock()
		<-ctx.Done()
		s.mu.Lock()
		return nil, ctx.Err()
	}
	var out []*ingest.Message
	for len(out) < 7 && s.next < len(s.values) {
		out = append(out, &ingest.Message{
			Origin: schemas.Origin{Topic: "fake", Offset: int64(s.next)}, Value: []byte(s.values[s.next]),
			Published: time.Now(), Fetched: time.Now(), Owner: s,
		})
		s.next++
	}
	return out, nil
}

func (s *fakeSource) Finish(m *ingest.Message, o ingest.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes[m.Origin.String()] = append(s.outcomes[m.Origin.String()], o)
}

func (s *fakeSource) Progress() []ingest.Progress { return nil }

func (s *fakeSource) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// count checks that every message delivered was finished exactly once and counts the outcomes.
func (s *fakeSource) count(t *testing.T) map[ingest.Outcome]int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[ingest.Outcome]int{}
	for i := range s.next {
		o := s.outcomes[schemas.Origin{Topic: "fake", Offset: int64(i)}.String()]
		if len(o) != 1 {
			t.Fatalf("message %d (%s) was finished %d times: %v", i, s.values[i], len(o), o)
		}
		out[o[0]]++
	}
	if !s.closed {
		t.Error("the source was not closed")
	}
	return out
}

// fakeDecoder reads "good NAME", "nan NAME", "bare NAME" (no image), "bad", "panic" and "later NAME",
// which works only on the third try.
type fakeDecoder struct{ tries map[string]int }

func (d *fakeDecoder) Decode(m *ingest.Message, c *schemas.Cutout) error {
	kind, name, _ := strings.Cut(string(m.Value), " ")
	c.Survey = "fake"
	c.ObjectID, c.ObservationID = append(c.ObjectID, name...), append(c.ObservationID, name...)
	switch kind {
	case "bad":
		return schemas.NewFault(schemas.StageIngest, schemas.ReasonTruncated, "made bad")
	case "panic":
		panic("made to panic")
	case "later":
		if d.tries[name]++; d.tries[name] < 3 {
			return errors.New("the registry is away")
		}
	case "bare":
		return nil
	}
	px := c.AddImage("g", 2, 2).Pixels
	for i := range px {
		px[i] = float32(i + len(name))
	}
	return nil
}

// fakeDead keeps letters in memory, after failing a number of times.
type fakeDead struct {
	mu      sync.Mutex
	failing int
	letters []string // reasons
}

func (d *fakeDead) Put(_ context.Context, l *ingest.DeadLetter) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failing > 0 {
		d.failing--
		return errors.New("the dead-letter topic is away")
	}
	d.letters = append(d.letters, string(l.Fault.Reason)+" "+string(l.Message.Value))
	return nil
}

func (d *fakeDead) Close(context.Context) error { return nil }

const toyRecipe = `name: toy
version: 1
bands: [g]
size: {width: 2, height: 2}
fit: {crop: center, pad: center}
stretch: {kind: none}
layout: NCHW
`

// toyModel makes and opens a model of two classes over 2 x 2 pixels.
func toyModel(t testing.TB, rt *ort.Runtime, name string, sinks ...sink.Sink) Model {
	t.Helper()
	b := onnx.NewBuilder("toy")
	image := b.Input("pixels", onnx.Float, onnx.Symbol("N"), onnx.Axis(1), onnx.Axis(2), onnx.Axis(2))
	flat := b.Named("flat", "Flatten", []string{image}, onnx.IntAttribute("axis", 1))
	weights := b.Constant(onnx.FloatTensor("weights", []int64{4, 2}, []float32{1, 0, 0, 1, 1, 0, 0, 1}))
	b.Output(b.Named("scores", "MatMul", []string{flat, weights}), onnx.Float, onnx.Symbol("N"), onnx.Axis(2))
	model, err := b.Model()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, recipe := filepath.Join(dir, "toy.onnx"), filepath.Join(dir, "recipe.yaml")
	if err := errors.Join(os.WriteFile(file, model.Marshal(), 0o600), os.WriteFile(recipe, []byte(toyRecipe), 0o600)); err != nil {
		t.Fatal(err)
	}
	bundled, err := bundle.Import(t.Context(), bundle.ImportOptions{
		Runtime: rt, Model: file, Dir: filepath.Join(dir, "bundle"), Name: name, Version: name, Recipe: recipe,
		Classes: []string{"even", "odd"}, Embedding: "flat", Normalise: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return openToy(t, rt, bundled, sinks)
}

func openToy(t testing.TB, rt *ort.Runtime, b *bundle.Bundle, sinks []sink.Sink) Model {
	t.Helper()
	opened, err := infer.Open(rt, b, infer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := preprocess.Parse(b.Recipe)
	if err != nil {
		t.Fatal(err)
	}
	transform, err := parsed.Compile()
	if err != nil {
		t.Fatal(err)
	}
	out, err := sink.NewFanout(sink.FanoutConfig{MinBackoff: time.Millisecond}, sinks...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(opened.Close(), out.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return Model{Model: opened, Transform: transform, Out: out}
}

// rig is a pipeline over fakes.
type rig struct {
	p      *Pipeline
	source *fakeSource
	dead   *fakeDead
}

var toyConfig = Config{
	Workers: 3, Runners: 2, BatchRows: 8, BatchWait: time.Millisecond,
	FlushRows: 16, FlushWait: 2 * time.Millisecond, DrainTimeout: 5 * time.Second,
}

func newRig(t testing.TB, cfg Config, source *fakeSource, models ...Model) *rig {
	t.Helper()
	r := &rig{source: source, dead: &fakeDead{}}
	var err error
	r.p, err = New(cfg, Options{}, []Feed{{
		Source: source, Dead: r.dead,
		NewDecoder: func() (ingest.Decoder, error) { return &fakeDecoder{tries: map[string]int{}}, nil },
	}}, models)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// good makes n messages with names of their own.
func good(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("good g%d", i)
	}
	return out
}

func openRT(t testing.TB) *ort.Runtime { return orttest.Open(t) }
