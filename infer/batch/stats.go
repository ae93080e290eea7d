package batch

import "time"

// Stats counts what a batcher did since it was made.
type Stats struct {
	Batches [lanes]int64 // batches handed to runners, by lane
	Rows    [lanes]int64 // rows in them, by lane
	Full    int64        // batches with MaxRows rows
	Expired int64        // batches sealed because their oldest row had waited MaxWait

	Cancelled int64 // rows reserved and given back unused

	QueueWait    time.Duration // sum over batches: from the first committed row to the start of the run
	ReserveWait  time.Duration // sum over reservations: time blocked because all buffers were in use
	ReserveWaits int64         // reservations that had to wait

	FreeBuffers int // buffers not in use now
	Capacity    int // rows of a full batch
}

// FillRatio is the mean number of rows of a batch divided by MaxRows; 0 before the first batch.
func (s Stats) FillRatio() float64 {
	batches := s.Batches[Live] + s.Batches[Backfill]
	if batches == 0 {
		return 0
	}
	return float64(s.Rows[Live]+s.Rows[Backfill]) / float64(batches*int64(s.Capacity))
}

// Stats returns the counters.
func (b *Batcher[B, T]) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.stats
	s.FreeBuffers, s.Capacity = len(b.free), b.cfg.MaxRows
	return s
}

// add counts a batch of rows that was given to a runner after waiting.
func (s *Stats) add(lane Lane, rows, maxRows int, waited time.Duration) {
	s.Batches[lane]++
	s.Rows[lane] += int64(rows)
	if rows == maxRows {
		s.Full++
	}
	s.QueueWait += waited
}
