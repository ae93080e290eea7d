package sinktest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// Records makes n different records of the model, numbered from first: the same number always gives the
// same record. Every seventh has no position, every eleventh no observation time, every fifth a name
// outside ASCII.
func Records(m *schemas.ModelInfo, first, n int) []schemas.Record {
	records := make([]schemas.Record, n)
	for i := range records {
		records[i] = record(m, first+i)
	}
	return records
}

// Batch makes a batch of Records.
func Batch(m *schemas.ModelInfo, first, n int) *sink.Batch {
	return &sink.Batch{Model: m, Records: Records(m, first, n)}
}

func record(m *schemas.ModelInfo, i int) schemas.Record {
	rng := rand.New(rand.NewPCG(uint64(i), 7))
	base := time.Date(2026, 3, 1, 4, 5, 6, 789_012_000, time.UTC)
	r := schemas.Record{
		Survey:        "ztf",
		ObjectID:      fmt.Appendf(nil, "ZTF18a%06d", i),
		ObservationID: fmt.Appendf(nil, "%d", 1_000_000+i),
		RA:            rng.Float64() * 360,
		Dec:           rng.Float64()*180 - 90,
		ObservedAt:    base.Add(time.Duration(i) * time.Second),
		Origin:        schemas.Origin{Topic: "alerts", Partition: int32(i % 3), Offset: int64(i), HDU: int32(i%4) - 1},
		Model:         m,
		Probabilities: make([]float32, len(m.Classes)),
		Embedding:     make([]float32, m.Embedding),
		ValidFraction: rng.Float32(),
		Flags:         schemas.Flags(rng.Uint32N(1 << 11)),
		PublishedAt:   base.Add(time.Duration(i) * time.Minute),
		ProcessedAt:   base.Add(time.Duration(i)*time.Minute + 40*time.Millisecond),
	}
	if i%3 == 2 {
		r.Origin.Path = fmt.Sprintf("night.tar!stamp-%d.fits", i)
	}
	if i%5 == 4 {
		r.ObjectID = fmt.Appendf(nil, "Δ-星系-%d", i)
	}
	if i%7 == 6 {
		r.RA, r.Dec = math.NaN(), math.NaN()
	}
	if i%11 == 10 {
		r.ObservedAt, r.PublishedAt = time.Time{}, time.Time{}
	}
	classify(&r, rng)
	for j := range r.Embedding {
		r.Embedding[j] = rng.Float32()*2 - 1
	}
	r.ID = schemas.MakeRecordID(r.Survey, r.ObjectID, r.ObservationID, m.Hash)
	return r
}

// classify draws probabilities that sum to one and labels the record with the largest.
func classify(r *schemas.Record, rng *rand.Rand) {
	var sum float32
	for j := range r.Probabilities {
		r.Probabilities[j] = rng.Float32() + 1e-3
		sum += r.Probabilities[j]
	}
	for j := range r.Probabilities {
		r.Probabilities[j] /= sum
		if r.Probabilities[j] > r.Probability {
			r.Label, r.Probability = j, r.Probabilities[j]
		}
	}
}
