package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
)

// DeadLetterFolder keeps refused messages in a folder: the payload whole in NAME.payload and what is known
// of it in NAME.json, NAME being made of the origin. A message put again replaces its letter. It
// implements ingest.DeadLetters.
type DeadLetterFolder struct {
	folder string
}

var _ ingest.DeadLetters = (*DeadLetterFolder)(nil)

// NewDeadLetterFolder makes the folder where it is missing.
func NewDeadLetterFolder(folder string) (*DeadLetterFolder, error) {
	if folder == "" {
		return nil, errors.New("dead letters: no folder given")
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	if err := syncFolder(filepath.Dir(filepath.Clean(folder))); err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	return &DeadLetterFolder{folder: folder}, nil
}

// Letter is what the JSON file of a dead letter says. Bytes that need not be text are in base64.
type Letter struct {
	Reason    schemas.Reason `json:"reason"`
	Stage     schemas.Stage  `json:"stage"`
	Position  int64          `json:"position"` // byte of the payload; -1 for none
	Detail    string         `json:"detail"`
	Origin    LetterOrigin   `json:"origin"`
	Survey    string         `json:"survey,omitempty"`
	ObjectID  string         `json:"object_id,omitempty"` // empty when ObjectIDRaw is needed
	Key       []byte         `json:"key,omitempty"`
	Headers   []LetterHeader `json:"headers,omitempty"`
	Published *time.Time     `json:"published,omitempty"`
	At        time.Time      `json:"at"`

	ObjectIDRaw []byte `json:"object_id_raw,omitempty"` // an object id that is no UTF-8
	Payload     string `json:"payload"`                 // name of the payload's file beside this one
	Size        int64  `json:"size"`                    // bytes of the payload
	SHA256      string `json:"sha256"`                  // of the payload, hexadecimal
}

// LetterOrigin is schemas.Origin in JSON.
type LetterOrigin struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Path      string `json:"path,omitempty"`
	HDU       int32  `json:"hdu"`
}

// LetterHeader is one header of the message.
type LetterHeader struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// Put implements ingest.DeadLetters. The payload is there before the JSON file is, so a letter whose JSON
// file exists is whole; both, and their names, survive a crash once Put has returned nil.
func (d *DeadLetterFolder) Put(ctx context.Context, letter *ingest.DeadLetter) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name := letterName(letter.Message.Origin)
	l := makeLetter(letter, name+".payload")
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("dead letter of %v: %w", letter.Message.Origin, err)
	}
	base := filepath.Join(d.folder, name)
	if err = replace(base+".payload", letter.Message.Value); err == nil {
		err = writeDurably(base+".json", append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("dead letter of %v: %w", letter.Message.Origin, err)
	}
	return nil
}

// Close implements ingest.DeadLetters; there is nothing left to do.
func (d *DeadLetterFolder) Close(context.Context) error { return nil }

func makeLetter(d *ingest.DeadLetter, payload string) *Letter {
	m, f := d.Message, d.Fault
	if f == nil {
		f = schemas.NewFault(schemas.StageIngest, schemas.ReasonInternal, "no reason was given")
	}
	sum := sha256.Sum256(m.Value)
	o := m.Origin
	l := &Letter{
		Reason: f.Reason, Stage: f.Stage, Position: f.Position, Detail: f.Detail,
		Origin: LetterOrigin{Topic: o.Topic, Partition: o.Partition, Offset: o.Offset, Path: o.Path, HDU: o.HDU},
		Survey: d.Survey, Key: m.Key, At: d.At.UTC(),
		Payload: payload, Size: int64(len(m.Value)), SHA256: hex.EncodeToString(sum[:]),
	}
	if f.Err != nil {
		l.Detail += ": " + f.Err.Error()
	}
	if utf8.Valid(d.ObjectID) {
		l.ObjectID = string(d.ObjectID)
	} else {
		l.ObjectIDRaw = d.ObjectID
	}
	for _, h := range m.Headers {
		l.Headers = append(l.Headers, LetterHeader(h))
	}
	if !m.Published.IsZero() {
		at := m.Published.UTC()
		l.Published = &at
	}
	return l
}

// letterName makes a file name of an origin: words for people, and a hash of all of it, so that no two
// origins share a name and no path in an origin leads out of the folder.
func letterName(o schemas.Origin) string {
	full := fmt.Sprintf("%q/%d/%d/%q/%d", o.Topic, o.Partition, o.Offset, o.Path, o.HDU)
	sum := sha256.Sum256([]byte(full))
	words := fmt.Sprintf("%s-%d-%d", o.Topic, o.Partition, o.Offset)
	if o.Path != "" {
		words = filepath.Base(o.Path)
	}
	words = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r == '.':
			return '_' // the name has one extension
		}
		return '-'
	}, words)
	return words[:min(len(words), 80)] + "-" + hex.EncodeToString(sum[:12])
}

// ReadLetter reads a letter's JSON file and the payload beside it, and checks the payload.
func ReadLetter(name string) (*Letter, []byte, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, fmt.Errorf("dead letter: %w", err)
	}
	var l Letter
	if err := json.Unmarshal(b, &l); err != nil {
		return nil, nil, fmt.Errorf("dead letter %s: %w", name, err)
	}
	if l.Payload != filepath.Base(l.Payload) {
		return nil, nil, fmt.Errorf("dead letter %s: payload %q lies elsewhere", name, l.Payload)
	}
	payload, err := os.ReadFile(filepath.Join(filepath.Dir(name), l.Payload))
	if err != nil {
		return nil, nil, fmt.Errorf("dead letter: %w", err)
	}
	if sum := sha256.Sum256(payload); hex.EncodeToString(sum[:]) != l.SHA256 {
		return nil, nil, fmt.Errorf("dead letter %s: %s is not the payload it was written with", name, l.Payload)
	}
	return &l, payload, nil
}
