package starter

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/galaxalign/galaxalign/infer/ort/orttest"
)

// openMeter opens the measurements for the length of the test.
func openMeter(tb testing.TB) *Meter {
	tb.Helper()
	m, err := NewMeter(orttest.Open(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := m.Close(); err != nil {
			tb.Error(err)
		}
	})
	return m
}

// spiralPicture draws two logarithmic arms of a pitch (tangent), turned by angle; mirrored winds them the
// other way.
func spiralPicture(pitch, angle float64, mirrored bool) []float32 {
	p := make([]float32, 3*Size*Size)
	for i := range Size * Size {
		x, y := float64(i%Size)-31.5, float64(i/Size)-31.5
		if mirrored {
			x = -x
		}
		r, phi := math.Hypot(x, y), math.Atan2(y, x)
		arm := math.Cos(2 * (phi - angle - math.Log(r+1)/pitch))
		v := float32(math.Exp(-r/12) * (0.6 + 0.4*arm))
		for c := range 3 {
			p[c*Size*Size+i] = v
		}
	}
	return p
}

func measure(t *testing.T, m *Meter, p []float32) []float32 {
	t.Helper()
	f, err := m.Measure(p)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range f {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			t.Fatalf("feature %d is %v", i, v)
		}
	}
	return f
}

// distance is the root mean square difference.
func distance(a, b []float32) float64 {
	var sum float64
	for i := range a {
		d := float64(a[i] - b[i])
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(a)))
}

func TestFeaturesIgnoreOrientationAndSeePitch(t *testing.T) {
	m := openMeter(t)
	base := measure(t, m, spiralPicture(0.25, 0, false))
	turned := measure(t, m, spiralPicture(0.25, 0.7, false))
	mirrored := measure(t, m, spiralPicture(0.25, 0.7, true))
	loose := measure(t, m, spiralPicture(0.7, 0, false))
	same := math.Max(distance(base, turned), distance(base, mirrored))
	if differ := distance(base, loose); differ < 2*same {
		t.Errorf("pitch moves the features by %.3f, orientation and handedness by %.3f", differ, same)
	}
}

func TestFeaturesAreFiniteOnAnyPicture(t *testing.T) {
	m := openMeter(t)
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]float32, 3*Size*Size)
	for i := range noise {
		noise[i] = rng.Float32()
	}
	white := make([]float32, len(noise))
	for i := range white {
		white[i] = 1
	}
	for name, p := range map[string][]float32{"black": make([]float32, len(noise)), "white": white, "noise": noise} {
		t.Run(name, func(t *testing.T) { measure(t, m, p) })
	}
}

func BenchmarkFeatures(b *testing.B) {
	m := openMeter(b)
	p := spiralPicture(0.25, 0, false)
	for b.Loop() {
		if _, err := m.Measure(p); err != nil {
			b.Fatal(err)
		}
	}
}
