package simulate

import (
	"bytes"
	"fmt"
	"math"

	"github.com/klauspost/compress/gzip"
)

// Event is what a simulated alert is about.
type Event string

// The events.
const (
	Supernova Event = "supernova" // in the host, off its centre
	Nucleus   Event = "nucleus"   // an active nucleus, brighter or fainter than in the template
	Bogus     Event = "bogus"     // an artefact of the subtraction: dipole, cosmic ray, noise
)

// event is the truth of an alert apart from its identity.
type event struct {
	kind              Event
	band              Band
	mag, zp           float64 // of the transient, and of the science image
	dx, dy            float64 // from the middle of the stamp, arcsec: the event is in the middle, the host is not
	positive          bool
	host              [NumBands]float64 // magnitudes
	edgeX, edgeY, nan int               // columns and rows kept, 0 for all; column without data, -1 for none
	noise             float64           // of the difference, DN a pixel
	skyLevel          float64           // DN
}

// stampSize is the side of a ZTF stamp, pixels.
const stampSize = 63

// nearer is how much nearer than in the Legacy Surveys a host is: ZTF pixels are four times as wide, and
// a host must span some of them to have a shape. Its angular size grows by this factor, its flux by the
// square.
const nearer = 2.4

// hostCamera is the ZTF camera for hosts drawn at the distance of the Legacy Surveys.
func hostCamera() Camera {
	c := ZTFCamera()
	c.PixelScale /= nearer
	for b := range c.FWHM {
		c.FWHM[b] /= nearer
	}
	return c
}

