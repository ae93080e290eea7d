package baseline

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
	"github.com/galaxalign/galaxalign/schemas"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// plain are the survey's own conditions.
func plain(size int) conditions {
	return conditions{
		scale: nativeScale, seeing: 1, depth: 1, flux: [simulate.NumBands]float64{1, 1, 1},
		survey: simulate.LegacyCamera(size + margin), cutoutPx: size,
	}
}

func TestConditionsAreInRangeAndDiffer(t *testing.T) {
	rng := newRand(1)
	first := drawConditions(rng, 96)
	differ := false
	for range 500 {
		c := drawConditions(rng, 96)
		differ = differ || c.scale != first.scale && c.quality != first.quality
		if c.scale < 0.15 || c.scale > 0.55 || c.seeing < 0.5 || c.seeing > 1.4 || c.depth < 0.6 || c.depth > 4 {
			t.Fatalf("scale %v, seeing %v, depth %v", c.scale, c.seeing, c.depth)
		}
		if c.dx < 0 || c.dx > margin || c.dy < 0 || c.dy > margin || c.quality != 0 && (c.quality < 70 || c.quality > 95) {
			t.Fatalf("offset %d, %d, quality %d", c.dx, c.dy, c.quality)
		}
	}
	if !differ {
		t.Error("all draws are alike")
	}
}

// TestRenderIsDeterministic renders one class twice from one state of the generator.
func TestRenderIsDeterministic(t *testing.T) {
	render := func(seed uint64) []float32 {
		rng := newRand(seed)
		c := drawConditions(rng, 48)
		var cutout schemas.Cutout
		if err := c.render(rng, simulate.LooseSpiral, &cutout); err != nil {
			t.Fatal(err)
		}
		if len(cutout.Images) != simulate.NumBands {
			t.Fatalf("%d images, want %d", len(cutout.Images), simulate.NumBands)
		}
		return slices.Clone(cutout.Image("r").Pixels)
	}
	if a := render(4); !slices.Equal(a, render(4)) || slices.Equal(a, render(5)) {
		t.Error("want the same pixels for the same seed and others for another")
	}
}

// light renders a round galaxy without noise to speak of and returns its brightest pixel in r, where that
// is, and the pixel in a corner.
func light(t *testing.T, c conditions) (peak float64, x, y int, corner float64) {
	t.Helper()
	c.depth = 1e4
	var cutout schemas.Cutout
	if err := c.render(newRand(2), simulate.RoundSmooth, &cutout); err != nil {
		t.Fatal(err)
	}
	img := cutout.Image("r")
	at := 0
	for i, v := range img.Pixels {
		if mx, my := i%img.Width-img.Width/2, i/img.Width-img.Height/2; v > img.Pixels[at] && mx*mx+my*my < 64 {
			at = i
		}
	}
	return float64(img.Pixels[at]), at % img.Width, at / img.Width, float64(img.Pixels[0])
}

// TestConditionsDoWhatTheySay changes one condition at a time.
func TestConditionsDoWhatTheySay(t *testing.T) {
	middle := plain(48)
	middle.dx, middle.dy = margin/2, margin/2
	peak, x, y, corner := light(t, middle)
	t.Run("brighter", func(t *testing.T) {
		c := middle
		c.flux = [simulate.NumBands]float64{2, 2, 2}
		if got, _, _, _ := light(t, c); math.Abs(got/peak-2) > 0.01 {
			t.Errorf("twice the flux makes %v times the light", got/peak)
		}
	})
	t.Run("off centre", func(t *testing.T) {
		c := middle
		c.dx, c.dy = margin/2+3, margin/2-2
		if _, cx, cy, _ := light(t, c); cx != x-3 || cy != y+2 {
			t.Errorf("galaxy at %d, %d, want %d, %d", cx, cy, x-3, y+2)
		}
	})
	t.Run("seeing", func(t *testing.T) {
		c := middle
		c.seeing = 1.4
		if got, _, _, _ := light(t, c); got > 0.97*peak {
			t.Errorf("worse seeing leaves %v of the peak", got/peak)
		}
	})
	t.Run("sky", func(t *testing.T) {
		c := middle
		c.depth = 1e4
		c.sky[simulate.BandR] = 1e5
		want := 1e5 * c.survey.SkyNoise(simulate.BandR) / 1e4
		if _, _, _, got := light(t, c); math.Abs(got-corner-want) > 0.02*want {
			t.Errorf("sky is off by %v, want %v", got-corner, want)
		}
	})
	t.Run("surface brightness", func(t *testing.T) {
		c := middle // finer pixels and as much finer seeing: the peak resolves better, so it can only rise
		c.scale, c.seeing = nativeScale/2, 1
		if got, _, _, _ := light(t, c); got < 0.9*peak || got > 1.3*peak {
			t.Errorf("pixels of half the size have %v of the light", got/peak)
		}
	})
}

// TestSmooth passes a picture through JPEG: little changes, all stays in range, and without JPEG nothing
// changes.
func TestSmooth(t *testing.T) {
	const plane = starter.Size * starter.Size
	picture := make([]float32, 3*plane)
	for i := range picture {
		x, y := i%starter.Size, i/starter.Size%starter.Size
		picture[i] = float32(x+y) / (2 * starter.Size) * float32(3-i/plane) / 3
	}
	for _, quality := range []int{0, 70, 95} {
		c := conditions{quality: quality}
		got := slices.Clone(picture)
		if err := c.smooth(got); err != nil {
			t.Fatal(err)
		}
		var worst float64
		for i := range got {
			worst = max(worst, math.Abs(float64(got[i]-picture[i])))
			if got[i] < 0 || got[i] > 1 {
				t.Fatalf("quality %d: value %v", quality, got[i])
			}
		}
		if (worst == 0) != (quality == 0) || worst > 0.06 {
			t.Errorf("quality %d changes a value by %v", quality, worst)
		}
	}
}
