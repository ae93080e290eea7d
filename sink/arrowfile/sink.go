package arrowfile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
	"github.com/galaxalign/galaxalign/sink/internal/idset"
)

// Sink writes records to files. It implements sink.Sink.
//
// Steps of a Write: refuse records that do not fit the model; leave out those that are durable already;
// encode the rest as one frame; append it to the model's open segment and sync; remember the ids; when
// the segment is large or old enough, hand it to the sealer and open another with the next Write.
//
// One goroutine, started by Open and ended by Close, seals segments and watches their age. It works on
// segments that no longer change, outside the lock. At most maxUnsealed segments wait for it: then Write
// waits too, and fails with the sealer's error when it has one, so that a disk that takes appends but no
// files cannot fill up with segments.
type Sink struct {
	cfg    Config
	format Format
	fs     disk.FS
	log    *slog.Logger
	lock   *disk.Lock

	mu      sync.Mutex // guards what follows
	sets    map[string]*fileSet
	ids     *idset.Set
	batch   idset.Table // ids of the batch in progress
	kept    []int       // indexes of the records of the batch that are written
	lookup  lookup
	waiting []*segment    // closed to appending, oldest first; the sealer works on the first
	sealErr error         // of the last attempt, nil after a success
	attempt chan struct{} // closed and replaced after each attempt
	closed  bool

	wake chan struct{} // one token: there is something to seal, or a deadline to watch
	stop context.CancelFunc
	done chan struct{} // closed when the sealer has ended
}

// maxUnsealed bounds the segments that wait to be sealed.
const maxUnsealed = 2

// Open takes the folder, seals what an earlier process left behind, and returns the sink. It reads the
// footers of all files and the ids of the newest until Horizon is reached. Errors: a fault of the
// configuration, disk.ErrLocked when the folder is in use, *disk.DamageError for a segment that is
// damaged in the middle, or an error of the file system with its path.
func Open(cfg Config, opts ...Option) (*Sink, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("arrow files: %w", err)
	}
	s := &Sink{
		cfg: cfg.withDefaults(), format: IPC{}, fs: disk.OS{}, log: slog.Default(),
		sets: map[string]*fileSet{}, attempt: make(chan struct{}),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	for _, o := range opts {
		o(s)
	}
	s.ids = idset.New(s.cfg.Horizon)
	s.lookup.limit = s.cfg.LookupFiles
	lock, err := disk.LockDir(s.cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("%s files: %w", s.format.Name(), err)
	}
	s.lock = lock
	if err := s.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s files: %w", s.format.Name(), err), s.lock.Release())
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() {
		defer close(s.done)
		s.sealer(ctx)
	}()
	return s, nil
}

// Name returns "arrow", or the name of the format.
func (s *Sink) Name() string { return s.format.Name() }

// Write makes the records durable; see sink.Sink. Errors of the disk can be retried and carry the path.
func (s *Sink) Write(ctx context.Context, b *sink.Batch, r *sink.Report) error {
	r.Reset()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("%s files: %w", s.Name(), sink.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(b.Records) == 0 {
		return nil
	}
	if err := s.room(ctx); err != nil {
		return err
	}
	set, err := s.prepare(b.Model)
	if err != nil {
		return fmt.Errorf("%s files: %w", s.Name(), err)
	}
	rejects, err := s.collect(set, b, r)
	if err != nil {
		return fmt.Errorf("%s files: %w", s.Name(), err)
	}
	if err := s.append(set, b); err != nil {
		return fmt.Errorf("%s files: %w", s.Name(), err)
	}
	r.Written = len(s.kept)
	if len(rejects) > 0 {
		return &sink.RejectedError{Sink: s.Name(), Rejects: rejects}
	}
	return nil
}

// prepare returns the file set of a model with an open segment.
func (s *Sink) prepare(m *schemas.ModelInfo) (*fileSet, error) {
	key := disk.ModelDir(m)
	set := s.sets[key]
	if set == nil {
		set = &fileSet{dir: filepath.Join(s.cfg.Dir, key)}
		s.sets[key] = set
	}
	if !set.modelMatches(m) {
		s.rotate(set)
		own := *m
		own.Classes = slices.Clone(m.Classes)
		set.model, set.enc = &own, newEncoder(&own)
	}
	if set.open != nil {
		return set, nil
	}
	seg, err := newSegment(s.fs, set, set.enc, time.Now())
	if err != nil {
		return nil, err
	}
	seg.born = s.ids.Generation()
	set.open = seg
	return set, nil
}

// collect puts the new records of the batch into the encoder and their indexes into s.kept, reports the
// duplicates and returns the records that do not fit.
func (s *Sink) collect(set *fileSet, b *sink.Batch, r *sink.Report) (rejects []sink.Reject, err error) {
	s.kept = s.kept[:0]
	s.batch.Reset()
	set.enc.builder.Reset()
	for i := range b.Records {
		rec := &b.Records[i]
		known := s.batch.Has(rec.ID)
		if !known {
			if known, err = s.known(set, rec); err != nil {
				return nil, err
			}
		}
		if known {
			r.Duplicate = append(r.Duplicate, i)
			continue
		}
		if err := set.enc.builder.Append(rec); err != nil {
			rejects = append(rejects, sink.Reject{Index: i, Err: err})
			continue
		}
		s.batch.Add(rec.ID)
		s.kept = append(s.kept, i)
	}
	return rejects, nil
}

// append makes the collected records durable and enters them into the accounts.
func (s *Sink) append(set *fileSet, b *sink.Batch) error {
	if len(s.kept) == 0 {
		return nil
	}
	frame, err := set.enc.frame()
	if err != nil {
		return err
	}
	seg := set.open
	if err := seg.log.Append(frame); err != nil {
		if seg.log.Broken() {
			s.rotate(set)
		}
		return err
	}
	for _, i := range s.kept {
		s.ids.Add(b.Records[i].ID)
	}
	seg.addRows(b.Records, s.kept)
	if seg.rows >= s.cfg.MaxRows || seg.log.Size() >= s.cfg.MaxBytes {
		s.rotate(set)
	} else if seg.rows == len(s.kept) {
		s.signal() // the first rows of a segment: the sealer has a deadline to watch
	}
	return nil
}

// rotate closes the open segment of a set to appending and hands it to the sealer.
func (s *Sink) rotate(set *fileSet) {
	if set.open == nil {
		return
	}
	s.waiting = append(s.waiting, set.open)
	set.open = nil
	s.signal()
}

// signal wakes the sealer.
func (s *Sink) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close seals every segment and gives the folder up. When it fails, or ctx ends first, the segments that
// are left are sealed by the next Open. Closing again does nothing.
func (s *Sink) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for _, set := range s.sets {
		s.rotate(set)
	}
	s.mu.Unlock()
	s.stop()
	<-s.done // it notices within one record batch
	err := s.sealAll(ctx)
	return errors.Join(err, s.release())
}

// Abandon stops the sink and gives the folder up without sealing anything, as the end of the process
// would: for a shutdown that has run out of time. The next Open seals what is left. After Close it does
// nothing.
func (s *Sink) Abandon() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.stop()
	<-s.done
	return s.release()
}

// release closes the files of unsealed segments and the lock.
func (s *Sink) release() error {
	var errs []error
	for _, seg := range s.waiting {
		errs = append(errs, seg.log.Close())
	}
	for _, set := range s.sets {
		if set.open != nil {
			errs = append(errs, set.open.log.Close())
		}
	}
	return errors.Join(append(errs, s.lock.Release())...)
}
