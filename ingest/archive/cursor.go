package archive

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"

	"github.com/galaxalign/galaxalign/schemas"
)

// cursor goes through the items of a walk and gives each its offset. placeOf may be called from any
// goroutine, the rest from one.
type cursor struct {
	include []string
	files   []file
	next    int64 // offset of the item that advance returns next
	items   items // of the present file; nil between files

	mu    sync.Mutex
	begun int // files begun
	// starts holds the offsets of the first items of the last len(starts) files begun; base stands for
	// the one before them.
	starts []int64
	base   place
}

// place is a file of the walk, by how many were begun with it, and the offset of its first item.
type place struct {
	files int
	start int64
}

// reset goes to the first item of a file of the walk.
func (c *cursor) reset(p place) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun, c.starts, c.base = max(0, p.files-1), nil, p
	c.next = p.start
	return c.close()
}

// pass goes on to the item at offset next.
func (c *cursor) pass(next int64) error {
	for c.next < next {
		_, err := c.advance()
		switch {
		case err == io.EOF:
			return fmt.Errorf("archive: %w: it ends before item %d", ErrChanged, next)
		case err != nil && !isFault(err):
			return err
		}
	}
	return nil
}

// advance goes to the next item. A fault takes an offset like an item, and the rest of its file with it.
// After any other error it can be called again.
func (c *cursor) advance() (item, error) {
	for {
		if c.items == nil {
			if err := c.begin(); err != nil {
				return item{}, err
			}
		}
		it, err := c.items.next()
		switch {
		case err == nil:
			c.next++
			return it, nil
		case err == io.EOF:
			if err := c.close(); err != nil {
				return item{}, err
			}
		case isFault(err):
			c.next++
			return item{path: c.files[c.begun-1].path}, errors.Join(err, c.close())
		default:
			return item{}, err
		}
	}
}

// begin opens the next file, or returns io.EOF.
func (c *cursor) begin() error {
	if c.begun == len(c.files) {
		return io.EOF
	}
	opened, err := open(&c.files[c.begun], c.include)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items = opened
	c.begun++
	c.starts = append(c.starts, c.next)
	return nil
}

// close closes the present file.
func (c *cursor) close() error {
	if c.items == nil {
		return nil
	}
	err := c.items.Close()
	c.items = nil
	return err
}

// placeOf returns the file that offset next lies in or follows, and forgets the files before it.
func (c *cursor) placeOf(next int64) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := sort.Search(len(c.starts), func(i int) bool { return c.starts[i] > next })
	if n == 0 {
		return c.base
	}
	c.base = place{files: c.begun - len(c.starts) + n, start: c.starts[n-1]}
	c.starts = c.starts[n:]
	return c.base
}

// isFault reports whether an item, or the rest of its file, is refused for good.
func isFault(err error) bool { return schemas.AsFault(err) != nil }
