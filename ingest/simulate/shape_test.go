package simulate

import (
	"math"
	"testing"
)

// bare renders shapes of unit flux without noise and returns the r band.
func bare(t *testing.T, camera Camera, shapes ...Shape) []float32 {
	t.Helper()
	r, err := NewRenderer(camera)
	if err != nil {
		t.Fatal(err)
	}
	var g Galaxy
	for _, s := range shapes {
		g.Components = append(g.Components, Component{s, [NumBands]float64{1, 1, 1}})
	}
	return r.Render(&g, [NumBands][]float32{})[BandR]
}

func sum(img []float32) float64 {
	var s float64
	for _, v := range img {
		s += float64(v)
	}
	return s
}

func TestRenderedFluxIsTheFluxAskedFor(t *testing.T) {
	tilted := Placement{X: 0.4, Y: -0.3, PA: 37, Q: 0.6}
	for name, tc := range map[string]struct {
		shape     Shape
		tolerance float64
	}{
		"exponential disc": {Sersic{Placement: tilted, N: 1, R50: 1.5}, 0.01},
		"lopsided disc":    {Sersic{Placement: tilted, N: 1, R50: 1.5, Lopsided: 0.8, LopsidedAngle: 60}, 0.01},
		"sersic 2.5":       {Sersic{Placement: tilted, N: 2.5, R50: 1.2}, 0.02},
		"de Vaucouleurs":   {Sersic{Placement: tilted, N: 4, R50: 0.8}, 0.04}, // 3 % lies beyond twelve R50
		"spot":             {Gauss{1, 2, 0.3}, 0.01},
		"point":            {Gauss{-0.1, 0.07, 0}, 0.01},
		"bar":              {Bar{tilted, 3, 3.2}, 0.01},
		"edge-on disc":     {EdgeDisc{Placement: tilted, H: 1.8, Z0: 0.4}, 0.01},
		"warped disc":      {EdgeDisc{Placement: tilted, H: 1.8, Z0: 0.4, Warp: 0.6, Cutoff: 3.5}, 0.02},
		"spiral arms":      {Arms{Placement: tilted, R50: 2, Inner: 0.8, Outer: 5, Count: 2, Pitch: 14, Sharp: 3}, 0.02},
		"ring":             {Ring{tilted, 2.5, 0.4}, 0.01},
		"tail":             {Arc{Radius: 2, Grow: 0.8, Sweep: 1.2, Width: 0.5, Flare: 1.5, Fade: 1}, 0.01},
		"moved":            {moved{Sersic{Placement: tilted, N: 1, R50: 1.5}, 2, -1.5}, 0.01},
	} {
		t.Run(name, func(t *testing.T) {
			got := sum(bare(t, LegacyCamera(128), tc.shape))
			if math.Abs(got-1) > tc.tolerance {
				t.Errorf("rendered flux is %.4f of the flux asked for, off by more than %g", got, tc.tolerance)
			}
		})
	}
}

func TestHalfOfTheLightLiesWithinR50(t *testing.T) {
	for _, n := range []float64{1, 2, 4} {
		camera := LegacyCamera(256)
		camera.FWHM = [NumBands]float64{0.3, 0.3, 0.3}
		img := bare(t, camera, Sersic{Placement: Placement{Q: 1}, N: n, R50: 3})
		var inside float64
		for i, v := range img {
			x, y := float64(i%256)-127.5, float64(i/256)-127.5
			if math.Hypot(x, y)*camera.PixelScale < 3 {
				inside += float64(v)
			}
		}
		if math.Abs(inside-0.5) > 0.01 {
			t.Errorf("n = %g: %.3f of the light lies within R50, want 0.5", n, inside)
		}
	}
}

func TestPointSourceHasTheSeeingOfTheCamera(t *testing.T) {
	camera := LegacyCamera(65)
	img := bare(t, camera, Gauss{0, 0, 0})
	peak := float64(img[32*65+32])
	half := 0.0
	for x := 32; x < 64; x++ { // linear interpolation of the half-maximum crossing
		a, b := float64(img[32*65+x]), float64(img[32*65+x+1])
		if a >= peak/2 && b < peak/2 {
			half = float64(x-32) + (a-peak/2)/(a-b)
		}
	}
	got := 2 * half * camera.PixelScale
	if want := camera.FWHM[BandR]; math.Abs(got-want) > 0.1*want {
		t.Errorf("full width at half maximum is %.3f arcsec, want %.2f within 10 %%", got, want)
	}
}

func TestGraduatedFunctionsMatchTheirTables(t *testing.T) {
	// Abramowitz & Stegun, tables 9.8 and 9.11; b_4 and b_1 as Ciotti & Bertin print them.
	for _, tc := range []struct {
		name           string
		got, want, tol float64
	}{
		{"x K1(x) at 0.5", xK1(0.5), 0.5 * 1.6564411200, 2e-6},
		{"x K1(x) at 2", xK1(2), 2 * 0.1398658818, 2e-6},
		{"x K1(x) at 5", xK1(5), 5 * 0.0040446134, 2e-6},
		{"I0 at 1", besselI0(1), 1.2660658778, 2e-6},
		{"I0 at 5", besselI0(5), 27.2398718236, 2e-6},
		{"b_1", sersicB(1), 1.67834699, 1e-4},
		{"b_4", sersicB(4), 7.66924944, 1e-6},
	} {
		if math.Abs(tc.got-tc.want) > tc.tol*math.Max(1, tc.want) {
			t.Errorf("%s = %.9f, want %.9f", tc.name, tc.got, tc.want)
		}
	}
	if got := xK1(0); got != 1 {
		t.Errorf("x K1(x) at 0 = %g, want its limit 1", got)
	}
}

func TestDustDimsBlueMoreThanRed(t *testing.T) {
	r, err := NewRenderer(LegacyCamera(64))
	if err != nil {
		t.Fatal(err)
	}
	disc := Sersic{Placement: Placement{Q: 1}, N: 1, R50: 2}
	clear := Galaxy{Components: []Component{{disc, [NumBands]float64{1, 1, 1}}}}
	dusty := clear
	dusty.Dust = []Dust{{Ring{Placement{Q: 1}, 1, 1}, 1}}
	a := r.Render(&clear, [NumBands][]float32{})
	b := r.Render(&dusty, [NumBands][]float32{})
	var left [NumBands]float64
	for band := range left {
		left[band] = sum(b[band]) / sum(a[band])
	}
	if !(left[BandG] < left[BandR] && left[BandR] < left[BandZ] && left[BandZ] < 1) {
		t.Errorf("transmission in g, r, z is %.3f; want it to rise with wavelength and stay below 1", left)
	}
}

func TestPlacementGoesThereAndBack(t *testing.T) {
	p := Placement{X: 1, Y: -2, PA: 63, Q: 0.4}
	x, y := p.at(1.7, -0.6)
	u, v := p.frame()(x, y)
	if math.Abs(u-1.7) > 1e-12 || math.Abs(v+0.6) > 1e-12 {
		t.Errorf("frame(at(1.7, -0.6)) = %g, %g", u, v)
	}
	// Position angle 90 degrees points east, which is -X.
	if x, y := (Placement{PA: 90, Q: 1}).at(1, 0); math.Abs(x+1) > 1e-12 || math.Abs(y) > 1e-12 {
		t.Errorf("the long axis at PA 90 points to %g, %g; want -1, 0", x, y)
	}
}
