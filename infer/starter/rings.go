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
func (r rings) means() []float32 { return r.harmonics(0)[0] }

// harmonics returns two such matrices, for the mean of cos(m phi) and of sin(m phi) times the map; for
// m = 0 the first is the plain mean and there is no second.
func (r rings) harmonics(m int) [][]float32 {
	counts := make([]float64, r.count)
	r.each(func(_, ring int, _ float64) { counts[ring]++ })
	cosine := make([]float32, r.size*r.size*r.count)
	sine := make([]float32, len(cosine))
	r.each(func(pixel, ring int, azimuth float64) {
		s, c := math.Sincos(float64(m) * azimuth)
		cosine[pixel*r.count+ring] = float32(c / counts[ring])
		sine[pixel*r.count+ring] = float32(s / counts[ring])
	})
	if m == 0 {
		return [][]float32{cosine}
	}
	return [][]float32{cosine, sine}
}
