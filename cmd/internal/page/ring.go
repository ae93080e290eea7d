package page

import "sync"

// Ring keeps the newest items with their pictures, bounded by count and by bytes. It is safe for
// concurrent use.
type Ring struct {
	maxItems int
	maxBytes int64

	mu    sync.RWMutex
	slots []ringSlot     // circular; the oldest is at head
	head  int            // index of the oldest
	count int            // slots in use
	bytes int64          // of all pictures kept
	byID  map[string]int // index of an item's slot
}

type ringSlot struct {
	item  Item
	thumb []byte
}

// NewRing makes a ring of at most maxItems items (at least 1) whose pictures take at most maxBytes. The
// memory is maxBytes plus about 1 kB an item.
func NewRing(maxItems int, maxBytes int64) *Ring {
	maxItems = max(1, maxItems)
	return &Ring{maxItems: maxItems, maxBytes: maxBytes, slots: make([]ringSlot, maxItems), byID: make(map[string]int, maxItems)}
}

// Add puts an item in, as the newest, in place of the oldest when the ring is full. An item whose id the
// ring already holds replaces it where it stands. thumb makes the picture and is called before Add
// returns, outside the lock; nil, or a nil picture, is an item without one.
func (r *Ring) Add(it Item, thumb func() []byte) {
	var pic []byte
	if thumb != nil {
		pic = thumb()
	}
	if int64(len(pic)) > r.maxBytes {
		pic = nil
	}
	it.HasThumb = pic != nil
	r.mu.Lock()
	defer r.mu.Unlock()
	if i, ok := r.byID[it.ID]; ok {
		r.bytes += int64(len(pic)) - int64(len(r.slots[i].thumb))
		r.slots[i] = ringSlot{it, pic}
	} else {
		if r.count == r.maxItems {
			r.drop()
		}
		i := (r.head + r.count) % r.maxItems
		r.slots[i] = ringSlot{it, pic}
		r.byID[it.ID] = i
		r.count++
		r.bytes += int64(len(pic))
	}
	for r.bytes > r.maxBytes && r.count > 1 {
		r.drop()
	}
}

// drop forgets the oldest item.
func (r *Ring) drop() {
	s := &r.slots[r.head]
	delete(r.byID, s.item.ID)
	r.bytes -= int64(len(s.thumb))
	*s = ringSlot{}
	r.head = (r.head + 1) % r.maxItems
	r.count--
}

// Newest returns up to n items, newest first.
func (r *Ring) Newest(n int) []Item {
	r.mu.RLock()
	defer r.mu.RUnlock()
	n = max(0, min(n, r.count))
	out := make([]Item, n)
	for i := range out {
		out[i] = r.slots[(r.head+r.count-1-i)%r.maxItems].item
	}
	return out
}

// Get returns the item of an id, and whether the ring holds it.
func (r *Ring) Get(id string) (Item, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	i, ok := r.byID[id]
	if !ok {
		return Item{}, false
	}
	return r.slots[i].item, true
}

// Thumb returns the picture of an id, and whether the ring holds one.
func (r *Ring) Thumb(id string) ([]byte, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	i, ok := r.byID[id]
	if !ok || r.slots[i].thumb == nil {
		return nil, false
	}
	return r.slots[i].thumb, true
}

// Len returns the number of items and the bytes of their pictures.
func (r *Ring) Len() (items int, bytes int64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.count, r.bytes
}