// renderAlert makes the three stamps of sky n and the event in them.
func (s *Survey) renderAlert(n uint64) (*sky, error) {
	rng := s.rng(n, streamSky)
	class := s.pick(rng)
	g := Draw(rng, class)
	d := dice{s.rng(n, streamEvent)}
	ev := s.drawEvent(d, &g, n)
	offset(&g, -ev.dx/nearer, -ev.dy/nearer)
	r, err := s.borrow()
	if err != nil {
		return nil, err
	}
	defer s.giveBack(r)
	planes := r.Render(&g, [NumBands][]float32{})
	host := planes[ev.band]
	for i := range host {
		host[i] *= nearer * nearer
	}
	stamps := s.expose(d, host, &ev)
	k := &sky{class: class, event: ev}
	for i := range stamps {
		if k.images[i], err = gzipStamp(&ev, stamps[i]); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// drawEvent draws what happens in a host.
func (s *Survey) drawEvent(d dice, g *Galaxy, n uint64) event {
	ev := event{band: Band(d.IntN(2)), positive: true, zp: d.near(26.25, 0.12), nan: -1}
	for b := range ev.host {
		ev.host[b] = 22.5 - 2.5*math.Log10(g.Flux(Band(b))*nearer*nearer)
	}
	ev.mag = 17 + 2.9*math.Sqrt(d.Float64())
	switch x := d.Float64(); {
	case x < 0.55:
		ev.kind = Supernova
		angle, dist := d.in(0, 2*math.Pi), math.Abs(d.near(0, 4))+0.6
		ev.dx, ev.dy = dist*math.Cos(angle), dist*math.Sin(angle)
	case x < 0.8:
		ev.kind, ev.positive = Nucleus, d.chance(0.6)
	default:
		ev.kind = Bogus
		ev.dx, ev.dy = d.near(0, 3), d.near(0, 3)
	}
	if every := uint64(max(0, s.cfg.EdgeEvery)); every > 0 {
		switch n % every {
		case every / 3:
			ev.edgeX, ev.edgeY = stampSize-d.IntN(28)-1, stampSize
			if d.chance(0.5) {
				ev.edgeX, ev.edgeY = ev.edgeY, ev.edgeX
			}
		case every / 3 * 2:
			ev.nan = d.IntN(stampSize)
		}
	}
	return ev
}

// offset moves everything a galaxy is made of. Shapes are values: each is replaced by a moved copy.
func offset(g *Galaxy, dx, dy float64) {
	for _, list := range [][]Component{g.Components, g.Field} {
		for i := range list {
			list[i].Shape = moved{list[i].Shape, dx, dy}
		}
	}
	for i := range g.Dust {
		g.Dust[i].Shape = moved{g.Dust[i].Shape, dx, dy}
	}
}

// moved is a shape at another place.
type moved struct {
	Shape
	dx, dy float64
}

func (m moved) compile() profile {
	p := m.Shape.compile()
	at := p.at
	p.at = func(x, y float64) float64 { return at(x-m.dx, y-m.dy) }
	p.cx, p.cy = p.cx+m.dx, p.cy+m.dy
	return p
}

// expose returns the science, template and difference stamps, DN: science is the host and the event,
// template a deeper image of the host alone, difference what subtracting the two leaves, with the sign
// turned so that the event is bright, as ZTF does.
func (s *Survey) expose(d dice, host []float32, ev *event) [3][]float32 {
	const depth = 4
	c := ZTFCamera()
	scale := float32(math.Pow(10, (ev.zp-22.5)/2.5))
	ev.noise = c.SkyNoise(ev.band) * float64(scale) * math.Sqrt(1+1.0/(depth*depth))
	ev.skyLevel = d.in(220, 420)
	n := len(host)
	science, template, diff := make([]float32, n), make([]float32, n), make([]float32, n)
	copy(template, host)
	copy(science, host)
	flux := mag(ev.mag)
	if !ev.positive {
		flux = -min(flux, 0.8*mag(ev.host[ev.band]))
	}
	if ev.kind == Bogus {
		artefact(d, science, c, ev)
	} else {
		addPoint(science, c, ev.band, flux, 0, 0)
	}
	c.Expose(d.Rand, science, ev.band, 1)
	c.Expose(d.Rand, template, ev.band, depth)
	turn := float32(1)
	if !ev.positive {
		turn = -1
	}
	for i := range diff {
		science[i] *= scale
		template[i] *= scale
		diff[i] = turn * (science[i] - template[i])
		science[i] += float32(ev.skyLevel)
		template[i] += 281
	}
	return [3][]float32{science, template, diff}
}

// artefact adds what a bad subtraction or a particle leaves.
func artefact(d dice, img []float32, c Camera, ev *event) {
	flux := mag(ev.mag)
	switch d.IntN(3) {
	case 0: // dipole: the images were not aligned
		dx, dy := d.near(0, 0.8), d.near(0, 0.8)
		addPoint(img, c, ev.band, 2*flux, dx, dy)
		addPoint(img, c, ev.band, -2*flux, -dx, -dy)
	case 1: // cosmic ray: sharper than any star
		x, y := float64(stampSize/2), float64(stampSize/2)
		sin, cos := math.Sincos(d.in(0, 2*math.Pi))
		for range 2 + d.IntN(6) {
			img[int(y)*stampSize+int(x)] += float32(flux * 0.4)
			x, y = x+cos, y+sin
		}
	default: // a column that reads too high
		col := stampSize/2 + d.IntN(3) - 1
		for y := range stampSize {
			img[y*stampSize+col] += float32(flux * 0.08)
		}
	}
}

// addPoint adds a point source at an offset from the middle, arcsec: a Moffat profile with beta = 3,
// total flux (beta-1)/(pi a^2) (1 + r^2/a^2)^-beta.
func addPoint(img []float32, c Camera, b Band, flux, dx, dy float64) {
	alpha := c.FWHM[b] / c.PixelScale / (2 * math.Sqrt(math.Cbrt(2)-1))
	k := 1 / (alpha * alpha)
	norm := flux * 2 * k / math.Pi
	cx, cy := stampSize/2+dx/c.PixelScale, stampSize/2+dy/c.PixelScale
	f := func(x, y float64) float64 {
		t := 1 + k*((x-cx)*(x-cx)+(y-cy)*(y-cy))
		return norm / (t * t * t)
	}
	for y := range stampSize {
		for x := range stampSize {
			grid := 1
			if math.Abs(float64(x)-cx) < 3 && math.Abs(float64(y)-cy) < 3 {
				grid = 5
			}
			img[y*stampSize+x] += float32(mean(f, float64(x), float64(y), 1, grid))
		}
	}
}

// gzipStamp writes a stamp as a gzipped FITS file with the few cards that ZTF's stamps have, cut at the
// edge of the chip and with a dead column where the event says so.
func gzipStamp(ev *event, img []float32) ([]byte, error) {
	w, h := stampSize, stampSize
	if ev.edgeX > 0 {
		w, h = ev.edgeX, ev.edgeY
	}
	pixels := make([]float32, 0, w*h)
	for y := range h {
		pixels = append(pixels, img[y*stampSize:y*stampSize+w]...)
		if ev.nan >= 0 && ev.nan < w {
			pixels[y*w+ev.nan] = float32(math.NaN())
		}
	}
	var head header
	head.logical("SIMPLE", true, "")
	head.integer("BITPIX", -32, "")
	head.integer("NAXIS", 2, "")
	head.integer("NAXIS1", int64(w), "")
	head.integer("NAXIS2", int64(h), "")
	head.text("BUNIT", "DN", "")
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("compress stamp: %w", err)
	}
	if _, err := z.Write(appendPixels(head.end(), pixels)); err != nil {
		return nil, fmt.Errorf("compress stamp: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress stamp: %w", err)
	}
	return buf.Bytes(), nil
}
