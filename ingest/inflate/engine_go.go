//go:build !cgo || !amd64 || purego

package inflate

// engine is the decoder that a Reader uses in this build.
type engine = decoder

// runGroup runs the decoders of the sessions that are open, one after the other.
func runGroup(d *[groupSize]engine, g *[groupSize]session, open *[groupSize]bool) (s [groupSize]status) {
	for i := range d {
		if open[i] {
			s[i] = g[i].run(&d[i])
		}
	}
	return s
}
