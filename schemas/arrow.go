package schemas

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
)

// The keys of the schema metadata that every file of records carries.
const (
	MetaRecordVersion = "galaxalign.record_version" // RecordVersion, decimal
	MetaModel         = "galaxalign.model"          // ModelInfo.Name
	MetaModelVersion  = "galaxalign.model_version"  // ModelInfo.Version
	MetaModelHash     = "galaxalign.model_hash"     // ModelInfo.Hash
	MetaRecipeHash    = "galaxalign.recipe_hash"    // ModelInfo.RecipeHash
	MetaClasses       = "galaxalign.classes"        // JSON array of the class names, in the order of probabilities
	MetaEmbedding     = "galaxalign.embedding"      // length of the embedding, decimal
)

// The columns of the output record, version 1, by position. The order is part of the schema:
// record_id comes first so that a reader of ids alone finds them at the head of each record batch.
const (
	colRecordID = iota
	colSurvey
	colObjectID
	colObservationID
	colRA
	colDec
	colObservedAt
	colTopic
	colPartition
	colOffset
	colPath
	colHDU
	colModel
	colModelVersion
	colModelHash
	colRecipeHash
	colLabel
	colProbability
	colProbabilities
	colEmbedding
	colValidFraction
	colFlags
	colPublishedAt
	colProcessedAt
	numColumns
)

var (
	timestampUTC = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	float32List  = arrow.ListOfNonNullable(arrow.PrimitiveTypes.Float32)
)

// ArrowSchema returns the Arrow schema of the output record, version 1. The fields are the same for
// every model, so that files of different models form one dataset; what differs between models is in the
// schema metadata (the Meta constants). The columns:
//
//	record_id       utf8           identity, 32 lower-case hexadecimal digits (RecordID)
//	survey          utf8           survey name
//	object_id       utf8           the survey's name of the source; bytes that are not UTF-8 become U+FFFD
//	observation_id  utf8           the survey's name of the observation; the same rule
//	ra, dec         float64        ICRS degrees; null when unknown
//	observed_at     timestamp[us]  UTC, as the survey states it; null when unknown
//	topic           utf8           Kafka topic or archive source
//	partition       int32          Kafka partition
//	offset          int64          Kafka offset, or the item's place in the archive
//	path            utf8           archive path; null for a Kafka message
//	hdu             int32          image HDU counted from 0; null when the payload is not FITS
//	model, model_version, model_hash, recipe_hash
//	                utf8           the bundle that made the record
//	label           utf8           the most probable class; null for a model without classes
//	probability     float32        probability of label
//	probabilities   list<float32>  one a class, in the order of galaxalign.classes
//	embedding       list<float32>  length galaxalign.embedding; empty for a model without one
//	valid_fraction  float32        fraction of the model's input pixels that hold data
//	flags           uint32         bits of Flags
//	published_at    timestamp[us]  UTC, Kafka timestamp; null when unknown
//	processed_at    timestamp[us]  UTC, when the model's answer was ready; null when not stated
//
// Lists are plain lists, not fixed-size ones: pyarrow, pandas and DuckDB read them as lists, and the
// Parquet writer of this Arrow version loses or shifts fixed-size lists in silence.
func ArrowSchema(m *ModelInfo) *arrow.Schema {
	md := ModelMetadata(m)
	return arrow.NewSchema(arrowFields(), &md)
}

// ModelMetadata returns the schema metadata of a model's records.
func ModelMetadata(m *ModelInfo) arrow.Metadata {
	classes := m.Classes
	if classes == nil {
		classes = []string{}
	}
	list, err := json.Marshal(classes)
	if err != nil { // a []string always encodes
		list = []byte("[]")
	}
	return arrow.NewMetadata(
		[]string{MetaRecordVersion, MetaModel, MetaModelVersion, MetaModelHash, MetaRecipeHash, MetaClasses, MetaEmbedding},
		[]string{strconv.Itoa(RecordVersion), m.Name, m.Version, m.Hash, m.RecipeHash, string(list), strconv.Itoa(m.Embedding)},
	)
}

