package schemas

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

//go:embed alert.avsc
var alertSchema string

// AlertSchema returns the Avro schema of the outgoing alert, version 1, as JSON. It is the record
// without its embedding; every field says what it is.
func AlertSchema() string { return alertSchema }

// AlertEncoder encodes records as alerts. It reuses its memory and is not safe for concurrent use.
type AlertEncoder struct {
	head  []byte // what every Avro object container begins with
	sync  [16]byte
	datum []byte
}

// NewAlertEncoder makes an encoder.
func NewAlertEncoder() (*AlertEncoder, error) {
	var schema bytes.Buffer
	if err := json.Compact(&schema, []byte(alertSchema)); err != nil {
		return nil, fmt.Errorf("alert schema: %w", err)
	}
	e := &AlertEncoder{}
	// The sync marker may be any 16 bytes. Taking them from the schema makes equal records equal bytes.
	sum := sha256.Sum256(schema.Bytes())
	copy(e.sync[:], sum[:])
	e.head = append(e.head, "Obj\x01"...)
	e.head = appendLong(e.head, 2) // entries of the file's metadata
	e.head = appendString(e.head, "avro.codec")
	e.head = appendString(e.head, "null")
	e.head = appendString(e.head, "avro.schema")
	e.head = appendString(e.head, schema.String())
	e.head = appendLong(e.head, 0) // end of the metadata
	e.head = append(e.head, e.sync[:]...)
	return e, nil
}

// AppendAvro appends the record as an Avro object container file of one object (Avro 1.11 specification,
// "Object Container Files"), the form ZTF alerts have, so that every message carries its schema.
func (e *AlertEncoder) AppendAvro(dst []byte, r *Record) []byte {
	e.datum = appendAlert(e.datum[:0], r)
	dst = append(dst, e.head...)
	dst = appendLong(dst, 1)
	dst = appendLong(dst, int64(len(e.datum)))
	dst = append(dst, e.datum...)
	return append(dst, e.sync[:]...)
}

// appendAlert appends the fields in the order of the schema.
func appendAlert(b []byte, r *Record) []byte {
	var id [2 * len(r.ID)]byte
	hex.Encode(id[:], r.ID[:])
	b = appendLong(b, RecordVersion)
	b = appendString(b, id[:])
	b = appendString(b, r.Survey)
	b = appendString(b, r.ObjectID)
	b = appendString(b, r.ObservationID)
	b = appendAngle(b, r.RA)
	b = appendAngle(b, r.Dec)
	b = appendMicros(b, r.ObservedAt)
	b = appendString(b, r.Origin.Topic)
	b = appendLong(b, int64(r.Origin.Partition))
	b = appendLong(b, r.Origin.Offset)
	b = appendOptional(b, r.Origin.Path, r.Origin.Path != "")
	if r.Origin.HDU < 0 {
		b = appendLong(b, 0)
	} else {
		b = appendLong(appendLong(b, 1), int64(r.Origin.HDU))
	}
	b = appendString(b, r.Model.Name)
	b = appendString(b, r.Model.Version)
	b = appendString(b, r.Model.Hash)
	b = appendClasses(b, r)
	b = appendFloat(b, r.ValidFraction)
	b = appendFlags(b, r.Flags)
	b = appendMicros(b, r.PublishedAt)
	return appendMicros(b, r.ProcessedAt)
}

// appendClasses appends label, probability and probabilities.
func appendClasses(b []byte, r *Record) []byte {
	classes := r.Model.Classes
	label, ok := labelName(r)
	b = appendOptional(b, label, ok)
	b = appendFloat(b, r.Probability)
	if n := min(len(classes), len(r.Probabilities)); n > 0 {
		b = appendLong(b, int64(n))
		for i := range n {
			b = appendFloat(appendString(b, classes[i]), r.Probabilities[i])
		}
	}
	return appendLong(b, 0)
}

// labelName returns the name of the record's class; ok is false when the model has none for it.
func labelName(r *Record) (name string, ok bool) {
	if r.Label < 0 || r.Label >= len(r.Model.Classes) {
		return "", false
	}
	return r.Model.Classes[r.Label], true
}

func appendFlags(b []byte, f Flags) []byte {
	n := int64(0)
	for i := range flagNames {
		n += int64(f >> i & 1)
	}
	if n > 0 {
		b = appendLong(b, n)
		for i, name := range flagNames {
			if f>>i&1 == 1 {
				b = appendString(b, name)
			}
		}
	}
	return appendLong(b, 0)
}

// appendLong appends an Avro int or long: zig-zag, then base 128 with the low group first.
func appendLong(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }

// appendString appends an Avro string or bytes; what is not UTF-8 becomes U+FFFD.
func appendString[T string | []byte](b []byte, s T) []byte {
	if utf8.ValidString(string(s)) {
		return append(appendLong(b, int64(len(s))), s...)
	}
	clean := strings.ToValidUTF8(string(s), string(utf8.RuneError))
	return append(appendLong(b, int64(len(clean))), clean...)
}

// appendOptional appends a union of null and string.
func appendOptional(b []byte, s string, ok bool) []byte {
	if !ok {
		return appendLong(b, 0)
	}
	return appendString(appendLong(b, 1), s)
}

func appendFloat(b []byte, v float32) []byte {
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
}

// appendAngle appends a union of null and double; an angle that is not finite is null.
func appendAngle(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return appendLong(b, 0)
	}
	return binary.LittleEndian.AppendUint64(appendLong(b, 1), math.Float64bits(v))
}

// appendMicros appends a union of null and timestamp-micros.
func appendMicros(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return appendLong(b, 0)
	}
	return appendLong(appendLong(b, 1), t.UnixMicro())
}
