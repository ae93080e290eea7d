package simulate

import (
	"bytes"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"
)

// look is what can be measured of a galaxy in its noiseless image.
type look struct {
	ratio     float64 // axis ratio from second moments within 10 arcsec
	asymmetry float64 // |I - I rotated by half a turn| over 2 |I| (Conselice 2003, ApJS 147, 1)
	gr        float64 // colour
}

// lookAt measures a galaxy drawn alone on its sky.
func lookAt(t *testing.T, r *Renderer, class Class, seed uint64) look {
	t.Helper()
	g := Draw(rand.New(rand.NewPCG(seed, uint64(class))), class)
	g.Field = nil
	planes := r.Render(&g, [NumBands][]float32{})
	img, n := planes[BandR], r.camera.Size
	var f, fx, fy, xx, yy, xy, diff float64
	mid := float64(n-1) / 2
	for i, v := range img {
		x, y := float64(i%n)-mid, float64(i/n)-mid
		f, fx, fy = f+float64(v), fx+float64(v)*x, fy+float64(v)*y
	}
	fx, fy = fx/f, fy/f
	for i, v := range img {
		x, y := float64(i%n)-mid-fx, float64(i/n)-mid-fy
		xx, yy, xy = xx+float64(v)*x*x, yy+float64(v)*y*y, xy+float64(v)*x*y
		ox, oy := int(math.Round(mid+fx-x)), int(math.Round(mid+fy-y))
		if ox >= 0 && ox < n && oy >= 0 && oy < n {
			diff += math.Abs(float64(v) - float64(img[oy*n+ox]))
		}
	}
	mean, spread := (xx+yy)/2, math.Hypot((xx-yy)/2, xy)
	return look{
		ratio: math.Sqrt((mean - spread) / (mean + spread)), asymmetry: diff / (2 * f),
		gr: -2.5 * math.Log10(sum(planes[BandG])/f),
	}
}

func TestClassesLookLikeTheirNames(t *testing.T) {
	r, err := NewRenderer(LegacyCamera(80))
	if err != nil {
		t.Fatal(err)
	}
	const n = 8
	var mean [NumClasses]look
	var low, high [NumClasses]float64
	for c := range Class(NumClasses) {
		low[c] = 1
		for i := range n {
			l := lookAt(t, r, c, uint64(i))
			mean[c].ratio += l.ratio / n
			mean[c].asymmetry += l.asymmetry / n
			mean[c].gr += l.gr / n
			low[c], high[c] = min(low[c], l.ratio), max(high[c], l.ratio)
		}
		t.Logf("%-24s axis ratio %.2f (%.2f to %.2f), asymmetry %.3f, g-r %.2f", c, mean[c].ratio, low[c], high[c], mean[c].asymmetry, mean[c].gr)
	}
	if low[RoundSmooth] < 0.85 {
		t.Errorf("a round galaxy has axis ratio %.2f", low[RoundSmooth])
	}
	if low[InBetweenSmooth] < high[CigarSmooth] || high[InBetweenSmooth] > low[RoundSmooth] {
		t.Errorf("in-between galaxies have axis ratios %.2f to %.2f, not between cigars and round ones", low[InBetweenSmooth], high[InBetweenSmooth])
	}
	for _, c := range []Class{CigarSmooth, EdgeOnNoBulge, EdgeOnBulge} {
		if high[c] > 0.5 {
			t.Errorf("%s: axis ratio %.2f", c, high[c])
		}
	}
	if mean[EdgeOnBulge].ratio <= mean[EdgeOnNoBulge].ratio {
		t.Error("a bulge should make edge-on galaxies rounder")
	}
	for _, c := range []Class{Disturbed, Merging} {
		if mean[c].asymmetry < 3*mean[RoundSmooth].asymmetry {
			t.Errorf("%s: asymmetry %.3f, hardly above that of round galaxies (%.3f)", c, mean[c].asymmetry, mean[RoundSmooth].asymmetry)
		}
	}
	if mean[LooseSpiral].gr > mean[RoundSmooth].gr-0.15 {
		t.Errorf("loose spirals have g-r %.2f, round galaxies %.2f: spirals should be bluer", mean[LooseSpiral].gr, mean[RoundSmooth].gr)
	}
}

