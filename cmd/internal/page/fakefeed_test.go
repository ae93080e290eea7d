package page

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest/simulate"
	"github.com/galaxalign/galaxalign/schemas"
)

// fakeFeed is a run without a pipeline: simulated galaxies whose "model" knows the truth and doubts it a
// little, and whose "embedding" is their list of probabilities.
type fakeFeed struct {
	survey *simulate.Survey
	model  *schemas.ModelInfo
	ring   *Ring

	mu     sync.Mutex
	status Status
}

func newFakeFeed(tb testing.TB, size int) *fakeFeed {
	tb.Helper()
	s, err := simulate.New(simulate.Config{Seed: 5, Size: size})
	if err != nil {
		tb.Fatal(err)
	}
	f := &fakeFeed{
		survey: s, ring: NewRing(600, 64<<20),
		model: &schemas.ModelInfo{
			Name: "starter", Version: "1.0.0", Hash: strings.Repeat("3fa91c07", 8), RecipeHash: strings.Repeat("b0771e42", 8),
			Classes: simulate.ClassNames(), Embedding: simulate.NumClasses,
		},
	}
	f.status = Status{
		Title: "GalaxAlign demo", StartedAt: time.Now(),
		Stages: []Stage{
			{Name: "Kafka", Detail: "cutouts, 3 partitions"}, {Name: "Decode", Detail: "FITS and Avro"}, {Name: "Tensor", Detail: "3 × 96 × 96"},
			{Name: "Model", Detail: "starter, CPU"}, {Name: "Sinks", Detail: "Arrow, index"},
		},
		Sinks:      []Sink{{Name: "Arrow files", State: SinkOK, Detail: "part-00042.arrow"}, {Name: "Vector index", State: SinkOK, Detail: "embedded"}, {Name: "Alerts", State: SinkOK, Detail: "topic galaxies.classified"}},
		Model:      Model{Name: f.model.Name, Version: f.model.Version, Hash: f.model.Hash, Recipe: f.model.RecipeHash, Classes: f.model.Classes},
		Latency:    Latency{P50: 38, P99: 121},
		ClassCount: make([]int64, simulate.NumClasses),
	}
	for p := range int32(3) {
		f.status.Lags = append(f.status.Lags, Lag{Topic: "cutouts", Partition: p})
	}
	return f
}

// add puts galaxy i through the fake pipeline.
func (f *fakeFeed) add(tb testing.TB, i uint64, thumb int) {
	tb.Helper()
	planes, class, err := f.survey.Cutout(i)
	if err != nil {
		tb.Fatal(err)
	}
	size := f.survey.Config().Size
	r := f.record(i, class)
	f.ring.Add(ItemOf(&r), func() []byte { return Thumbnail(cutoutOf(planes, size), thumb) })
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.status.Stages {
		f.status.Stages[s].Count++
	}
	for s := range f.status.Sinks {
		f.status.Sinks[s].Written++
	}
	f.status.Account.Received++
	f.status.Account.Written++
	f.status.ClassCount[r.Label]++
}

// record makes the record of galaxy i: mostly right, sometimes unsure.
func (f *fakeFeed) record(i uint64, class simulate.Class) schemas.Record {
	rng := rand.New(rand.NewPCG(i, 99))
	probs := make([]float32, simulate.NumClasses)
	var sum float32
	for c := range probs {
		probs[c] = float32(math.Exp(1.4 * rng.NormFloat64()))
		if c == int(class) {
			probs[c] *= float32(math.Exp(4.4 + rng.NormFloat64()))
		}
		sum += probs[c]
	}
	label := 0
	for c := range probs {
		if probs[c] /= sum; probs[c] > probs[label] {
			label = c
		}
	}
	object := fmt.Appendf(nil, "SIM0005-%09d", i)
	obs := fmt.Appendf(nil, "E%012d", i)
	r := schemas.Record{
		ID:     schemas.MakeRecordID("sim", object, obs, f.model.Hash),
		Survey: "sim", ObjectID: object, ObservationID: obs, RA: 360 * rng.Float64(), Dec: 50*rng.Float64() - 20,
		ObservedAt: f.survey.Config().Start.Add(time.Duration(i) * 350 * time.Millisecond), ProcessedAt: time.Now(),
		Origin: schemas.Origin{Topic: "cutouts", Partition: int32(i % 3), Offset: int64(i / 3)},
		Model:  f.model, Label: label, Probability: probs[label], Probabilities: probs,
	}
	if i%23 == 7 {
		r.Flags = schemas.FlagNaNPixels | schemas.FlagEdge
	}
	return r
}

