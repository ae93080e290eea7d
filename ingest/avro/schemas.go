package avro

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
)

// DefaultUnknownFor is how long an id that does not exist is refused without asking again.
const DefaultUnknownFor = 30 * time.Second

// maxKnown and maxUnknown bound the ids remembered.
const (
	maxKnown   = 256
	maxUnknown = 1024
)

// SchemasOptions says where schemas are found by id. At least one of Folder and Registry is needed.
type SchemasOptions struct {
	// Folder holds MAJOR/MINOR/*.avsc as github.com/lsst/alert_packet does (or is that checkout, with
	// these in "schema"); the id is MAJOR*100 + MINOR. With a registry it is the fall-back for ids that
	// the registry lacks and for the time it is down.
	Folder string
	// Registry is the base URL of a schema registry with the Confluent REST interface; a schema must be
	// registered in one piece, without references.
	Registry string
	// Keep is a folder where the registry's answers are kept and looked for first; empty keeps them in
	// memory only.
	Keep string
	// UnknownFor is how long an unknown id is refused without asking again; 0 means DefaultUnknownFor.
	UnknownFor time.Duration
	// Client asks the registry; nil means one of its own with the default transport.
	Client *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Validate lists every fault of the options.
func (o SchemasOptions) Validate() error {
	var errs []error
	if o.Folder == "" && o.Registry == "" {
		errs = append(errs, errors.New("schemas: neither a folder nor a registry is given"))
	}
	if u, err := url.Parse(o.Registry); o.Registry != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, fmt.Errorf("schemas: the registry %q is no http or https address", o.Registry))
	}
	if o.Folder != "" {
		if _, err := checkFolder(o.Folder); err != nil {
			errs = append(errs, fmt.Errorf("schemas: %w", err))
		}
	}
	if o.UnknownFor < 0 {
		errs = append(errs, errors.New("schemas: the time for unknown ids is negative"))
	}
	return errors.Join(errs...)
}

// Schemas finds schemas by id, for all workers of a process: an id is looked up once, whoever asks.
type Schemas struct {
	folder     *folder
	registry   *registry
	unknownFor time.Duration
	now        func() time.Time
	turn       chan struct{} // holds one token: the right to look an id up

	mu      sync.RWMutex
	known   map[int32]*Schema
	unknown map[int32]refusal
}

// refusal is an id that cannot be resolved, until a moment.
type refusal struct {
	fault *schemas.Fault
	until time.Time
}

// NewSchemas makes a resolver. It does not ask the registry.
func NewSchemas(o SchemasOptions) (*Schemas, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &Schemas{
		unknownFor: o.UnknownFor, now: o.Now, turn: make(chan struct{}, 1),
		known: map[int32]*Schema{}, unknown: map[int32]refusal{},
	}
	if s.unknownFor == 0 {
		s.unknownFor = DefaultUnknownFor
	}
	if s.now == nil {
		s.now = time.Now
	}
	if o.Folder != "" {
		f, err := checkFolder(o.Folder)
		if err != nil {
			return nil, err
		}
		s.folder = &f
	}
	if o.Registry != "" {
		s.registry = &registry{address: o.Registry, client: o.Client, kept: o.Keep}
		if s.registry.client == nil {
			s.registry.client = &http.Client{}
		}
	}
	return s, nil
}

// Resolve returns the schema of an id, within ctx. An id that neither registry nor folder has, or whose
// schema cannot be used, is a *schemas.Fault with ReasonUnknownSchema; a registry that does not answer is
// any other error, and may be asked again. Safe for concurrent use.
func (s *Schemas) Resolve(ctx context.Context, id int32) (*Schema, error) {
	if schema, err, ok := s.remembered(id); ok {
		return schema, err
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("schema id %d: another look-up is in progress: %w", id, ctx.Err())
	}
	if schema, err, ok := s.remembered(id); ok {
		return schema, err
	}
	schema, err := s.find(ctx, id)
	if err != nil {
		if !errors.Is(err, errUnknownID) && !errors.Is(err, ErrSchema) {
			return nil, fmt.Errorf("schema id %d: %w", id, err)
		}
		return nil, s.refuse(id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxKnown {
		clear(s.known)
	}
	s.known[id] = schema
	return schema, nil
}

// remembered returns what is known of an id, and whether anything is.
func (s *Schemas) remembered(id int32) (schema *Schema, err error, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if schema := s.known[id]; schema != nil {
		return schema, nil, true
	}
	if r, refused := s.unknown[id]; refused && s.now().Before(r.until) {
		return nil, r.fault, true
	}
	return nil, nil, false
}

// find asks the registry, then the folder.
func (s *Schemas) find(ctx context.Context, id int32) (*Schema, error) {
	var asked error = errUnknownID
	if s.registry != nil {
		text, err := s.registry.load(ctx, id)
		if err == nil {
			return Parse(text)
		}
		asked = err
	}
	if s.folder != nil {
		schema, err := s.folder.load(id)
		if errors.Is(err, ErrSchema) || !errors.Is(err, fs.ErrNotExist) {
			return schema, err
		}
	}
	return nil, asked
}

// refuse remembers that an id cannot be resolved, and returns the fault.
func (s *Schemas) refuse(id int32, cause error) *schemas.Fault {
	f := schemas.NewFault(schemas.StageIngest, schemas.ReasonUnknownSchema,
		"schema id %d cannot be resolved; add it to the registry or the schema folder and replay", id)
	f.Err = cause
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unknown) >= maxUnknown {
		clear(s.unknown)
	}
	s.unknown[id] = refusal{fault: f, until: s.now().Add(s.unknownFor)}
	return f
}