func TestSpiralArmsWindAtTheirPitch(t *testing.T) {
	for _, pitch := range []float64{10, 25, -25} {
		a := Arms{Placement: Placement{Q: 1}, R50: 3, Inner: 1, Outer: 8, Count: 2, Pitch: pitch, Phase: 0.4, Sharp: 4}
		p := a.compile()
		for _, radius := range []float64{1.5, 2.5, 4} {
			best, at := 0.0, 0.0
			for i := range 3600 {
				theta := float64(i) * math.Pi / 3600 // half a turn holds one of the two arms
				x, y := a.at(radius*math.Cos(theta), radius*math.Sin(theta))
				if v := p.at(x, y); v > best {
					best, at = v, theta
				}
			}
			want := math.Mod(0.4+math.Log(radius)/math.Tan(pitch*math.Pi/180)+20*math.Pi, math.Pi)
			if d := math.Abs(at - want); d > 0.01 && math.Pi-d > 0.01 {
				t.Errorf("pitch %g, radius %g: crest at %.3f rad, want %.3f", pitch, radius, at, want)
			}
		}
	}
}

func TestExposeAddsTheNoiseThatSkyNoiseSays(t *testing.T) {
	camera := LegacyCamera(128)
	for b := range Band(NumBands) {
		img := make([]float32, 128*128)
		camera.Expose(rand.New(rand.NewPCG(1, 2)), img, b, 1)
		var s2 float64
		for _, v := range img {
			s2 += float64(v) * float64(v)
		}
		got, want := math.Sqrt(s2/float64(len(img))), camera.SkyNoise(b)
		if math.Abs(got/want-1) > 0.03 {
			t.Errorf("%s: noise %.5f, want %.5f", b, got, want)
		}
	}
}

func TestDrawOfAnUnknownClassIsStillAGalaxy(t *testing.T) {
	for _, c := range []Class{-1, NumClasses, 99} {
		g := Draw(rand.New(rand.NewPCG(1, 1)), c)
		if g.Flux(BandR) <= 0 {
			t.Errorf("class %d drew nothing", c)
		}
	}
}

func TestContactSheetIsADeterministicPicture(t *testing.T) {
	var a, b bytes.Buffer
	for _, w := range []*bytes.Buffer{&a, &b} {
		if err := ContactSheet(w, 7, 2, 48); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same seed gave two pictures")
	}
	img, err := png.Decode(&a)
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Size(); got.X != 102 || got.Y != 502 {
		t.Errorf("sheet is %v, want 102 by 502", got)
	}
	if err := ContactSheet(&b, 7, 2, 4); err == nil {
		t.Error("a size the camera does not have was accepted")
	}
}

func TestLegacyRGBOfDarkSky(t *testing.T) {
	// All zero: 0.127193 in each channel, 8 bits 32.
	if c := legacyRGB(0, 0, 0); c.R != 32 || c.G != 32 || c.B != 32 {
		t.Errorf("dark sky is %v, want 32 in each channel", c)
	}
	if c := legacyRGB(1, 0, 0); !(c.B > c.G && c.B > c.R) {
		t.Errorf("light in g alone is %v, want blue", c)
	}
}

func BenchmarkCutout(b *testing.B) {
	for _, size := range []int{64, 96} {
		s := survey(b, Config{Size: size})
		b.Run(map[int]string{64: "64px", 96: "96px"}[size], func(b *testing.B) {
			for i := range b.N {
				if _, _, err := s.Cutout(uint64(i)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "cutouts/s")
		})
	}
}
