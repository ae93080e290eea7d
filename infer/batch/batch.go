package batch

import "time"

// Rows is the memory of one batch, implemented by *infer.Buffers. Row slices of one row do not overlap
// those of another and stay at their address.
type Rows interface {
	Rows() int                  // rows there is room for
	ImageRow(i int) []float32   // image values of row i, to be filled in place
	FeatureRow(i int) []float32 // scalar features of row i, to be filled in place
}

// rowState is where a row is.
type rowState uint8

const (
	rowFree rowState = iota
	rowReserved
	rowCommitted
	rowCancelled
)

// Batch is a buffer and what travels with its rows. Its receiver owns it until Release.
type Batch[B Rows, T any] struct {
	Buffers B
	Lane    Lane
	// Items holds one item a row: row i of Buffers belongs to Items[i]. Its length is the number of rows.
	Items []T

	owner *Batcher[B, T]
	// The rest is guarded by the owner's mutex.
	generation  uint64     // counts the uses of this buffer
	states      []rowState // of the rows handed out in this use
	outstanding int        // rows reserved and neither committed nor cancelled
	committed   int
	sealed      bool
	first       time.Time // when its first row was committed
	running     bool      // handed to run and not yet released
}

// Release gives the buffer back; neither the batch nor any row of it may be used afterwards. A second
// call does nothing.
func (b *Batch[B, T]) Release() { b.owner.release(b) }

// Slot is one reserved row. Exactly one of Commit and Cancel ends it; a later call of either does
// nothing. A goroutine that holds a slot must not reserve another one: with the pool in use its own
// batch would have to be run first, and that waits for this slot.
type Slot[B Rows, T any] struct {
	Image    []float32 // to be filled
	Features []float32 // to be filled
	Item     *T        // to be filled

	batch      *Batch[B, T]
	row        int
	generation uint64
}

// Commit hands the row on. Its memory no longer belongs to the caller.
func (s Slot[B, T]) Commit() { s.batch.owner.finish(s, rowCommitted) }

// Cancel gives the row back unused.
func (s Slot[B, T]) Cancel() { s.batch.owner.finish(s, rowCancelled) }

// compact moves committed rows from the end into the places of cancelled ones, so that rows 0 to
// committed-1 are the committed ones. All rows are committed or cancelled.
func (b *Batch[B, T]) compact() {
	last := len(b.states) - 1
	for hole := 0; hole < b.committed; hole++ {
		if b.states[hole] == rowCommitted {
			continue
		}
		for b.states[last] != rowCommitted {
			last--
		}
		copy(b.Buffers.ImageRow(hole), b.Buffers.ImageRow(last))
		copy(b.Buffers.FeatureRow(hole), b.Buffers.FeatureRow(last))
		b.Items[hole] = b.Items[last]
		b.states[hole], b.states[last] = rowCommitted, rowCancelled
	}
	clear(b.Items[b.committed:])
	b.Items = b.Items[:b.committed]
}
