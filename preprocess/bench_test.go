package preprocess

import (
	"math"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
)

// triplet is a ZTF-like cutout with noise about a sky of 100 and a source.
func triplet(w, h int) *schemas.Cutout {
	c := &schemas.Cutout{}
	for k, name := range []string{"science", "template", "difference"} {
		px := c.AddImage(name, w, h).Pixels
		for i := range px {
			x, y := float64(i%w-w/2), float64(i/w-h/2)
			px[i] = float32(100 + 10*math.Sin(float64(i*7919%1009+k)) + 3000*math.Exp(-(x*x+y*y)/8))
		}
	}
	return c
}

func colours(side int, bands ...string) *schemas.Cutout {
	c := triplet(side, side)
	for i, b := range bands {
		c.Images[i].Name = b
		for j := range c.Images[i].Pixels {
			c.Images[i].Pixels[j] = (c.Images[i].Pixels[j] - 100) / 100
		}
	}
	return c
}

func benchmarkApply(b *testing.B, name string, c *schemas.Cutout) {
	r, err := Builtin(name)
	if err != nil {
		b.Fatal(err)
	}
	tr, err := r.Compile()
	if err != nil {
		b.Fatal(err)
	}
	dst, s := make([]float32, tr.Len()), tr.NewScratch()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tr.Apply(dst, c, s); err != nil {
			b.Fatal(err)
		}
	}
}

// Compare with: go test -run xxx -bench Apply -benchtime 0.5s -count 5 ./preprocess

func BenchmarkApplyBraai(b *testing.B)     { benchmarkApply(b, "braai", triplet(63, 63)) }
func BenchmarkApplyBraaiEdge(b *testing.B) { benchmarkApply(b, "braai", triplet(63, 50)) }
func BenchmarkApplyAsinh224(b *testing.B)  { benchmarkApply(b, "ztf_asinh_224", triplet(63, 63)) }
func BenchmarkApplyLegacy256to224(b *testing.B) {
	benchmarkApply(b, "legacy_grz", colours(256, "z", "r", "g"))
}
func BenchmarkApplyGalaxyZoo256to224(b *testing.B) {
	benchmarkApply(b, "galaxy_zoo_decals", colours(256, "z", "r", "g"))
}
func BenchmarkApplyZScale256to224(b *testing.B) { benchmarkApply(b, "zscale", triplet(256, 256)) }
func BenchmarkApplyPercentile256to224(b *testing.B) {
	benchmarkApply(b, "zoobot_single", triplet(256, 256))
}
