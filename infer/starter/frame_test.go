package starter

import (
	"math"
	"testing"

	"github.com/galaxalign/galaxalign/infer/onnx"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/infer/ort/orttest"
)

// blob is an elliptical Gaussian galaxy on a flat sky.
type blob struct {
	x, y   float64 // centre, pixels from that of the picture
	size   float64 // standard deviation along the long axis, pixels
	ratio  float64 // short over long axis
	angle  float64 // of the long axis, radians
	bright float64 // at the centre, above the sky
	sky    float64
}

func (b blob) picture() []float32 {
	p := make([]float32, 3*Size*Size)
	sin, cos := math.Sincos(b.angle)
	for i := range Size * Size {
		x, y := float64(i%Size)-(Size-1)/2.0-b.x, float64(i/Size)-(Size-1)/2.0-b.y
		u, v := (x*cos+y*sin)/b.size, (y*cos-x*sin)/(b.size*b.ratio)
		value := float32(b.sky + b.bright*math.Exp(-(u*u+v*v)/2))
		for c := range 3 {
			p[c*Size*Size+i] = value
		}
	}
	return p
}

// TestFeaturesFollowTheGalaxy compares pictures of one galaxy of another size, place, brightness and sky
// with what it takes to tell an elongated galaxy from a round one.
func TestFeaturesFollowTheGalaxy(t *testing.T) {
	m := openMeter(t)
	base := blob{size: 6, ratio: 0.5, bright: 0.6, sky: 0.13}
	features := measure(t, m, base.picture())
	rounder := base
	rounder.ratio = 0.9
	differ := distance(features, measure(t, m, rounder.picture()))
	for name, change := range map[string]func(*blob){
		"larger":      func(b *blob) { b.size = 9 },
		"off centre":  func(b *blob) { b.x, b.y = 2.7, -2 },
		"turned":      func(b *blob) { b.angle = 1.1 },
		"brighter":    func(b *blob) { b.bright = 0.8 },
		"another sky": func(b *blob) { b.sky = 0.2 },
	} {
		t.Run(name, func(t *testing.T) {
			b := base
			change(&b)
			if d := distance(features, measure(t, m, b.picture())); d > differ/2 {
				t.Errorf("features move by %.3f; a rounder galaxy moves them by %.3f", d, differ)
			}
		})
	}
}

// TestPlacement compares where the graph finds galaxies with where they are.
func TestPlacement(t *testing.T) {
	session := openPlacement(t)
	for name, b := range map[string]blob{
		"middle":      {size: 5, ratio: 0.5, bright: 0.7, sky: 0.13},
		"off centre":  {x: 4, y: -6, size: 5, ratio: 0.5, angle: 0.5, bright: 0.7, sky: 0.13},
		"upright":     {size: 5, ratio: 0.4, angle: math.Pi / 2, bright: 0.7, sky: 0.13},
		"falling":     {x: -2, size: 7, ratio: 0.6, angle: 2.5, bright: 0.7, sky: 0.13},
		"small":       {y: 3, size: 3, ratio: 0.7, angle: -0.3, bright: 0.7, sky: 0.13},
		"without sky": {size: 8, ratio: 0.5, angle: 0.2, bright: 0.9},
		"faint":       {x: 1, size: 6, ratio: 0.5, angle: 0.8, bright: 0.15, sky: 0.13},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := session.Run([]ort.Tensor{{Name: InputName, Shape: []int64{1, 3, Size, Size}, Float32: b.picture()}})
			if err != nil {
				t.Fatal(err)
			}
			checkPlacement(t, b, out[0].Float32)
		})
	}
}

// checkPlacement reads the rows x = p0 + p1 u + p2 v, y = p3 + p4 u + p5 v in units of half a picture.
func checkPlacement(t *testing.T, b blob, p []float32) {
	t.Helper()
	x, y := float64(p[0])*Size/2, float64(p[3])*Size/2
	if math.Hypot(x-b.x, y-b.y) > 0.3 {
		t.Errorf("centre at %.2f, %.2f, want %.2f, %.2f", x, y, b.x, b.y)
	}
	angle := math.Atan2(float64(p[4]), float64(p[1]))
	if d := math.Abs(math.Remainder(angle-b.angle, math.Pi)); d > 0.05 {
		t.Errorf("long axis at %.3f rad, want %.3f or the opposite", angle, b.angle)
	}
	// Half a frame is reach standard deviations. A window of twice the spread takes a quarter off the
	// square of that of a round Gaussian, and more off that of a long one.
	spread := math.Hypot(float64(p[1]), float64(p[4])) * Size / 2 * Size / 2 / reach
	whole := b.size * math.Sqrt((1+b.ratio*b.ratio)/2)
	if spread < 0.7*whole || spread > 0.95*whole {
		t.Errorf("spread %.2f pixels, want 0.7 to 0.95 of %.2f", spread, whole)
	}
}

// openPlacement opens a graph that says where the galaxy is.
func openPlacement(t *testing.T) *ort.Session {
	t.Helper()
	n := newNetwork("placement")
	image := n.Input(InputName, onnx.Float, onnx.Symbol("N"), onnx.Axis(3), onnx.Axis(Size), onnx.Axis(Size))
	f := n.findGalaxy(n.mix(image, 1.0/3, 1.0/3, 1.0/3))
	n.Output(n.Named("placement", "Identity", []string{f.placement}), onnx.Float, onnx.Symbol("N"), onnx.Axis(2), onnx.Axis(3))
	model, err := n.marshal()
	if err != nil {
		t.Fatal(err)
	}
	session, err := orttest.Open(t).NewSession(model, ort.SessionConfig{Inputs: []string{InputName}, Outputs: []string{"placement"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
	return session
}
