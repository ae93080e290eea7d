package index

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
)

// entry is one record as the index keeps it.
type entry struct {
	id       schemas.RecordID
	survey   string
	object   string
	obs      string
	label    string
	ra, dec  float64 // degrees; NaN when unknown
	observed int64   // microseconds since 1970 UTC; noTime when unknown
	prob     float32
	vector   []float32
}

// noTime marks an unknown time of observation.
const noTime = math.MinInt64

// maxText bounds each text of an entry, whose length is stored as a uint16.
const maxText = math.MaxUint16

// check returns a Fault when a record cannot be an entry.
func check(r *schemas.Record, m *schemas.ModelInfo) error {
	if err := schemas.CheckRecord(r, m); err != nil {
		return err
	}
	if n := sink.Norm(r.Embedding); !sink.Comparable(n) {
		return schemas.NewFault(schemas.StageSink, schemas.ReasonRejected,
			"the embedding has length %v as a vector: cosine similarity needs one from %g to %g", n, sink.MinNorm, sink.MaxNorm)
	}
	if len(r.Survey) > maxText || len(r.ObjectID) > maxText || len(r.ObservationID) > maxText {
		return schemas.NewFault(schemas.StageSink, schemas.ReasonTooLarge,
			"survey, object or observation id is longer than %d bytes", maxText)
	}
	return nil
}

// observedMicros renders a time as entries store it.
func observedMicros(t time.Time) int64 {
	if t.IsZero() {
		return noTime
	}
	return t.UnixMicro()
}

// labelOf returns the class name of a record, "" for a model without classes.
func labelOf(r *schemas.Record, m *schemas.ModelInfo) string {
	if len(m.Classes) == 0 {
		return ""
	}
	return m.Classes[r.Label]
}

// appendRecord appends the entry of a record to a frame's payload. All numbers are little-endian:
// id (16 bytes); survey, object, observation, label (uint16 length and bytes each); RA, Dec (float64);
// observed (int64 microseconds); probability (float32); the vector (float32 each).
func appendRecord(b []byte, r *schemas.Record, m *schemas.ModelInfo) []byte {
	b = append(b, r.ID[:]...)
	b = appendText(b, r.Survey)
	b = appendText(b, r.ObjectID)
	b = appendText(b, r.ObservationID)
	b = appendText(b, labelOf(r, m))
	return appendNumbers(b, r.RA, r.Dec, observedMicros(r.ObservedAt), r.Probability, r.Embedding)
}

// appendEntry appends an entry in the same form.
func appendEntry(b []byte, e *entry) []byte {
	b = append(b, e.id[:]...)
	b = appendText(b, e.survey)
	b = appendText(b, e.object)
	b = appendText(b, e.obs)
	b = appendText(b, e.label)
	return appendNumbers(b, e.ra, e.dec, e.observed, e.prob, e.vector)
}

func appendText[T string | []byte](b []byte, s T) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

func appendNumbers(b []byte, ra, dec float64, observed int64, prob float32, vector []float32) []byte {
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(ra))
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(dec))
	b = binary.LittleEndian.AppendUint64(b, uint64(observed))
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(prob))
	for _, x := range vector {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// decodeEntries visits the entries of a payload. The entry and its vector are reused between visits;
// its texts are not.
func decodeEntries(b []byte, dim int, visit func(*entry) error) error {
	e := entry{vector: make([]float32, dim)}
	for len(b) > 0 {
		var err error
		if b, err = e.decode(b); err != nil {
			return err
		}
		if err := visit(&e); err != nil {
			return err
		}
	}
	return nil
}

// decode reads one entry and returns the bytes behind it.
func (e *entry) decode(b []byte) ([]byte, error) {
	if len(b) < len(e.id) {
		return nil, fmt.Errorf("an entry ends after %d bytes of its id", len(b))
	}
	copy(e.id[:], b)
	b = b[len(e.id):]
	for _, text := range []*string{&e.survey, &e.object, &e.obs, &e.label} {
		if len(b) < 2 || len(b)-2 < int(binary.LittleEndian.Uint16(b)) {
			return nil, fmt.Errorf("entry %s ends within a text", e.id)
		}
		n := int(binary.LittleEndian.Uint16(b))
		*text = string(b[2 : 2+n])
		b = b[2+n:]
	}
	const numbers = 8 + 8 + 8 + 4
	if len(b) < numbers+4*len(e.vector) {
		return nil, fmt.Errorf("entry %s ends within its numbers", e.id)
	}
	e.ra = math.Float64frombits(binary.LittleEndian.Uint64(b))
	e.dec = math.Float64frombits(binary.LittleEndian.Uint64(b[8:]))
	e.observed = int64(binary.LittleEndian.Uint64(b[16:]))
	e.prob = math.Float32frombits(binary.LittleEndian.Uint32(b[24:]))
	b = b[numbers:]
	for i := range e.vector {
		e.vector[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return b[4*len(e.vector):], nil
}
