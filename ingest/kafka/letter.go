package kafka

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
)

// The headers of a dead letter. They are a format that others read: names and meanings never change. A
// header without a value to state is left out. Numbers are decimal, times RFC 3339 with nanoseconds, UTC.
const (
	headerReason    = "galaxalign-reason"    // schemas.Reason
	headerStage     = "galaxalign-stage"     // schemas.Stage
	headerDetail    = "galaxalign-detail"    // sentence for a person
	headerPosition  = "galaxalign-position"  // byte in the payload
	headerTopic     = "galaxalign-topic"     // where the message came from
	headerPartition = "galaxalign-partition" //
	headerOffset    = "galaxalign-offset"    //
	headerPath      = "galaxalign-path"      // file, for an archive item
	headerHDU       = "galaxalign-hdu"       // image HDU from 0
	headerSurvey    = "galaxalign-survey"    //
	headerObjectID  = "galaxalign-object-id" // bytes as the survey writes them
	headerTime      = "galaxalign-time"      // when it was refused
	headerPublished = "galaxalign-published" // when the original was published
	headerPart      = "galaxalign-part"      // "2/3": the second of three messages that hold the payload

	// headerOriginal precedes the key of each header of the original message.
	headerOriginal = "galaxalign-header-"
)

// maxDetail bounds the detail; it explains, and must not make a letter too large to be kept.
const maxDetail = 4096

// ErrNotLetter means that a message has no dead-letter headers.
var ErrNotLetter = errors.New("kafka: not a dead letter")

// Letter is what the headers of a dead letter say. Its key and payload are the original message's.
type Letter struct {
	Fault     schemas.Fault // Err is nil: its text is part of Detail
	Origin    schemas.Origin
	Survey    string
	ObjectID  []byte
	At        time.Time       // when it was refused
	Published time.Time       // when the original was published; zero when unknown
	Headers   []ingest.Header // of the original message
	Part      int             // from 1
	Parts     int             // 1 when the payload is in one message
}

// letterOf describes a dead letter; Headers share the message's memory.
func letterOf(d *ingest.DeadLetter) *Letter {
	l := &Letter{
		Fault: *d.Fault, Origin: d.Message.Origin, Survey: d.Survey, ObjectID: d.ObjectID, At: d.At,
		Published: d.Message.Published, Headers: d.Message.Headers, Part: 1, Parts: 1,
	}
	if err := l.Fault.Err; err != nil {
		l.Fault.Detail += ": " + err.Error()
		l.Fault.Err = nil
	}
	l.Fault.Detail = clip(l.Fault.Detail, maxDetail)
	return l
}

// clip cuts s to n bytes at most, at the edge of a character, and makes it valid UTF-8.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// headers renders the letter; the original's headers go with the first part only.
func (l *Letter) headers() []ingest.Header {
	var h headerList
	h.text(headerReason, string(l.Fault.Reason))
	h.text(headerStage, string(l.Fault.Stage))
	h.text(headerDetail, l.Fault.Detail)
	h.number(headerPosition, l.Fault.Position)
	h.text(headerTopic, l.Origin.Topic)
	h.number(headerPartition, int64(l.Origin.Partition))
	h.number(headerOffset, l.Origin.Offset)
	h.text(headerPath, l.Origin.Path)
	h.number(headerHDU, int64(l.Origin.HDU))
	h.text(headerSurvey, l.Survey)
	h.text(headerObjectID, string(l.ObjectID))
	h.time(headerTime, l.At)
	h.time(headerPublished, l.Published)
	if l.Parts > 1 {
		h.text(headerPart, fmt.Sprintf("%d/%d", l.Part, l.Parts))
	}
	if l.Part == 1 {
		for _, o := range l.Headers {
			h = append(h, ingest.Header{Key: headerOriginal + o.Key, Value: o.Value})
		}
	}
	return h
}

// headerList appends headers that have something to state.
type headerList []ingest.Header

func (h *headerList) text(key, value string) {
	if value != "" {
		*h = append(*h, ingest.Header{Key: key, Value: []byte(value)})
	}
}

