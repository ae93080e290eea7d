package simulate

import "math"

// Renderer renders galaxies through one camera. It keeps its buffers, so a renderer that is reused
// allocates little; it is not safe for concurrent use.
type Renderer struct {
	camera  Camera
	pad     int // margin around the frame whose light the PSF may bring in, pixels
	n       int // Size + 2 pad
	psf     [NumBands]*psf
	planes  [NumBands][]float32 // light, n by n
	tau     []float32           // optical depth in r
	profile []float32           // one component before its colours
}

// NewRenderer makes a renderer, or says what is wrong with the camera.
func NewRenderer(c Camera) (*Renderer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := &Renderer{camera: c}
	for b := range r.psf {
		r.pad = max(r.pad, 2+int(math.Ceil(2.2*c.FWHM[b]/c.PixelScale)))
	}
	r.n = c.Size + 2*r.pad
	for b := range r.psf {
		r.psf[b] = newPSF(c.FWHM[b]/c.PixelScale, 3*r.pad)
		r.planes[b] = make([]float32, r.n*r.n)
	}
	r.tau, r.profile = make([]float32, r.n*r.n), make([]float32, r.n*r.n)
	return r, nil
}

// Render fills dst with the noiseless images of a galaxy: Size rows of Size pixels for each band,
// nanomaggies a pixel, first row at the bottom (south), columns running west. It allocates the images
// when dst's are too short and returns them.
func (r *Renderer) Render(g *Galaxy, dst [NumBands][]float32) [NumBands][]float32 {
	for b := range r.planes {
		clear(r.planes[b])
	}
	for i := range g.Components {
		r.add(&g.Components[i])
	}
	r.dim(g.Dust)
	for i := range g.Field {
		r.add(&g.Field[i])
	}
	size := r.camera.Size
	for b := range dst {
		r.psf[b].convolve(r.planes[b], r.n)
		if len(dst[b]) < size*size {
			dst[b] = make([]float32, size*size)
		}
		dst[b] = dst[b][:size*size]
		for y := range size {
			row := (y+r.pad)*r.n + r.pad
			copy(dst[b][y*size:(y+1)*size], r.planes[b][row:row+size])
		}
	}
	return dst
}

// Render renders one band of a galaxy through LegacyCamera(size) without noise: size rows of size pixels,
// nanomaggies, first row at the bottom. It returns nil for a size the camera does not have. To render
// many galaxies use a Renderer, which keeps its buffers.
func Render(g Galaxy, size int, b Band) []float32 {
	r, err := NewRenderer(LegacyCamera(size))
	if err != nil {
		return nil
	}
	return r.Render(&g, [NumBands][]float32{})[b]
}

// add lays a component's light on the planes.
func (r *Renderer) add(c *Component) {
	p := c.Shape.compile()
	x0, x1, y0, y1 := r.box(&p)
	if x0 >= x1 || y0 >= y1 || p.total <= 0 {
		return
	}
	r.sample(&p, x0, x1, y0, y1)
	area := r.camera.PixelScale * r.camera.PixelScale / p.total
	for b := range r.planes {
		k := float32(c.Flux[b] * area)
		for y := y0; y < y1; y++ {
			axpy(r.planes[b][y*r.n+x0:y*r.n+x1], r.profile[y*r.n+x0:y*r.n+x1], k)
		}
	}
}

// dim multiplies the light by the transmission of all dust.
func (r *Renderer) dim(dust []Dust) {
	if len(dust) == 0 {
		return
	}
	clear(r.tau)
	for i := range dust {
		p := dust[i].Shape.compile()
		x0, x1, y0, y1 := r.box(&p)
		if x0 >= x1 || y0 >= y1 {
			continue
		}
		r.sample(&p, x0, x1, y0, y1)
		for y := y0; y < y1; y++ {
			axpy(r.tau[y*r.n+x0:y*r.n+x1], r.profile[y*r.n+x0:y*r.n+x1], float32(dust[i].Tau))
		}
	}
	for b := range r.planes {
		k := dustLaw[b]
		for i, t := range r.tau {
			if t > 1e-4 {
				r.planes[b][i] *= float32(math.Exp(-k * float64(t)))
			}
		}
	}
}

// box returns the pixels of the padded frame that a profile reaches.
func (r *Renderer) box(p *profile) (x0, x1, y0, y1 int) {
	mid := float64(r.n-1) / 2
	inv := 1 / r.camera.PixelScale
	x0 = max(0, int(math.Floor(mid+(p.cx-p.reach)*inv)))
	x1 = min(r.n, int(math.Ceil(mid+(p.cx+p.reach)*inv))+1)
	y0 = max(0, int(math.Floor(mid+(p.cy-p.reach)*inv)))
	y1 = min(r.n, int(math.Ceil(mid+(p.cy+p.reach)*inv))+1)
	return x0, x1, y0, y1
}

// sample writes the mean of a profile over each pixel of the box. Pixels near a steep core are averaged
// over a grid of points: 9 by 9 within a pixel and a half of the centre, 3 by 3 within the core and a
// margin of two pixels; elsewhere the value at the pixel's centre serves.
func (r *Renderer) sample(p *profile, x0, x1, y0, y1 int) {
	s := r.camera.PixelScale
	mid := float64(r.n-1) / 2
	near, core := 1.6*s, 0.0
	if p.core > 0 {
		core = p.core + 2*s
	}
	for y := y0; y < y1; y++ {
		sy := (float64(y) - mid) * s
		row := r.profile[y*r.n : (y+1)*r.n]
		for x := x0; x < x1; x++ {
			sx := (float64(x) - mid) * s
			grid := 1
			if core > 0 {
				switch d := math.Hypot(sx-p.cx, sy-p.cy); {
				case d < near:
					grid = 9
				case d < core && d < 6*s:
					grid = 3
				}
			}
			row[x] = float32(mean(p.at, sx, sy, s, grid))
		}
	}
}

// mean averages f over a square of side s on a grid of points.
func mean(f func(x, y float64) float64, x, y, s float64, grid int) float64 {
	if grid == 1 {
		return f(x, y)
	}
	step := s / float64(grid)
	x, y = x-s/2+step/2, y-s/2+step/2
	var sum float64
	for j := range grid {
		for i := range grid {
			sum += f(x+float64(i)*step, y+float64(j)*step)
		}
	}
	return sum / float64(grid*grid)
}
