package index

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
	"github.com/galaxalign/galaxalign/sink/internal/idset"
)

// Index is the vector index of one model. It implements sink.Sink and sink.Searcher: one goroutine
// writes, any number search meanwhile.
//
// A record written again with the same contents is a duplicate and changes nothing; with other contents
// it takes the place of the first.
type Index struct {
	cfg   Config
	model *schemas.ModelInfo
	fs    disk.FS
	// logger hears of rewrites that failed, which no call reports.
	logger *slog.Logger
	lock   *disk.Lock

	write sync.Mutex // held by Write and Close; guards log, frame and kept
	log   *vectorLog
	// superseded: a failed rewrite may have left a newer generation behind.
	superseded bool
	compactAt  int // entries in the log below which no rewrite is tried again
	frame      []byte
	kept       []int       // indexes of the records of the batch that are written
	batch      idset.Table // their ids

	mu     sync.RWMutex // guards store and closed against searches
	store  *store
	closed bool
}

// Open takes the folder and reads the index into memory. Errors: a fault of the configuration,
// disk.ErrLocked when the folder is in use, *disk.DamageError for a log damaged in the middle, ErrFull
// when it holds more than MaxVectors and nothing may be dropped, or an error of the file system.
func Open(cfg Config, opts ...Option) (*Index, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("vector index: %w", err)
	}
	x := &Index{cfg: cfg.withDefaults(), fs: disk.OS{}, logger: slog.Default()}
	own := *cfg.Model
	own.Classes = slices.Clone(own.Classes)
	x.model = &own
	for _, o := range opts {
		o(x)
	}
	lock, err := disk.LockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("vector index: %w", err)
	}
	x.lock = lock
	x.store = newStore(own.Embedding, x.cfg.MaxVectors)
	x.log, err = openLog(x.fs, cfg.Dir, x.model, x.load)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("vector index: %w", err), x.release())
	}
	x.compactIfWorthwhile()
	return x, nil
}

// load puts an entry read from the log into memory.
func (x *Index) load(e *entry) error {
	if x.cfg.Overflow == Refuse && x.store.len() >= x.cfg.MaxVectors && !x.store.has(e.id) {
		return fmt.Errorf("the log holds more than %d vectors: %w", x.cfg.MaxVectors, ErrFull)
	}
	x.store.put(e)
	return nil
}

// Name returns "index".
func (x *Index) Name() string { return "index" }

// Len returns the number of vectors held.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.store.len()
}