func (h *headerList) number(key string, value int64) {
	if value >= 0 {
		h.text(key, strconv.FormatInt(value, 10))
	}
}

func (h *headerList) time(key string, t time.Time) {
	if !t.IsZero() {
		h.text(key, t.UTC().Format(time.RFC3339Nano))
	}
}

// ReadDeadLetter reads the headers of a message of a dead-letter topic. A message without them gives
// ErrNotLetter; damaged ones give an error that names the header. Headers it does not know are ignored.
// Slices share the headers' memory.
func ReadDeadLetter(headers []ingest.Header) (*Letter, error) {
	l := &Letter{Part: 1, Parts: 1}
	l.Fault.Position, l.Origin.HDU = -1, -1
	for _, h := range headers {
		if err := l.read(h.Key, h.Value); err != nil {
			return nil, fmt.Errorf("kafka: dead letter: header %s is %q: %w", h.Key, clip(string(h.Value), 80), err)
		}
	}
	if l.Fault.Reason == "" {
		return nil, ErrNotLetter
	}
	return l, nil
}

// read takes in one header.
func (l *Letter) read(key string, value []byte) (err error) {
	switch key {
	case headerReason:
		l.Fault.Reason = schemas.Reason(value)
	case headerStage:
		l.Fault.Stage = schemas.Stage(value)
	case headerDetail:
		l.Fault.Detail = string(value)
	case headerPosition:
		l.Fault.Position, err = strconv.ParseInt(string(value), 10, 64)
	case headerTopic:
		l.Origin.Topic = string(value)
	case headerPartition:
		l.Origin.Partition, err = parse32(value)
	case headerOffset:
		l.Origin.Offset, err = strconv.ParseInt(string(value), 10, 64)
	case headerPath:
		l.Origin.Path = string(value)
	case headerHDU:
		l.Origin.HDU, err = parse32(value)
	case headerSurvey:
		l.Survey = string(value)
	case headerObjectID:
		l.ObjectID = value
	case headerTime:
		l.At, err = time.Parse(time.RFC3339Nano, string(value))
	case headerPublished:
		l.Published, err = time.Parse(time.RFC3339Nano, string(value))
	case headerPart:
		l.Part, l.Parts, err = parsePart(string(value))
	default:
		if name, ok := strings.CutPrefix(key, headerOriginal); ok {
			l.Headers = append(l.Headers, ingest.Header{Key: name, Value: value})
		}
	}
	return err
}

func parse32(value []byte) (int32, error) {
	n, err := strconv.ParseInt(string(value), 10, 32)
	return int32(n), err
}

// parsePart reads "2/3".
func parsePart(s string) (part, parts int, err error) {
	a, b, _ := strings.Cut(s, "/")
	part, err = strconv.Atoi(a)
	if err == nil {
		parts, err = strconv.Atoi(b)
	}
	if err == nil && (part < 1 || part > parts) {
		err = errors.New("no such part")
	}
	return part, parts, err
}

// Assembler joins the parts of dead letters, which follow one another within a partition of the
// dead-letter topic, perhaps repeated after a lost acknowledgement. The zero value is ready; use one for
// each partition that is read.
type Assembler struct {
	letter *Letter
	part   int // the last part taken in
	value  []byte
}

// Add takes in the next letter of the partition and returns its whole payload and the letter as its first
// part states it, or nil while parts are missing. The payload is valid until the next Add.
func (a *Assembler) Add(l *Letter, value []byte) ([]byte, *Letter) {
	switch {
	case l.Parts == 1:
		return value, l
	case l.Part == 1:
		a.letter, a.part, a.value = l, 1, append(a.value[:0], value...)
	case a.letter != nil && a.letter.Origin == l.Origin && l.Parts == a.letter.Parts && l.Part == a.part+1:
		a.part++
		a.value = append(a.value, value...)
	default: // a repeated part, or the tail of a letter whose head was not read
		return nil, nil
	}
	if a.part < a.letter.Parts {
		return nil, nil
	}
	first := a.letter
	a.letter = nil
	return a.value, first
}
