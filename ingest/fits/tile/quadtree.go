package tile

import "fmt"

// quadrant is a rectangle of coefficients inside the array of a tile.
type quadrant struct {
	coef          []int64 // from its first coefficient on; nil when it has none
	width, height int
	stride        int // from one row to the next
}

// half is the number of nodes over n values.
func half(n int) int { return (n + 1) / 2 }

// The two forms of a bit plane.
const (
	planeDirect = 0x0 // the nodes over 2x2 coefficients follow one by one
	planeTree   = 0xf // a quadtree follows
)

// plane reads bit plane number bit of a quadrant. A node has four bits for four children: 8 upper left,
// 4 upper right, 2 lower left, 1 lower right.
func (h *HCompress) plane(r *bitReader, q *quadrant, bit uint) error {
	form, ok := r.take(4)
	if !ok {
		return ErrTruncated
	}
	w, rows := half(q.width), half(q.height)
	if n := w * rows; cap(h.nodes[0]) < n {
		h.nodes[0], h.nodes[1] = make([]uint8, n), make([]uint8, n)
	}
	var nodes []uint8
	var err error
	switch form {
	case planeDirect:
		nodes = h.nodes[0][:w*rows]
		err = r.nibbles(nodes)
	case planeTree:
		nodes, err = h.tree(r, q)
	default:
		err = fmt.Errorf("%w: HCOMPRESS bit plane of form %d", ErrDamaged, form)
	}
	if err == nil {
		q.insert(nodes, bit)
	}
	return err
}

// nibbles reads nodes of four bits each.
func (r *bitReader) nibbles(nodes []uint8) error {
	for i := range nodes {
		v, ok := r.take(4)
		if !ok {
			return ErrTruncated
		}
		nodes[i] = uint8(v)
	}
	return nil
}

// tree reads a quadtree level by level from its root and returns the nodes of the last level. The
// children that a level announces are coded from the last to the first.
func (h *HCompress) tree(r *bitReader, q *quadrant) ([]uint8, error) {
	root, err := r.node()
	if err != nil {
		return nil, err
	}
	if q.coef == nil {
		if root != 0 {
			return nil, fmt.Errorf("%w: HCOMPRESS bits in an empty quadrant", ErrDamaged)
		}
		return nil, nil
	}
	levels := 1
	for w, rows := half(q.width), half(q.height); w > 1 || rows > 1; w, rows = half(w), half(rows) {
		levels++
	}
	above, below := h.nodes[0][:1], h.nodes[1]
	above[0] = root
	for level := levels - 2; level >= 0; level-- {
		w, rows := (q.width-1)>>(level+1)+1, (q.height-1)>>(level+1)+1
		below = below[:w*rows]
		if err := r.expand(below, above, w, rows); err != nil {
			return nil, err
		}
		above, below = below, above
	}
	return above, nil
}

// expand reads the rows x w nodes of a level under those of the level above.
func (r *bitReader) expand(below, above []uint8, w, rows int) error {
	parents := half(w)
	for y := rows - 1; y >= 0; y-- {
		up := above[y/2*parents:][:parents]
		row := below[y*w:][:w]
		shift := uint(2 - 2*(y&1)) // to the two bits of this row of children
		for x := w - 1; x >= 0; x-- {
			row[x] = 0
			if up[x/2]>>shift>>(^uint(x)&1)&1 == 0 {
				continue
			}
			v, err := r.node()
			if err != nil {
				return err
			}
			row[x] = v
		}
	}
	return nil
}

// insert sets bit in the coefficients that the nodes mark. Marks over the edge are ignored.
func (q *quadrant) insert(nodes []uint8, bit uint) {
	w := half(q.width)
	for y := 0; len(nodes) > 0; y, nodes = y+2, nodes[w:] {
		upper := q.coef[y*q.stride:][:q.width]
		var lower []int64
		if y+1 < q.height {
			lower = q.coef[(y+1)*q.stride:][:q.width]
		}
		for i, v := range nodes[:w] {
			if v == 0 {
				continue
			}
			x := 2 * i
			upper[x] |= int64(v>>3) << bit
			if x+1 < len(upper) {
				upper[x+1] |= int64(v>>2&1) << bit
			}
			if x < len(lower) {
				lower[x] |= int64(v>>1&1) << bit
			}
			if x+1 < len(lower) {
				lower[x+1] |= int64(v&1) << bit
			}
		}
	}
}

// nodeCode is one entry of nodeCodes: a node and the length of its code.
type nodeCode struct{ node, length uint8 }

// nodeCodes is indexed by the next six bits of the stream. The fixed prefix code gives the four nodes
// with one child three bits, the likeliest pairs four, and so on to the node without children, six.
var nodeCodes = [64]nodeCode{
	0x00: {1, 3}, 0x01: {1, 3}, 0x02: {1, 3}, 0x03: {1, 3}, 0x04: {1, 3}, 0x05: {1, 3}, 0x06: {1, 3}, 0x07: {1, 3},
	0x08: {2, 3}, 0x09: {2, 3}, 0x0a: {2, 3}, 0x0b: {2, 3}, 0x0c: {2, 3}, 0x0d: {2, 3}, 0x0e: {2, 3}, 0x0f: {2, 3},
	0x10: {4, 3}, 0x11: {4, 3}, 0x12: {4, 3}, 0x13: {4, 3}, 0x14: {4, 3}, 0x15: {4, 3}, 0x16: {4, 3}, 0x17: {4, 3},
	0x18: {8, 3}, 0x19: {8, 3}, 0x1a: {8, 3}, 0x1b: {8, 3}, 0x1c: {8, 3}, 0x1d: {8, 3}, 0x1e: {8, 3}, 0x1f: {8, 3},
	0x20: {3, 4}, 0x21: {3, 4}, 0x22: {3, 4}, 0x23: {3, 4},
	0x24: {5, 4}, 0x25: {5, 4}, 0x26: {5, 4}, 0x27: {5, 4},
	0x28: {10, 4}, 0x29: {10, 4}, 0x2a: {10, 4}, 0x2b: {10, 4},
	0x2c: {12, 4}, 0x2d: {12, 4}, 0x2e: {12, 4}, 0x2f: {12, 4},
	0x30: {15, 4}, 0x31: {15, 4}, 0x32: {15, 4}, 0x33: {15, 4},
	0x34: {6, 5}, 0x35: {6, 5}, 0x36: {7, 5}, 0x37: {7, 5}, 0x38: {9, 5}, 0x39: {9, 5},
	0x3a: {11, 5}, 0x3b: {11, 5}, 0x3c: {13, 5}, 0x3d: {13, 5},
	0x3e: {0, 6}, 0x3f: {14, 6},
}

// node reads one prefix code.
func (r *bitReader) node() (uint8, error) {
	if r.n < 6 {
		r.refill()
	}
	c := nodeCodes[r.acc>>58]
	if uint(c.length) > r.n {
		return 0, ErrTruncated
	}
	r.drop(uint(c.length))
	return c.node, nil
}
