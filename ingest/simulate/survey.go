package simulate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Format is the kind of product a survey sends.
type Format string

// The formats.
const (
	FormatFITS Format = "fits" // one FITS file a packet, an image extension for each of g, r and z
	FormatZTF  Format = "ztf"  // one Avro container a packet, of the ZTF 4.02 alert shape
)

// Config describes a survey. The zero value of a field means its default.
type Config struct {
	// Seed makes one survey differ from another.
	Seed uint64
	// Format of the packets; default FormatFITS.
	Format Format
	// Size of FITS cutouts, pixels a side, 32 to 512; default 96, which is 25 arcsec. A packet is about
	// 12 Size^2 + 14,000 bytes: 124 kB at 96. ZTF stamps are 63 pixels whatever Size says.
	Size int
	// Mix holds the relative frequency of each class; default GalaxyTenMix.
	Mix []float64
	// Distinct is the number of different skies; packet i shows sky i mod Distinct under an identity of
	// its own, so that a load test is not held back by rendering. Each sky is kept once rendered:
	// memory is Distinct x (12 Size^2 + 9,000) bytes for FITS and Distinct x 45,000 for ZTF. 0 (the
	// default) renders every packet anew and keeps nothing.
	Distinct uint64
	// EdgeEvery makes one ZTF packet in this many an edge stamp (narrower than 63 pixels), and another
	// one in as many carry a column without data; default 100, negative for never.
	EdgeEvery int
	// Start is the time of observation 0; default 2026-01-01 03:00 UTC. Observation i is Cadence later
	// for each i; default 350 ms.
	Start   time.Time
	Cadence time.Duration
	// Workers renders packets in Run, Ahead is how many finished packets Run keeps ready (memory: Ahead
	// x the packet size); defaults 1 and 64.
	Workers, Ahead int
}

// withDefaults fills the zero fields.
func (c Config) withDefaults() Config {
	if c.Format == "" {
		c.Format = FormatFITS
	}
	if c.Size == 0 {
		c.Size = 96
	}
	if c.Mix == nil {
		c.Mix = GalaxyTenMix()
	}
	if c.EdgeEvery == 0 {
		c.EdgeEvery = 100
	}
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)
	}
	if c.Cadence == 0 {
		c.Cadence = 350 * time.Millisecond
	}
	if c.Workers == 0 {
		c.Workers = 1
	}
	if c.Ahead == 0 {
		c.Ahead = 64
	}
	return c
}

// Validate lists everything that is wrong with the configuration, zero fields counting as their defaults.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	if c.Format != FormatFITS && c.Format != FormatZTF {
		errs = append(errs, fmt.Errorf("format %q is not known: use %q or %q", c.Format, FormatFITS, FormatZTF))
	}
	if c.Size < 32 || c.Size > 512 {
		errs = append(errs, fmt.Errorf("size is %d pixels, must be 32 to 512", c.Size))
	}
	if len(c.Mix) != NumClasses {
		errs = append(errs, fmt.Errorf("mix has %d weights, must have %d", len(c.Mix), NumClasses))
	}
	var sum float64
	for i, w := range c.Mix {
		if !(w >= 0) || math.IsInf(w, 0) {
			errs = append(errs, fmt.Errorf("weight %d of the mix is %g, must be a number not below 0", i, w))
		}
		sum += w
	}
	if !(sum > 0) {
		errs = append(errs, errors.New("the mix has no positive weight"))
	}
	if c.Cadence < 0 {
		errs = append(errs, errors.New("cadence must not be negative"))
	}
	if c.Workers < 0 || c.Ahead < 0 {
		errs = append(errs, errors.New("workers and ahead must not be negative"))
	}
	return errors.Join(errs...)
}

// Packet is one message of a survey. Its bytes belong to whoever receives it.
type Packet struct {
	Index    uint64
	Key      []byte // the object id: packets of one object share a partition
	Value    []byte
	ObjectID string
	Class    Class     // the truth: what was drawn (for ZTF, the morphology of the host)
	Event    Event     // the truth of a ZTF packet; empty for FITS
	Time     time.Time // start of the observation, UTC
	Due      time.Time // when Run meant to send it, by its pace; zero from Next
}

// Survey makes packets. It is safe for concurrent use.
type Survey struct {
	cfg      Config
	cumul    [NumClasses]float64
	skies    []atomic.Pointer[sky] // by index mod Distinct; nil when nothing is kept
	alert    *alertCodec
	renderer chan *Renderer // free renderers, so that Next allocates none in steady state
	camera   Camera
}

// sky is what one pointing looks like: all of a packet that does not depend on its identity.
type sky struct {
	class  Class
	images [3][]byte // FITS: big-endian pixels, padded to blocks. ZTF: gzipped stamps
	event  event     // ZTF only
}