func cutoutOf(planes [simulate.NumBands][]float32, size int) *schemas.Cutout {
	var c schemas.Cutout
	c.Reset()
	for b, name := range []string{"g", "r", "z"} {
		m := c.AddImage(name, size, size)
		copy(m.Pixels, planes[b])
		m.Unit, m.ZeroPoint, m.PixelScale = "nanomaggy", 22.5, 0.262
	}
	return &c
}

func (f *fakeFeed) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := f.status
	st.Stages = append([]Stage(nil), st.Stages...)
	st.Lags = append([]Lag(nil), st.Lags...)
	st.Sinks = append([]Sink(nil), st.Sinks...)
	st.ClassCount = append([]int64(nil), st.ClassCount...)
	return st
}

func (f *fakeFeed) Newest(n int) []Item            { return f.ring.Newest(n) }
func (f *fakeFeed) Thumb(id string) ([]byte, bool) { return f.ring.Thumb(id) }

func (f *fakeFeed) Neighbours(_ context.Context, id string, k int) ([]Item, error) {
	self, ok := f.ring.Get(id)
	if !ok {
		return nil, fmt.Errorf("neighbours of %s: %w", id, ErrUnknown)
	}
	var out []Item
	for _, it := range f.ring.Newest(math.MaxInt) {
		if it.ID == id {
			continue
		}
		it.Similarity = cosine(self.Probabilities, it.Probabilities)
		out = append(out, it)
	}
	sort.Slice(out, func(a, b int) bool { return out[a].Similarity > out[b].Similarity })
	return out[:min(k, len(out))], nil
}

func cosine(a, b []float32) float32 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return float32(ab / math.Sqrt(aa*bb))
}

// TestServeFakeRun serves the page with a fake run on the address in GALAXALIGN_PAGE_ADDR, for looking at
// it in a browser, until it is interrupted:
//
//	GALAXALIGN_PAGE_ADDR=127.0.0.1:8090 go test -run TestServeFakeRun -timeout 0 ./cmd/internal/page
//
// GALAXALIGN_PAGE_FAULT shows the text as a fault; GALAXALIGN_PAGE_END=30s ends the run after that time.
func TestServeFakeRun(t *testing.T) {
	addr := os.Getenv("GALAXALIGN_PAGE_ADDR")
	if addr == "" {
		t.Skip("GALAXALIGN_PAGE_ADDR is not set: nothing to look at")
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
	defer stop()
	end, _ := time.ParseDuration(os.Getenv("GALAXALIGN_PAGE_END"))
	f := newFakeFeed(t, 96)
	if fault := os.Getenv("GALAXALIGN_PAGE_FAULT"); fault != "" {
		f.status.Faults = []string{fault}
		f.status.Lags[1].Lag, f.status.Lags[1].Fault = 4213, "leader not available, retry 4 in 1.6 s"
		f.status.Sinks[1].State, f.status.Sinks[1].Detail = SinkRetrying, "connection refused, attempt 3"
	}
	for i := range uint64(120) {
		f.add(t, i, 160)
	}
	srv := &http.Server{Addr: addr, Handler: New(f, Options{Done: ctx.Done()})}
	failed := make(chan error, 1)
	go func() { failed <- srv.ListenAndServe() }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := uint64(120); ; i++ {
		select {
		case err := <-failed:
			t.Fatal(err)
		case <-ctx.Done():
			if err := srv.Shutdown(context.WithoutCancel(ctx)); err != nil {
				t.Error(err)
			}
			<-failed
			return
		case <-tick.C:
			f.add(t, i, 160)
		}
		if end > 0 && time.Since(f.status.StartedAt) > end {
			f.mu.Lock()
			f.status.Ended, f.status.EndNote = true, "The survey reached its limit; everything was flushed and committed."
			f.mu.Unlock()
		}
	}
}
