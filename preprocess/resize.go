package preprocess

import (
	"math"
	"slices"

	"github.com/galaxalign/galaxalign/preprocess/kernel"
)

// resize brings the planes to the output size. The result lies in dst where that needs no interleaving.
func (t *Transform) resize(dst []float32, p planes, s *Scratch) planes {
	filter := t.recipe.Resize.Filter
	if s.filterX != filter || s.tapsX.In != p.width || s.tapsX.Out != t.outWidth {
		buildTaps(&s.tapsX, filter, p.width, t.outWidth)
		s.filterX = filter
	}
	if s.filterY != filter || s.tapsY.In != p.height || s.tapsY.Out != t.outHeight {
		buildTaps(&s.tapsY, filter, p.height, t.outHeight)
		s.filterY = filter
	}
	q := planes{data: dst, bands: p.bands, channels: p.channels, width: t.outWidth, height: t.outHeight}
	if t.nhwc {
		q.data = grow(&s.final, t.Len())
	}
	rows := grow(&s.rows, p.height*t.outWidth)
	for c := range p.channels {
		kernel.ResizeRows(rows, p.plane(c), p.height, &s.tapsX)
		kernel.ResizeColumns(q.plane(c), rows, t.outWidth, &s.tapsY)
	}
	return q
}

// buildTaps fills the table of one axis, reusing its memory. A filter is the range of inputs that an
// output weighs, first to end-1, and the weight of each before division by their sum.
func buildTaps(t *kernel.Taps, filter string, in, out int) {
	reach, weigh := bilinearSpan, bilinearWeight
	switch filter {
	case "triangle":
		reach, weigh = triangleSpan, triangleWeight
	case "area":
		reach, weigh = areaSpan, areaWeight
	}
	scale := float64(in) / float64(out)
	t.In, t.Out, t.Count = in, out, 1
	for j := range out {
		first, end := reach(in, j, scale)
		t.Count = max(t.Count, end-first)
	}
	t.Start = slices.Grow(t.Start[:0], out)[:out]
	t.Weight = slices.Grow(t.Weight[:0], out*t.Count)[:out*t.Count]
	clear(t.Weight)
	for j := range out {
		first, end := reach(in, j, scale)
		start := min(first, in-t.Count)
		t.Start[j] = int32(start)
		sum := 0.0
		for i := first; i < end; i++ {
			sum += weigh(in, j, i, scale)
		}
		for i := first; i < end; i++ {
			t.Weight[(i-start)*out+j] = float32(weigh(in, j, i, scale) / sum)
		}
	}
	t.Plan()
}

// bilinearAt is where output j lies among the inputs: half-pixel centres, clamped to the picture.
func bilinearAt(in, j int, scale float64) float64 {
	return min(max((float64(j)+0.5)*scale-0.5, 0), float64(in-1))
}

func bilinearSpan(in, j int, scale float64) (first, end int) {
	first = min(int(bilinearAt(in, j, scale)), max(in-2, 0))
	return first, min(first+2, in)
}

func bilinearWeight(in, j, i int, scale float64) float64 {
	return max(0, 1-math.Abs(float64(i)-bilinearAt(in, j, scale)))
}

// The triangle has a half width of max(scale, 1) about the centre (j+0.5)*scale.
func triangleSpan(in, j int, scale float64) (first, end int) {
	centre, support := (float64(j)+0.5)*scale, max(scale, 1)
	return max(0, int(centre-support+0.5)), min(in, int(centre+support+0.5))
}

func triangleWeight(_, j, i int, scale float64) float64 {
	centre, support := (float64(j)+0.5)*scale, max(scale, 1)
	return max(0, 1-math.Abs((float64(i)-centre+0.5)/support))
}

// The box of output j is [j*scale, (j+1)*scale).
func areaSpan(in, j int, scale float64) (first, end int) {
	first = min(int(float64(j)*scale), in-1)
	return first, max(first+1, min(in, int(math.Ceil(float64(j+1)*scale))))
}

func areaWeight(_, j, i int, scale float64) float64 {
	return max(0, min(float64(i+1), float64(j+1)*scale)-max(float64(i), float64(j)*scale))
}
