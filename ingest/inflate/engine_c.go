//go:build cgo && amd64 && !purego

package inflate

// #cgo CFLAGS: -O3 -Wall -Wextra
// #cgo noescape gx_inflate_run
// #cgo nocallback gx_inflate_run
// #include "inflate.h"
import "C"

import "unsafe"

// engine is the decoder that a Reader uses in this build.
type engine = nativeDecoder

// nativeDecoder is decoder in C.
type nativeDecoder struct {
	s C.gx_inflate
}

func (d *nativeDecoder) start(in, out int) {
	d.s.b = C.gx_bits{in: C.uint64_t(in)}
	d.s.out = C.uint64_t(out)
	d.s.mode, d.s.final = 0, 0
}

func (d *nativeDecoder) position() (in, out int) {
	return int(d.s.b.in - d.s.b.nbits/8), int(d.s.out)
}

func (d *nativeDecoder) run(dst, src []byte, base int) status {
	C.gx_inflate_run(
		&d.s, bytePtr(dst), C.size_t(len(dst)), bytePtr(src), C.size_t(len(src)), C.size_t(base),
		nil, nil, 0, nil, 0, 0,
		nil, nil, 0, nil, 0, 0)
	return status(d.s.status)
}

// runGroup runs the decoders of the sessions that are open, side by side.
func runGroup(d *[groupSize]engine, g *[groupSize]session, open *[groupSize]bool) (s [groupSize]status) {
	var p [groupSize]*C.gx_inflate // those that are nil are left out
	for i := range d {
		if open[i] {
			p[i] = &d[i].s
		}
	}
	C.gx_inflate_run(
		p[0], bytePtr(g[0].dst), C.size_t(len(g[0].dst)), bytePtr(g[0].src), C.size_t(len(g[0].src)), 0,
		p[1], bytePtr(g[1].dst), C.size_t(len(g[1].dst)), bytePtr(g[1].src), C.size_t(len(g[1].src)), 0,
		p[2], bytePtr(g[2].dst), C.size_t(len(g[2].dst)), bytePtr(g[2].src), C.size_t(len(g[2].src)), 0)
	for i := range d {
		s[i] = status(d[i].s.status)
	}
	return s
}

func bytePtr(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(b)) }
