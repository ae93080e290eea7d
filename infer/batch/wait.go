package batch

import "slices"

// waiter is a worker that waits for room.
type waiter struct{ woken chan struct{} }

// waitList holds the waiting workers of a lane and spare waiters for reuse. The batcher's mutex guards it.
type waitList struct {
	queue []*waiter
	spare []*waiter
}

// add queues a waiter.
func (l *waitList) add() *waiter {
	var w *waiter
	if last := len(l.spare) - 1; last >= 0 {
		w = l.spare[last]
		l.spare = l.spare[:last]
	} else {
		w = &waiter{woken: make(chan struct{}, 1)}
	}
	l.queue = append(l.queue, w)
	return w
}

// wakeAll wakes and empties the queue.
func (l *waitList) wakeAll() {
	for _, w := range l.queue {
		w.woken <- struct{}{}
	}
	l.queue = l.queue[:0]
}

// put keeps a waiter that has been woken for the next one who waits.
func (l *waitList) put(w *waiter) { l.spare = append(l.spare, w) }

// remove takes a waiter that gave up out of the queue, or takes its wake-up when that came meanwhile.
func (l *waitList) remove(w *waiter) {
	if i := slices.Index(l.queue, w); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
	} else {
		<-w.woken
	}
	l.put(w)
}
