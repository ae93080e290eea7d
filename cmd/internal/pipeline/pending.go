package pipeline

import (
	"sync"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
)

// pending is a tensor row on its way through a model: what its record will say besides the answer.
type pending struct {
	record schemas.Record
	text   []byte // object id, then observation id; the record's two slices point here
	job    *job
	thumb  []byte
}

// pendings recycles pending structs.
type pendings struct{ pool sync.Pool }

func (p *pendings) get() *pending {
	if v, ok := p.pool.Get().(*pending); ok {
		return v
	}
	return &pending{}
}

func (p *pendings) put(v *pending) {
	v.job, v.thumb = nil, nil
	p.pool.Put(v)
}

// fill copies what is known of the cutout before the model has answered.
func (v *pending) fill(c *schemas.Cutout, m *ingest.Message, model *schemas.ModelInfo, q preprocess.Quality) {
	v.text = append(append(v.text[:0], c.ObjectID...), c.ObservationID...)
	object, observation := v.text[:len(c.ObjectID)], v.text[len(c.ObjectID):]
	v.record = schemas.Record{
		ID:       schemas.MakeRecordID(c.Survey, object, observation, model.Hash),
		Survey:   c.Survey,
		ObjectID: object, ObservationID: observation,
		RA: c.RA, Dec: c.Dec, ObservedAt: c.ObservedAt,
		Origin: m.Origin, Model: model,
		ValidFraction: q.ValidFraction, Flags: c.Flags | q.Flags,
		PublishedAt: m.Published,
	}
}

// answer adds what the model said.
func (v *pending) answer(label int, probabilities, embedding []float32, at time.Time) {
	v.record.Label, v.record.Probability = label, probabilities[label]
	v.record.Probabilities, v.record.Embedding = probabilities, embedding
	v.record.ProcessedAt = at
}