// Write makes the records durable and searchable; see sink.Sink. Records of another model, without an
// embedding, or with one that has no direction are refused.
func (x *Index) Write(ctx context.Context, b *sink.Batch, r *sink.Report) error {
	r.Reset()
	x.write.Lock()
	defer x.write.Unlock()
	if x.closed {
		return fmt.Errorf("vector index: %w", sink.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	rejects := x.collect(b, r)
	if err := x.append(b); err != nil {
		return fmt.Errorf("vector index: %w", err)
	}
	r.Written = len(x.kept)
	if len(rejects) > 0 {
		return &sink.RejectedError{Sink: x.Name(), Rejects: rejects}
	}
	return nil
}

// collect encodes the records to be written into x.frame, reports duplicates and returns the records
// that do not fit. Only the writer changes the store, so reading it needs no lock here.
func (x *Index) collect(b *sink.Batch, r *sink.Report) (rejects []sink.Reject) {
	x.kept, x.frame = x.kept[:0], x.log.beginFrame(x.frame)
	x.batch.Reset()
	otherModel := b.Model.Hash != x.model.Hash
	for i := range b.Records {
		rec := &b.Records[i]
		if otherModel {
			rejects = append(rejects, sink.Reject{Index: i, Err: schemas.NewFault(schemas.StageSink, schemas.ReasonRejected,
				"the index holds embeddings of model %s (%.12s), not of %s (%.12s): open an index for that model",
				x.model.Name, x.model.Hash, b.Model.Name, b.Model.Hash)})
			continue
		}
		if err := check(rec, x.model); err != nil {
			rejects = append(rejects, sink.Reject{Index: i, Err: err})
			continue
		}
		if x.repeats(b, i) {
			r.Duplicate = append(r.Duplicate, i)
			continue
		}
		x.batch.Add(rec.ID)
		x.kept = append(x.kept, i)
		x.frame = appendRecord(x.frame, rec, x.model)
	}
	return rejects
}

// repeats reports whether record i says nothing new: the same contents are durable, or come earlier in
// the batch.
func (x *Index) repeats(b *sink.Batch, i int) bool {
	rec := &b.Records[i]
	if !x.batch.Has(rec.ID) {
		return x.store.holds(rec, x.model)
	}
	for _, k := range slices.Backward(x.kept) {
		if earlier := &b.Records[k]; earlier.ID == rec.ID {
			return sameContents(earlier, rec)
		}
	}
	return false
}

// sameContents compares what the index keeps of two records with the same id and model.
func sameContents(a, b *schemas.Record) bool {
	return a.Survey == b.Survey && a.Label == b.Label && a.Probability == b.Probability &&
		string(a.ObjectID) == string(b.ObjectID) && string(a.ObservationID) == string(b.ObservationID) &&
		sameNumber(a.RA, b.RA) && sameNumber(a.Dec, b.Dec) &&
		observedMicros(a.ObservedAt) == observedMicros(b.ObservedAt) && slices.Equal(a.Embedding, b.Embedding)
}

// append makes the collected records durable, then searchable.
func (x *Index) append(b *sink.Batch) error {
	if len(x.kept) == 0 {
		return nil
	}
	if err := x.room(b); err != nil {
		return err
	}
	if x.log.broken() || x.superseded {
		if err := x.compact(); err != nil {
			return err
		}
	}
	if err := x.log.append(x.frame, len(x.kept)); err != nil {
		return err
	}
	x.insert(b)
	x.compactIfWorthwhile()
	return nil
}

// room checks that the new ids fit.
func (x *Index) room(b *sink.Batch) error {
	if x.cfg.Overflow == DropOldest {
		return nil
	}
	added := 0
	for _, i := range x.kept {
		if !x.store.has(b.Records[i].ID) {
			added++
		}
	}
	if n := x.store.len(); n+added > x.cfg.MaxVectors {
		return fmt.Errorf("%d vectors held, %d more do not fit into %d: %w", n, added, x.cfg.MaxVectors, ErrFull)
	}
	return nil
}

// insert puts the collected records into memory. Their texts are cut out of one string, so that a batch
// costs one allocation and not two a record.
func (x *Index) insert(b *sink.Batch) {
	var size int
	for _, i := range x.kept {
		size += len(b.Records[i].ObjectID) + len(b.Records[i].ObservationID)
	}
	text := make([]byte, 0, size)
	for _, i := range x.kept {
		text = append(append(text, b.Records[i].ObjectID...), b.Records[i].ObservationID...)
	}
	all := string(text)
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, i := range x.kept {
		r := &b.Records[i]
		object, rest := all[:len(r.ObjectID)], all[len(r.ObjectID):]
		obs := rest[:len(r.ObservationID)]
		all = rest[len(r.ObservationID):]
		x.store.put(&entry{
			id: r.ID, survey: r.Survey, object: object, obs: obs, label: labelOf(r, x.model),
			ra: r.RA, dec: r.Dec, observed: observedMicros(r.ObservedAt), prob: r.Probability, vector: r.Embedding,
		})
	}
}

// compactIfWorthwhile rewrites the log when most of it is replaced or dropped entries. A failure costs
// nothing but disk space, so it is logged, and tried again when the log has grown by a tenth.
func (x *Index) compactIfWorthwhile() {
	const slack = 10_000 // entries; below this a rewrite would come often and gain little
	if x.log.entries <= max(2*x.store.len()+slack, x.compactAt) {
		return
	}
	if err := x.compact(); err != nil {
		x.compactAt = x.log.entries + x.log.entries/10
		x.logger.Warn("rewriting the vector log failed, going on with the old one", "error", err)
	}
}

// compact writes the entries in memory as the next generation of the log and deletes the old one.
func (x *Index) compact() error {
	next, err := x.log.rewrite(x.store)
	if err != nil {
		// Had the new file come to stay, the next Open would take it for the newest and miss what the
		// old one gets from here on: then nothing is written before a rewrite succeeds.
		discardErr := x.log.discard(next)
		x.superseded = discardErr != nil
		return errors.Join(fmt.Errorf("rewrite %s: %w", x.log.path(), err), discardErr)
	}
	old := x.log
	x.log, x.superseded, x.compactAt = next, false, 0
	if err := old.remove(); err != nil { // the next Open deletes it
		x.logger.Warn("the old vector log stays", "error", err)
	}
	return nil
}

// Close releases the index. Closing again does nothing.
func (x *Index) Close(context.Context) error {
	x.write.Lock()
	defer x.write.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	return x.release()
}

func (x *Index) release() error {
	var err error
	if x.log != nil {
		err = x.log.close()
	}
	return errors.Join(err, x.lock.Release())
}
