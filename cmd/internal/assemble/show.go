package assemble

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/galaxalign/galaxalign/cmd/internal/page"
	"github.com/galaxalign/galaxalign/cmd/internal/pipeline"
	"github.com/galaxalign/galaxalign/cmd/internal/telemetry"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// Bounds of what the page remembers: pictures of about 3 kB each.
const (
	shownItems = 20_000
	shownBytes = 64 << 20
	thumbSize  = 128 // pixels a side
)

// show is the page's view of a run. It observes the pipeline and answers the page.
type show struct {
	title    string
	started  time.Time
	model    *schemas.ModelInfo
	searcher sink.Searcher // nil when nothing can be searched
	sampler  *page.Sampler // nil pictures every cutout

	ring  *page.Ring
	mu    sync.Mutex
	run   telemetry.Run
	ended string
}

func newShow(title string, model *schemas.ModelInfo, searcher sink.Searcher, picturesPerSecond float64) *show {
	s := &show{
		title: title, started: time.Now(), model: model, searcher: searcher,
		ring: page.NewRing(shownItems, shownBytes),
	}
	if picturesPerSecond > 0 {
		s.sampler = page.NewSampler(picturesPerSecond, time.Now)
	}
	return s
}

// Thumbnail pictures a cutout unless one was pictured a moment ago: at thousands a second nobody could
// see them all.
func (s *show) Thumbnail(c *schemas.Cutout) []byte {
	if s.sampler != nil && !s.sampler.Take() {
		return nil
	}
	return page.Thumbnail(c, thumbSize)
}

// Written keeps a durable record for the page when it has a picture.
func (s *show) Written(r *schemas.Record, thumb []byte) {
	if thumb == nil || r.Model != s.model {
		return
	}
	s.ring.Add(page.ItemOf(r), func() []byte { return thumb })
}

// Newest returns the newest pictured items.
func (s *show) Newest(n int) []page.Item { return s.ring.Newest(n) }

// Thumb returns the picture of an item.
func (s *show) Thumb(id string) ([]byte, bool) { return s.ring.Thumb(id) }

// Neighbours asks the vector search for the records nearest to an item.
func (s *show) Neighbours(ctx context.Context, id string, k int) ([]page.Item, error) {
	parsed, err := schemas.ParseRecordID(id)
	if err != nil {
		return nil, page.ErrUnknown
	}
	if s.searcher == nil {
		return nil, errNoStore
	}
	vector, err := s.searcher.Get(ctx, parsed)
	if errors.Is(err, sink.ErrNotFound) {
		return nil, page.ErrUnknown
	}
	if err != nil {
		return nil, err
	}
	hits, err := s.searcher.Search(ctx, sink.Query{Vector: vector, K: k + 1})
	if err != nil {
		return nil, err
	}
	items := make([]page.Item, 0, k)
	for _, h := range hits {
		if h.ID != parsed && len(items) < k {
			items = append(items, s.itemOf(h))
		}
	}
	return items, nil
}

// itemOf shows a hit as the ring knows it, else as the index does.
func (s *show) itemOf(h sink.Hit) page.Item {
	item, ok := s.ring.Get(h.ID.String())
	if !ok {
		item = page.Item{
			ID: h.ID.String(), Survey: h.Survey, ObjectID: h.ObjectID, ObservationID: h.ObservationID,
			ObservedAt: h.ObservedAt, Label: h.Label, Probability: h.Probability, Classes: s.model.Classes,
		}
		if !math.IsNaN(h.RA) {
			item.RA, item.Dec, item.HasPosition = h.RA, h.Dec, true
		}
	}
	item.Similarity = h.Similarity
	return item
}

// attach gives the show the run it reports on; before, it reports nothing.
func (s *show) attach(run telemetry.Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = run
}

// end marks the run as over.
func (s *show) end(note string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = note
}

// Status reports the run as the page shows it.
func (s *show) Status() page.Status {
	s.mu.Lock()
	run, ended := s.run, s.ended
	s.mu.Unlock()
	out := page.Status{
		Title: s.title, StartedAt: s.started, Ended: ended != "", EndNote: ended,
		Model: page.Model{Name: s.model.Name, Version: s.model.Version, Hash: s.model.Hash, Recipe: s.model.RecipeHash, Classes: s.model.Classes},
	}
	if run == nil {
		return out
	}
	snapshot := run.Snapshot()
	out.Stages = stages(snapshot, s.model)
	out.Latency = milliseconds(snapshot.FromPublication)
	out.Account = page.Account{
		Received: snapshot.Fetched, Written: snapshot.Written, Duplicates: snapshot.Duplicates,
		Quarantined: snapshot.Quarantined, GivenBack: snapshot.GivenBack, InFlight: snapshot.InFlight,
	}
	for _, class := range s.model.Classes {
		out.ClassCount = append(out.ClassCount, snapshot.Labels[pipeline.Label{Model: s.model.Name, Class: class}])
	}
	out.Faults = telemetry.Troubles(run)
	for _, p := range run.Progress() {
		out.Lags = append(out.Lags, page.Lag{
			Topic: p.Topic, Partition: p.Partition, Lag: p.Lag(), InFlight: p.InFlight, Committed: p.Committed, Fault: p.Fault,
		})
	}
	for _, state := range run.Sinks() {
		out.Sinks = append(out.Sinks, sinkState(state))
	}
	return out
}

func stages(s pipeline.Snapshot, model *schemas.ModelInfo) []page.Stage {
	return []page.Stage{
		{Name: "fetch", Detail: "cutouts received", Count: s.Fetched},
		{Name: "decode", Detail: "physical pixels", Count: s.Decoded},
		{Name: "tensor", Detail: "recipe applied", Count: s.Prepared},
		{Name: "model", Detail: model.Name + " " + model.Version, Count: s.Classified},
		{Name: "sinks", Detail: "durable records", Count: s.Records},
	}
}

func milliseconds(l pipeline.Latency) page.Latency {
	if l.Count == 0 {
		return page.Latency{P50: -1, P99: -1}
	}
	return page.Latency{P50: l.P50.Seconds() * 1000, P99: l.P99.Seconds() * 1000}
}

func sinkState(s sink.State) page.Sink {
	out := page.Sink{Name: s.Name, State: page.SinkOK, Written: s.Written}
	if !s.Healthy {
		out.State, out.Detail = page.SinkRetrying, s.LastError
	}
	return out
}
