package simulate

import "math"

// A Moffat profile with beta = 3 is a mixture of Gaussians whose inverse variances follow a Gamma
// distribution: (1 + r^2/a^2)^-3 = integral of t^2 e^-t/2 exp(-t r^2/a^2) dt. Gauss-Laguerre quadrature
// with weight t e^-t (the flux of each Gaussian goes as 1/t) turns the integral into three Gaussians, and
// Gaussians convolve one axis at a time. The nodes are the roots of t^3 - 12 t^2 + 36 t - 24.
var (
	moffatNode   = [3]float64{0.9358222275, 3.3054072893, 7.7587704831}
	moffatWeight = [3]float64{0.5886814810, 0.3912160592, 0.0201024598}
)

// psf is a point spread function as a mixture of Gaussians, sampled on pixels.
type psf struct {
	kernel [3][]float32 // half kernels: [0] is the centre tap; each is normalised to weight^(1/2)
	scratch,
	rows []float32
}

// newPSF makes a Moffat PSF (beta = 3) of the given full width at half maximum in pixels. No tap lies
// further out than limit pixels.
func newPSF(fwhm float64, limit int) *psf {
	p := &psf{}
	alpha := fwhm / (2 * math.Sqrt(math.Cbrt(2)-1))
	for i, t := range moffatNode {
		p.kernel[i] = gaussKernel(alpha/math.Sqrt(2*t), math.Sqrt(moffatWeight[i]), limit)
	}
	return p
}

// gaussKernel integrates a Gaussian over pixels and returns its non-negative half, scaled so that the
// whole kernel sums to total.
func gaussKernel(sigma, total float64, limit int) []float32 {
	n := min(limit, int(math.Ceil(4.2*sigma)))
	k := make([]float64, n+1)
	s := 1 / (sigma * math.Sqrt2)
	sum := 0.0
	for i := range k {
		k[i] = math.Erf((float64(i)+0.5)*s) - math.Erf((float64(i)-0.5)*s)
		sum += k[i]
		if i > 0 {
			sum += k[i]
		}
	}
	out := make([]float32, n+1)
	for i := range k {
		out[i] = float32(k[i] * total / sum)
	}
	return out
}

// convolve replaces img (n by n) with its convolution. What lies outside the frame is dark.
func (p *psf) convolve(img []float32, n int) {
	if len(p.scratch) < n*n {
		p.scratch, p.rows = make([]float32, n*n), make([]float32, n*n)
	}
	out, rows := p.scratch[:n*n], p.rows[:n*n]
	clear(out)
	for _, k := range p.kernel {
		clear(rows)
		for y := range n {
			convolveRow(rows[y*n:(y+1)*n], img[y*n:(y+1)*n], k)
		}
		for y := range n {
			dst := out[y*n : (y+1)*n]
			axpy(dst, rows[y*n:(y+1)*n], k[0])
			for d := 1; d < len(k); d++ {
				lo, hi := y-d, y+d
				switch {
				case lo >= 0 && hi < n:
					axpy2(dst, rows[lo*n:(lo+1)*n], rows[hi*n:(hi+1)*n], k[d])
				case lo >= 0:
					axpy(dst, rows[lo*n:(lo+1)*n], k[d])
				case hi < n:
					axpy(dst, rows[hi*n:(hi+1)*n], k[d])
				}
			}
		}
	}
	copy(img, out)
}

// convolveRow adds the convolution of one row to dst.
func convolveRow(dst, src []float32, k []float32) {
	n := len(src)
	axpy(dst, src, k[0])
	for d := 1; d < len(k) && d < n; d++ {
		axpy(dst[d:], src[:n-d], k[d])
		axpy(dst[:n-d], src[d:], k[d])
	}
}

// axpy adds a*x to y.
func axpy(y, x []float32, a float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] += a * x[i]
	}
}

// axpy2 adds a*(x1+x2) to y.
func axpy2(y, x1, x2 []float32, a float32) {
	x1, x2 = x1[:len(y)], x2[:len(y)]
	for i := range y {
		y[i] += a * (x1[i] + x2[i])
	}
}
