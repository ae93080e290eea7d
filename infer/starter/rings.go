package starter

import "math"

// rings describes how a square map is pooled: concentric rings about its centre, of equal width, out to
// the inscribed circle.
type rings struct {
	size  int
	count int
}

// each calls f for every pixel inside the circle with its ring and its azimuth in radians.
func (r rings) each(f func(pixel, ring int, azimuth float64)) {
	centre := float64(r.size-1) / 2
	reach := float64(r.size) / 2
	for y := range r.size {
		for x := range r.size {
			dx, dy := float64(x)-centre, float64(y)-centre
			ring := int(math.Hypot(dx, dy) / reach * float64(r.count))
			if ring < r.count {
				f(y*r.size+x, ring, math.Atan2(dy, dx))
			}
		}
	}
}

// means returns the matrix [size*size][count] whose product with a flat map is the mean of each ring.
func (r rings) means() []float32 {
	counts := make([]float32, r.count)
	r.each(func(_, ring int, _ float64) { counts[ring]++ })
	matrix := make([]float32, r.size*r.size*r.count)
	r.each(func(pixel, ring int, _ float64) { matrix[pixel*r.count+ring] = 1 / counts[ring] })
	return matrix
}

// harmonic returns the maps [size*size] of cos(m phi) and sin(m phi), phi the azimuth.
func (r rings) harmonic(m int) (cosine, sine []float32) {
	cosine, sine = make([]float32, r.size*r.size), make([]float32, r.size*r.size)
	r.each(func(pixel, _ int, azimuth float64) {
		s, c := math.Sincos(float64(m) * azimuth)
		cosine[pixel], sine[pixel] = float32(c), float32(s)
	})
	return cosine, sine
}
