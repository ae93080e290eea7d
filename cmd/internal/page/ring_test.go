package page

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRingAgainstAList checks the ring against a plain list: order, bounds, look-ups and replacement.
func TestRingAgainstAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		maxItems := rapid.IntRange(1, 6).Draw(t, "items")
		maxBytes := int64(rapid.IntRange(0, 60).Draw(t, "bytes"))
		r := NewRing(maxItems, maxBytes)
		type entry struct {
			id    string
			thumb []byte
		}
		var list []entry // oldest first
		weigh := func() (n int64) {
			for _, e := range list {
				n += int64(len(e.thumb))
			}
			return n
		}
		for range rapid.IntRange(0, 40).Draw(t, "adds") {
			id := fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "id"))
			pic := bytes.Repeat([]byte{1}, rapid.IntRange(0, 25).Draw(t, "size"))
			r.Add(Item{ID: id}, func() []byte { return pic })
			if int64(len(pic)) > maxBytes {
				pic = nil
			}
			at := -1
			for i := range list {
				if list[i].id == id {
					at = i
				}
			}
			if at >= 0 {
				list[at].thumb = pic
			} else {
				list = append(list, entry{id, pic})
			}
			if len(list) > maxItems {
				list = list[1:]
			}
			for weigh() > maxBytes && len(list) > 1 {
				list = list[1:]
			}
			items, total := r.Len()
			if items != len(list) || total != weigh() || total > maxBytes {
				t.Fatalf("%d items of %d bytes, want %d of %d", items, total, len(list), weigh())
			}
			newest := r.Newest(len(list) + 3)
			for i, it := range newest {
				want := list[len(list)-1-i]
				thumb, ok := r.Thumb(it.ID)
				if it.ID != want.id || ok != (want.thumb != nil) || ok != it.HasThumb || !bytes.Equal(thumb, want.thumb) {
					t.Fatalf("item %d is %v with %d bytes, want %s with %d", i, it, len(thumb), want.id, len(want.thumb))
				}
			}
		}
	})
}

func TestRingKnowsNothingOfWhatItDropped(t *testing.T) {
	r := NewRing(2, 100)
	for _, id := range []string{"a", "b", "c"} {
		r.Add(Item{ID: id, Label: id}, func() []byte { return []byte(id) })
	}
	if _, ok := r.Get("a"); ok {
		t.Error("the dropped item is still there")
	}
	if _, ok := r.Thumb("a"); ok {
		t.Error("its picture is still there")
	}
	if it, ok := r.Get("c"); !ok || it.Label != "c" || !it.HasThumb {
		t.Errorf("newest item: %v, %v", it, ok)
	}
	r.Add(Item{ID: "d"}, nil)
	if _, ok := r.Thumb("d"); ok {
		t.Error("an item without a picture has one")
	}
	if got := len(r.Newest(-1)); got != 0 {
		t.Errorf("%d items of -1 asked for", got)
	}
}

func TestRingTakesConcurrentUse(t *testing.T) {
	r := NewRing(16, 1<<12)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 300 {
				id := fmt.Sprint(w, "-", i%20)
				r.Add(Item{ID: id}, func() []byte { return make([]byte, 100) })
				r.Newest(5)
				r.Thumb(id)
			}
		})
	}
	wg.Wait()
	if n, b := r.Len(); n != 16 || b != 1600 {
		t.Errorf("%d items of %d bytes, want 16 of 1600", n, b)
	}
}

func TestSamplerKeepsItsRate(t *testing.T) {
	now := time.Unix(1000, 0)
	s := NewSampler(10, func() time.Time { return now })
	var taken int
	for range 1000 { // a stream of 1,000 a second for a second
		if s.Take() {
			taken++
		}
		now = now.Add(time.Millisecond)
	}
	if taken != 10 {
		t.Errorf("%d taken, want 10", taken)
	}
	if NewSampler(0, nil).Take() {
		t.Error("a sampler of none took one")
	}
	if !NewSampler(5, nil).Take() {
		t.Error("the first cutout was not taken")
	}
	if n := testing.AllocsPerRun(100, func() { s.Take() }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
