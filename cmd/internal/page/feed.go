package page

import (
	"context"
	"time"
)

// Feed is what the page shows. The run supplies it; every method is called from many goroutines.
type Feed interface {
	// Status returns the state of the run now. It is called about twice a second while anyone watches.
	Status() Status
	// Newest returns up to n items, newest first.
	Newest(n int) []Item
	// Neighbours returns up to k items most like the item of that id, best first, with Similarity set and
	// without the item itself. ErrUnknown says that there is no such item.
	Neighbours(ctx context.Context, id string, k int) ([]Item, error)
	// Thumb returns the picture (PNG or JPEG) of an item, and whether there is one.
	Thumb(id string) ([]byte, bool)
}

// Status is the state of a run. Counts are totals since the run began; the page works out the rates.
type Status struct {
	Title      string    `json:"title"` // what runs: "GalaxAlign demo"
	StartedAt  time.Time `json:"startedAt"`
	Now        time.Time `json:"now"`        // set by the page where it is zero
	Ended      bool      `json:"ended"`      // the run is over: the page shows its summary and stops asking
	EndNote    string    `json:"endNote"`    // one sentence on how it ended; may be empty
	Stages     []Stage   `json:"stages"`     // in the order a cutout passes them
	Lags       []Lag     `json:"lags"`       // one a partition
	Latency    Latency   `json:"latency"`    // from publication to durable
	Sinks      []Sink    `json:"sinks"`      //
	Model      Model     `json:"model"`      //
	Faults     []string  `json:"faults"`     // what is wrong now, in words, each a sentence; empty when healthy
	Account    Account   `json:"account"`    // conservation
	ClassCount []int64   `json:"classCount"` // records written, by class of Model.Classes
}

// Stage is a part of the pipeline in the flow diagram.
type Stage struct {
	Name   string  `json:"name"`   // "Kafka", "decode", "tensor", "model", "sinks"
	Detail string  `json:"detail"` // a few words below the name: the topic, the back end
	Count  int64   `json:"count"`  // messages or cutouts that have passed it
	Rate   float64 `json:"rate"`   // a second, over the last seconds; set by the page where it is zero
}

// Lag is how far one partition is behind.
type Lag struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Lag       int64  `json:"lag"` // messages published and not yet committed; -1 when unknown
	InFlight  int64  `json:"inFlight"`
	Committed int64  `json:"committed"` // next offset that a restart would read; -1 before the first commit
	Fault     string `json:"fault"`     // the transient error being retried, in words; empty when healthy
}

// Latency is the time from publication of a message to its record being durable, milliseconds; negative
// when unknown.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// Sink is the state of one destination.
type Sink struct {
	Name    string `json:"name"`
	State   string `json:"state"` // SinkOK, SinkRetrying or SinkFailed
	Detail  string `json:"detail"`
	Written int64  `json:"written"`
}

// The states of a sink.
const (
	SinkOK       = "ok"
	SinkRetrying = "retrying"
	SinkFailed   = "failed"
)

// Model is what the page says of the model in use.
type Model struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Hash    string   `json:"hash"`   // SHA-256 of the ONNX files, hexadecimal
	Recipe  string   `json:"recipe"` // SHA-256 of the recipe, hexadecimal
	Classes []string `json:"classes"`
}

// Account is the conservation of messages: Received = Written + Duplicates + Quarantined + GivenBack +
// InFlight at every instant.
type Account struct {
	Received    int64 `json:"received"`
	Written     int64 `json:"written"`
	Duplicates  int64 `json:"duplicates"`
	Quarantined int64 `json:"quarantined"`
	GivenBack   int64 `json:"givenBack"`
	InFlight    int64 `json:"inFlight"`
	Holds       bool  `json:"holds"` // set by the page from the sum
}

// missing is the number of messages that the account does not explain.
func (a Account) missing() int64 {
	return a.Received - a.Written - a.Duplicates - a.Quarantined - a.GivenBack - a.InFlight
}

// Item is one classified cutout as the page shows it.
type Item struct {
	ID            string    `json:"id"` // record id, 32 hexadecimal digits
	Survey        string    `json:"survey"`
	ObjectID      string    `json:"objectId"`
	ObservationID string    `json:"observationId"`
	RA            float64   `json:"ra"`  // ICRS degrees; meaningful when HasPosition
	Dec           float64   `json:"dec"` // ICRS degrees
	HasPosition   bool      `json:"hasPosition"`
	ObservedAt    time.Time `json:"observedAt"`
	ProcessedAt   time.Time `json:"processedAt"`
	Label         string    `json:"label"`
	Class         int       `json:"class"` // index of Label in Classes
	Probability   float32   `json:"probability"`
	Probabilities []float32 `json:"probabilities"` // in the order of Classes
	Classes       []string  `json:"classes"`
	Origin        string    `json:"origin"` // "topic/partition@offset" or a path
	Flags         string    `json:"flags"`  // quality remarks separated by commas; empty when none
	Similarity    float32   `json:"similarity,omitempty"`
	HasThumb      bool      `json:"hasThumb"`
}
