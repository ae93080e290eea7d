package starter

import "math"

// The wavelets: Morlet, eight directions over half a turn, on seven pixels.
const (
	directions  = 8
	waveletSize = 7
	waveletFreq = 3 * math.Pi / 4 // radians a pixel
	waveletSD   = 1.1             // pixels along the wave
	waveletLong = 1.7             // times as long across it
)

// morlets returns the convolution kernels [2*directions][1][7][7]: the real parts of all directions,
// then the imaginary parts. Each is exp(ik.x) with its mean under the envelope removed, times a Gaussian
// envelope, scaled to unit sum of moduli (Mallat, Group Invariant Scattering, 2012).
func morlets() []float32 {
	const n = waveletSize * waveletSize
	kernels := make([]float32, 2*directions*n)
	for d := range directions {
		re, im := morlet(math.Pi * float64(d) / directions)
		copy(kernels[d*n:], re)
		copy(kernels[(directions+d)*n:], im)
	}
	return kernels
}

// morlet returns real and imaginary part of one wavelet whose wave travels along angle.
func morlet(angle float64) (re, im []float32) {
	const n = waveletSize * waveletSize
	envelope, wave := make([]float64, n), make([]complex128, n)
	s, c := math.Sincos(angle)
	var total float64
	var mean complex128
	for i := range n {
		x, y := float64(i%waveletSize-waveletSize/2), float64(i/waveletSize-waveletSize/2)
		along, across := x*c+y*s, (-x*s+y*c)/waveletLong
		envelope[i] = math.Exp(-(along*along + across*across) / (2 * waveletSD * waveletSD))
		sin, cos := math.Sincos(waveletFreq * along)
		wave[i] = complex(cos, sin)
		total += envelope[i]
		mean += complex(envelope[i], 0) * wave[i]
	}
	mean /= complex(total, 0)
	for i := range n {
		v := (wave[i] - mean) * complex(envelope[i]/total, 0)
		re, im = append(re, float32(real(v))), append(im, float32(imag(v)))
	}
	return re, im
}
