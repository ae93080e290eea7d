package simulate

import (
	"math"
	"math/rand/v2"
)

// Expose adds the noise of an exposure to a noiseless image in place: photon noise of the sky and of the
// sources, and read noise. Tens of photo-electrons a pixel or more make the Poisson distribution of the
// photons a Gaussian of the same variance to well under the read noise. depth divides the noise: 1 is one
// exposure, 4 a stack of 16.
func (c Camera) Expose(rng *rand.Rand, img []float32, b Band, depth float64) {
	gain := c.Gain[b]
	floor := c.Sky[b]*gain + c.ReadNoise*c.ReadNoise
	k := float32(1 / (gain * depth))
	for i, v := range img {
		variance := floor + max(0, float64(v))*gain
		img[i] = v + k*float32(math.Sqrt(variance)*rng.NormFloat64())
	}
}