// New makes a survey, or lists what is wrong with its configuration.
func New(cfg Config) (*Survey, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("simulated survey: %w", err)
	}
	s := &Survey{cfg: cfg.withDefaults()}
	var sum float64
	for i, w := range s.cfg.Mix {
		sum += w
		s.cumul[i] = sum
	}
	s.camera = LegacyCamera(s.cfg.Size)
	if s.cfg.Format == FormatZTF {
		s.camera = hostCamera()
		s.alert = newAlertCodec()
	}
	if s.cfg.Distinct > 0 {
		s.skies = make([]atomic.Pointer[sky], s.cfg.Distinct)
	}
	s.renderer = make(chan *Renderer, 64)
	return s, nil
}

// Config returns the configuration with its defaults filled in.
func (s *Survey) Config() Config { return s.cfg }

// Next returns packet i. The same i gives the same bytes. The error is that of a defect in the camera or
// the compressor; a survey that New accepted has none.
func (s *Survey) Next(i uint64) (Packet, error) {
	sky, err := s.skyOf(i)
	if err != nil {
		return Packet{}, err
	}
	p := Packet{Index: i, Class: sky.class, Time: s.cfg.Start.Add(time.Duration(i) * s.cfg.Cadence)}
	if s.cfg.Format == FormatZTF {
		s.packAlert(&p, sky)
	} else {
		s.packFITS(&p, sky)
	}
	p.Key = []byte(p.ObjectID)
	return p, nil
}

// Cutout returns what packet i shows as noisy planes in g, r and z, Size pixels a side, in nanomaggies,
// first row at the bottom, with its class: the pixels of a FITS packet without the file around them. It
// refuses a survey of another format.
func (s *Survey) Cutout(i uint64) (planes [NumBands][]float32, class Class, err error) {
	if s.cfg.Format != FormatFITS {
		return planes, 0, fmt.Errorf("a survey of format %q has no g, r, z cutouts", s.cfg.Format)
	}
	r, err := s.borrow()
	if err != nil {
		return planes, 0, err
	}
	defer s.giveBack(r)
	rng := s.rng(s.skyIndex(i), streamSky)
	class = s.pick(rng)
	g := Draw(rng, class)
	planes = r.Render(&g, planes)
	for b := range planes {
		s.camera.Expose(rng, planes[b], Band(b), 1)
	}
	return planes, class, nil
}

// skyIndex is the number of the sky that packet i shows.
func (s *Survey) skyIndex(i uint64) uint64 {
	if s.cfg.Distinct > 0 {
		return i % s.cfg.Distinct
	}
	return i
}

// skyOf returns the sky of packet i, rendering it unless it is kept.
func (s *Survey) skyOf(i uint64) (*sky, error) {
	n := s.skyIndex(i)
	if s.skies != nil {
		if k := s.skies[n].Load(); k != nil {
			return k, nil
		}
	}
	k, err := s.render(n)
	if err != nil {
		return nil, fmt.Errorf("sky %d of the simulated survey: %w", n, err)
	}
	if s.skies != nil {
		s.skies[n].Store(k)
	}
	return k, nil
}

// render makes sky n.
func (s *Survey) render(n uint64) (*sky, error) {
	if s.cfg.Format == FormatZTF {
		return s.renderAlert(n)
	}
	planes, class, err := s.Cutout(n)
	if err != nil {
		return nil, err
	}
	k := &sky{class: class}
	for b := range planes {
		k.images[b] = appendPixels(nil, planes[b])
	}
	return k, nil
}

// borrow takes a free renderer or makes one.
func (s *Survey) borrow() (*Renderer, error) {
	select {
	case r := <-s.renderer:
		return r, nil
	default:
		return NewRenderer(s.camera)
	}
}

// giveBack keeps a renderer for the next caller.
func (s *Survey) giveBack(r *Renderer) {
	select {
	case s.renderer <- r:
	default:
	}
}

// The random streams of one index, so that a change to one leaves the others as they are.
const (
	streamSky uint64 = iota
	streamPosition
	streamEvent
)

// rng returns the generator of an index and a stream.
func (s *Survey) rng(index, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(s.cfg.Seed^stream*0x9E3779B97F4A7C15, index))
}

// pick draws a class from the mix.
func (s *Survey) pick(rng *rand.Rand) Class {
	x := rng.Float64() * s.cumul[NumClasses-1]
	for c, sum := range s.cumul {
		if x < sum {
			return Class(c)
		}
	}
	return NumClasses - 1
}

// position returns where packet i points: uniform over a southern cap and an equatorial stripe that
// surveys of both hemispheres see, RA 0 to 360 and Dec -20 to +30 degrees.
func (s *Survey) position(i uint64) (ra, dec float64) {
	rng := s.rng(i, streamPosition)
	lo, hi := math.Sin(-20*math.Pi/180), math.Sin(30*math.Pi/180)
	return rng.Float64() * 360, math.Asin(lo+(hi-lo)*rng.Float64()) * 180 / math.Pi
}
