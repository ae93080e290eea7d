package schemas

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// RecordVersion is the version of the output record's schema, written into every file's metadata.
const RecordVersion = 1

// RecordID identifies a record: the same survey, object, observation and model always give the same id,
// so a replay overwrites instead of adding.
type RecordID [16]byte

// String renders the id as 32 lower-case hexadecimal digits, the form used in every sink.
func (id RecordID) String() string { return hex.EncodeToString(id[:]) }

// ModelInfo is what a record says of the model that made it. One value is shared by all its records.
type ModelInfo struct {
	Name       string   // name of the bundle
	Version    string   // version of the bundle
	Hash       string   // SHA-256 of the bundle's ONNX files, 64 hexadecimal digits
	RecipeHash string   // SHA-256 of the canonical recipe, 64 hexadecimal digits
	Classes    []string // class names, in the order of Probabilities
	Embedding  int      // length of the embedding; 0 when the model has none
}

// Record is one classified cutout: what leaves the system. Its slices belong to the batch that carries
// it and are valid until that batch is released; a sink that keeps them longer copies them.
type Record struct {
	ID            RecordID
	Survey        string
	ObjectID      []byte
	ObservationID []byte
	RA, Dec       float64   // ICRS degrees; NaN when unknown
	ObservedAt    time.Time // UTC; zero when unknown
	Origin        Origin
	Model         *ModelInfo
	Label         int       // index into Model.Classes
	Probability   float32   // probability of Label
	Probabilities []float32 // len = len(Model.Classes)
	Embedding     []float32 // len = Model.Embedding
	ValidFraction float32   // fraction of the model's input pixels that hold data, 0 to 1
	Flags         Flags
	PublishedAt   time.Time // when the producer published the message (Kafka timestamp); zero when unknown
	ProcessedAt   time.Time // when the model's answer was ready
}

// MakeRecordID derives the id of a record: the first 16 bytes of the SHA-256 of the four parts, each
// preceded by its length as a big-endian uint32 so that no two different inputs share their bytes.
func MakeRecordID(survey string, objectID, observationID []byte, modelHash string) RecordID {
	var stack [256]byte
	b := stack[:0]
	b = binary.BigEndian.AppendUint32(b, uint32(len(survey)))
	b = append(b, survey...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(objectID)))
	b = append(b, objectID...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(observationID)))
	b = append(b, observationID...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(modelHash)))
	b = append(b, modelHash...)
	sum := sha256.Sum256(b)
	return RecordID(sum[:16])
}
