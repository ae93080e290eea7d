package simulate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// maxSend is the most packets Run hands to send at once.
const maxSend = 512

// Run sends the packets of a survey, from index 0 on, at the times of a pace, until the pace ends (nil),
// ctx ends (ctx's error) or send fails (its error). Packets come in order; those that are due together
// come together. send is called from one goroutine at a time and owns the packets it is given, but not
// the slice that holds them.
//
// Run owns its Config.Workers render workers and has ended them all when it returns.
func Run(ctx context.Context, s *Survey, pace Pace, send func(ctx context.Context, batch []Packet) error) error {
	return RunFrom(ctx, s, 0, pace, send)
}

// RunFrom is Run from packet first on.
func RunFrom(ctx context.Context, s *Survey, first uint64, pace Pace, send func(ctx context.Context, batch []Packet) error) error {
	if pace.Clock == nil {
		pace.Clock = WallClock{}
	}
	group, work := errgroup.WithContext(ctx)
	queue := make(chan *slot, s.cfg.Ahead) // in order
	jobs := make(chan *slot)
	done := make(chan struct{})
	group.Go(func() error { return plan(work, first, done, queue, jobs) })
	for range s.cfg.Workers {
		group.Go(func() error { return renderAll(s, jobs) })
	}
	group.Go(func() error {
		defer close(done)
		return deliver(work, pace, queue, send)
	})
	err := group.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return ctx.Err()
	}
	return err
}

// slot is a packet being made.
type slot struct {
	index  uint64
	packet Packet
	ready  chan error
}

// plan numbers the packets and hands them to the workers, at most as many ahead as the queue holds. It
// ends the workers when delivery is done or ctx ends.
func plan(ctx context.Context, first uint64, done <-chan struct{}, queue, jobs chan<- *slot) error {
	defer close(jobs)
	for i := first; ; i++ {
		sl := &slot{index: i, ready: make(chan error, 1)}
		select {
		case queue <- sl:
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case jobs <- sl:
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// renderAll makes packets until jobs is closed.
func renderAll(s *Survey, jobs <-chan *slot) error {
	for sl := range jobs {
		var err error
		sl.packet, err = s.Next(sl.index)
		sl.ready <- err
	}
	return nil
}

// deliver sends packets as they fall due. What is due is sent before it waits for a packet that is not
// ready or not due.
func deliver(ctx context.Context, pace Pace, queue <-chan *slot, send func(context.Context, []Packet) error) error {
	batch := make([]Packet, 0, maxSend)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := send(ctx, batch); err != nil {
			return fmt.Errorf("send %d simulated packets: %w", len(batch), err)
		}
		clear(batch)
		batch = batch[:0]
		return nil
	}
	for due := range pace.Times(pace.Clock.Now()) {
		if len(batch) == maxSend || pace.Clock.Now().Before(due) {
			if err := flush(); err != nil {
				return err
			}
		}
		if err := pace.Clock.Until(ctx, due); err != nil {
			return err
		}
		p, err := take(ctx, queue, due, flush)
		if err != nil {
			return err
		}
		batch = append(batch, p)
	}
	return flush()
}

// take returns the next packet, sending what waits before it waits itself.
func take(ctx context.Context, queue <-chan *slot, due time.Time, flush func() error) (Packet, error) {
	var sl *slot
	select {
	case sl = <-queue:
	case <-ctx.Done():
		return Packet{}, ctx.Err()
	}
	var err error
	select {
	case err = <-sl.ready:
	default:
		if err := flush(); err != nil {
			return Packet{}, err
		}
		select {
		case err = <-sl.ready:
		case <-ctx.Done():
			return Packet{}, ctx.Err()
		}
	}
	sl.packet.Due = due
	return sl.packet, err
}
