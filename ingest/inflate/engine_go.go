//go:build !cgo || !amd64 || purego

package inflate

// engine is the decoder that a Reader uses in this build.
type engine = decoder

// runThree runs the decoders of three open sessions, one after the other.
func runThree(d *[groupSize]engine, g *[groupSize]session) (s [groupSize]status) {
	for i := range d {
		s[i] = d[i].run(g[i].dst, g[i].src, 0)
	}
	return s
}