// ModelFromMetadata reads back what ModelMetadata wrote.
func ModelFromMetadata(md arrow.Metadata) (*ModelInfo, error) {
	get := func(key string) string {
		v, _ := md.GetValue(key)
		return v
	}
	if v := get(MetaRecordVersion); v != strconv.Itoa(RecordVersion) {
		return nil, fmt.Errorf("schema metadata %s is %q: this version reads %d", MetaRecordVersion, v, RecordVersion)
	}
	m := &ModelInfo{
		Name: get(MetaModel), Version: get(MetaModelVersion),
		Hash: get(MetaModelHash), RecipeHash: get(MetaRecipeHash),
	}
	if err := json.Unmarshal([]byte(get(MetaClasses)), &m.Classes); err != nil {
		return nil, fmt.Errorf("schema metadata %s: %w", MetaClasses, err)
	}
	n, err := strconv.Atoi(get(MetaEmbedding))
	if err != nil || n < 0 {
		return nil, fmt.Errorf("schema metadata %s is %q: want a length", MetaEmbedding, get(MetaEmbedding))
	}
	m.Embedding = n
	return m, nil
}

// arrowFields lists the columns in the order of the col constants.
func arrowFields() []arrow.Field {
	str, f32 := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float32
	return []arrow.Field{
		colRecordID:      field("record_id", str, false, "identity of the record: 32 hexadecimal digits", ""),
		colSurvey:        field("survey", str, false, "survey name", ""),
		colObjectID:      field("object_id", str, false, "the survey's name of the source", ""),
		colObservationID: field("observation_id", str, false, "the survey's name of the observation", ""),
		colRA:            field("ra", arrow.PrimitiveTypes.Float64, true, "ICRS right ascension", "deg"),
		colDec:           field("dec", arrow.PrimitiveTypes.Float64, true, "ICRS declination", "deg"),
		colObservedAt:    field("observed_at", timestampUTC, true, "time of the observation as the survey states it, UTC", ""),
		colTopic:         field("topic", str, false, "Kafka topic or archive source", ""),
		colPartition:     field("partition", arrow.PrimitiveTypes.Int32, false, "Kafka partition", ""),
		colOffset:        field("offset", arrow.PrimitiveTypes.Int64, false, "Kafka offset, or place in the archive", ""),
		colPath:          field("path", str, true, "archive path; null for a Kafka message", ""),
		colHDU:           field("hdu", arrow.PrimitiveTypes.Int32, true, "image HDU counted from 0; null when not FITS", ""),
		colModel:         field("model", str, false, "name of the model bundle", ""),
		colModelVersion:  field("model_version", str, false, "version of the model bundle", ""),
		colModelHash:     field("model_hash", str, false, "SHA-256 of the bundle's ONNX files", ""),
		colRecipeHash:    field("recipe_hash", str, false, "SHA-256 of the preprocessing recipe", ""),
		colLabel:         field("label", str, true, "most probable class", ""),
		colProbability:   field("probability", f32, false, "probability of the label", "1"),
		colProbabilities: field("probabilities", float32List, false, "probability of each class, in the order of galaxalign.classes", "1"),
		colEmbedding:     field("embedding", float32List, false, "embedding vector as the model gave it", ""),
		colValidFraction: field("valid_fraction", f32, false, "fraction of the model's input pixels that hold data", "1"),
		colFlags:         field("flags", arrow.PrimitiveTypes.Uint32, false, "quality flags, one a bit", ""),
		colPublishedAt:   field("published_at", timestampUTC, true, "when the producer published the message, UTC", ""),
		colProcessedAt:   field("processed_at", timestampUTC, true, "when the model's answer was ready, UTC", ""),
	}
}

// field makes a column with its description and, where it has one, its unit.
func field(name string, t arrow.DataType, nullable bool, description, unit string) arrow.Field {
	keys, values := []string{"description"}, []string{description}
	if unit != "" {
		keys, values = append(keys, "unit"), append(values, unit)
	}
	return arrow.Field{Name: name, Type: t, Nullable: nullable, Metadata: arrow.NewMetadata(keys, values)}
}

// CheckRecord returns a Fault when a record does not fit its model: a label outside the classes, or
// probabilities or an embedding of another length. Every sink refuses such a record.
func CheckRecord(r *Record, m *ModelInfo) error {
	switch {
	case len(r.Probabilities) != len(m.Classes):
		return NewFault(StageSink, ReasonRejected, "the record has %d probabilities, model %s has %d classes", len(r.Probabilities), m.Name, len(m.Classes))
	case len(m.Classes) > 0 && (r.Label < 0 || r.Label >= len(m.Classes)):
		return NewFault(StageSink, ReasonRejected, "label %d is outside the %d classes of model %s", r.Label, len(m.Classes), m.Name)
	case len(r.Embedding) != m.Embedding:
		return NewFault(StageSink, ReasonRejected, "the embedding has length %d, model %s has %d", len(r.Embedding), m.Name, m.Embedding)
	}
	return nil
}
