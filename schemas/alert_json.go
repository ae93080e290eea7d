package schemas

import (
	"encoding/json"
	"math"
	"time"
)

// alertJSON is the JSON form of the alert: the fields of the Avro schema under the same names, with
// times as RFC 3339 UTC with microseconds.
type alertJSON struct {
	RecordVersion int             `json:"record_version"`
	RecordID      string          `json:"record_id"`
	Survey        string          `json:"survey"`
	ObjectID      string          `json:"object_id"`
	ObservationID string          `json:"observation_id"`
	RA            *float64        `json:"ra"`
	Dec           *float64        `json:"dec"`
	ObservedAt    *string         `json:"observed_at"`
	Topic         string          `json:"topic"`
	Partition     int32           `json:"partition"`
	Offset        int64           `json:"offset"`
	Path          *string         `json:"path"`
	HDU           *int32          `json:"hdu"`
	Model         string          `json:"model"`
	ModelVersion  string          `json:"model_version"`
	ModelHash     string          `json:"model_hash"`
	Label         *string         `json:"label"`
	Probability   float32         `json:"probability"`
	Probabilities []classProbJSON `json:"probabilities"`
	ValidFraction float32         `json:"valid_fraction"`
	Flags         []string        `json:"flags"`
	PublishedAt   *string         `json:"published_at"`
	ProcessedAt   *string         `json:"processed_at"`
}

type classProbJSON struct {
	Class       string  `json:"class"`
	Probability float32 `json:"probability"`
}

// MarshalAlertJSON renders the record as a JSON alert. A probability or fraction that is not finite has
// no JSON form: the error is a *Fault.
func MarshalAlertJSON(r *Record) ([]byte, error) {
	a := alertJSON{
		RecordVersion: RecordVersion, RecordID: r.ID.String(), Survey: r.Survey,
		ObjectID: string(r.ObjectID), ObservationID: string(r.ObservationID),
		RA: finite(r.RA), Dec: finite(r.Dec), ObservedAt: stamp(r.ObservedAt),
		Topic: r.Origin.Topic, Partition: r.Origin.Partition, Offset: r.Origin.Offset,
		Model: r.Model.Name, ModelVersion: r.Model.Version, ModelHash: r.Model.Hash,
		Probability: r.Probability, Probabilities: []classProbJSON{}, ValidFraction: r.ValidFraction,
		Flags: []string{}, PublishedAt: stamp(r.PublishedAt), ProcessedAt: stamp(r.ProcessedAt),
	}
	if r.Origin.Path != "" {
		a.Path = &r.Origin.Path
	}
	if r.Origin.HDU >= 0 {
		a.HDU = &r.Origin.HDU
	}
	if label, ok := labelName(r); ok {
		a.Label = &label
	}
	for i := range min(len(r.Model.Classes), len(r.Probabilities)) {
		a.Probabilities = append(a.Probabilities, classProbJSON{r.Model.Classes[i], r.Probabilities[i]})
	}
	for i, name := range flagNames {
		if r.Flags>>i&1 == 1 {
			a.Flags = append(a.Flags, name)
		}
	}
	b, err := json.Marshal(&a)
	if err != nil {
		f := NewFault(StageSink, ReasonNonFinite, "the record has no JSON form: probabilities must be finite numbers")
		f.Err = err
		return nil, f
	}
	return b, nil
}

// finite returns the angle, or nil when it is unknown.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// stamp renders a time, or nil for the zero time.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format("2006-01-02T15:04:05.000000Z")
	return &s
}
