package tile

import (
	"encoding/binary"
	"fmt"
)

// maxPlanes is the most bit planes a quadrant may have: 32-bit pixels give coefficients of at most 36
// bits (White 1992), and 64-bit arithmetic has room for the rest.
const maxPlanes = 48

// hcompressHead is the bytes before the bit planes: magic, nx, ny, scale, sum, three numbers of planes.
const hcompressHead = 2 + 3*4 + 8 + 3

// HCompress decodes HCOMPRESS_1 streams (standard 4.0, section 10.4.4; White, Postman & Lattanzi 1992).
// It keeps its memory: about 19 bytes a pixel of the largest tile. The zero value is ready; it is not
// safe for concurrent use.
type HCompress struct {
	coef      []int64    // coefficients: sum in the first place, quadrants of ever finer differences
	out, prev []int64    // picture of the level in hand and of the one before
	nodes     [2][]uint8 // nodes of two levels of a quadtree
}

// Decode decodes a stream of a tile of height rows of width pixels, and smooths the result where the
// compression was lossy and smooth is set. The pixels, which have at most 32 bits and wrap beyond, as
// every reader has it, are valid until the next call. Nothing is
// allocated before the shape in the stream is found to be the one asked for. Errors are ErrTruncated and
// ErrDamaged.
func (h *HCompress) Decode(src []byte, width, height int, smooth bool) ([]int64, error) {
	if len(src) < hcompressHead {
		return nil, ErrTruncated
	}
	if src[0] != 0xdd || src[1] != 0x99 {
		return nil, fmt.Errorf("%w: HCOMPRESS stream begins with %x, not dd99", ErrDamaged, src[:2])
	}
	// The standard's nx counts the slow axis, ny the fast one.
	nx, ny := int32(binary.BigEndian.Uint32(src[2:])), int32(binary.BigEndian.Uint32(src[6:]))
	if int(nx) != height || int(ny) != width || nx < 1 || ny < 1 {
		return nil, fmt.Errorf("%w: HCOMPRESS stream of %d x %d pixels in a tile of %d x %d", ErrDamaged, ny, nx, width, height)
	}
	scale := int64(int32(binary.BigEndian.Uint32(src[10:])))
	sum := int64(binary.BigEndian.Uint64(src[14:]))
	planes := src[22:25]
	for _, p := range planes {
		if p > maxPlanes {
			return nil, fmt.Errorf("%w: HCOMPRESS stream with %d bit planes", ErrDamaged, p)
		}
	}
	h.grow(width * height)
	if err := h.coefficients(src[hcompressHead:], width, height, planes); err != nil {
		return nil, err
	}
	h.coef[0] = sum
	if scale > 1 {
		for i := range h.coef {
			h.coef[i] *= scale
		}
	}
	var limit int64
	if smooth {
		limit = max(scale>>1, 0)
	}
	px := h.invert(width, height, limit)
	for i, v := range px {
		px[i] = int64(int32(v))
	}
	return px, nil
}

// grow makes room for n pixels; the coefficients are zero afterwards.
func (h *HCompress) grow(n int) {
	if cap(h.coef) < n {
		h.coef = make([]int64, n)
		h.out, h.prev = make([]int64, n), make([]int64, n)
	}
	h.coef = h.coef[:n]
	clear(h.coef)
}

// coefficients reads the four quadrants, coarse first, then the signs of everything that is not zero.
func (h *HCompress) coefficients(src []byte, width, height int, planes []byte) error {
	cx, cy := (width+1)/2, (height+1)/2
	r := bitReader{src: src}
	for _, q := range [...]struct{ at, width, height, planes int }{
		{0, cx, cy, int(planes[0])},
		{cx, width - cx, cy, int(planes[1])},
		{cy * width, cx, height - cy, int(planes[1])},
		{cy*width + cx, width - cx, height - cy, int(planes[2])},
	} {
		quad := quadrant{width: q.width, height: q.height, stride: width}
		if q.width > 0 && q.height > 0 {
			quad.coef = h.coef[q.at:]
		}
		for bit := q.planes - 1; bit >= 0; bit-- {
			if err := h.plane(&r, &quad, uint(bit)); err != nil {
				return err
			}
		}
	}
	if end, ok := r.take(4); !ok {
		return ErrTruncated
	} else if end != 0 {
		return fmt.Errorf("%w: HCOMPRESS bit planes without an end", ErrDamaged)
	}
	r.align()
	for i, v := range h.coef {
		if v == 0 {
			continue
		}
		negative, ok := r.take(1)
		if !ok {
			return ErrTruncated
		}
		if negative != 0 {
			h.coef[i] = -v
		}
	}
	return nil
}
