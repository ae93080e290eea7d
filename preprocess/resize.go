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

// buildTaps fills the table of one axis, reusing its memory.
func buildTaps(t *kernel.Taps, filter string, in, out int) {
	scale := float64(in) / float64(out)
	t.In, t.Out = in, out
	switch filter {
	case "triangle":
		t.Count = 2*int(math.Ceil(max(scale, 1))) + 1
	case "area":
		t.Count = int(math.Ceil(scale)) + 1
	default:
		t.Count = 2
	}
	t.Count = min(t.Count, in)
	t.Start = slices.Grow(t.Start[:0], out)[:out]
	t.Weight = slices.Grow(t.Weight[:0], out*t.Count)[:out*t.Count]
	clear(t.Weight)
	for j := range out {
		switch filter {
		case "triangle":
			triangleTaps(t, j, scale)
		case "area":
			areaTaps(t, j, scale)
		default:
			bilinearTaps(t, j, scale)
		}
	}
	t.Plan()
}

// set writes the weight of input i for output j.
func setTap(t *kernel.Taps, j, i int, w float64) { t.Weight[(i-int(t.Start[j]))*t.Out+j] = float32(w) }

// bilinearTaps weighs the two inputs around the centre (j+0.5)*scale-0.5, clamped to the picture.
func bilinearTaps(t *kernel.Taps, j int, scale float64) {
	at := min(max((float64(j)+0.5)*scale-0.5, 0), float64(t.In-1))
	first := min(int(at), max(t.In-2, 0))
	t.Start[j] = int32(first)
	frac := at - float64(first)
	if t.Count == 1 {
		setTap(t, j, first, 1)
		return
	}
	setTap(t, j, first, 1-frac)
	setTap(t, j, first+1, frac)
}

// triangleTaps weighs the inputs under a triangle of half width max(scale, 1) about the centre
// (j+0.5)*scale; the weights are divided by their sum, which matters at the edges.
func triangleTaps(t *kernel.Taps, j int, scale float64) {
	support := max(scale, 1)
	centre := (float64(j) + 0.5) * scale
	first := max(0, int(centre-support+0.5))
	end := min(t.In, int(centre+support+0.5))
	t.Start[j] = int32(min(first, t.In-t.Count))
	weight := func(i int) float64 { return max(0, 1-math.Abs((float64(i)-centre+0.5)/support)) }
	sum := 0.0
	for i := first; i < end; i++ {
		sum += weight(i)
	}
	for i := first; i < end; i++ {
		setTap(t, j, i, weight(i)/sum)
	}
}

// areaTaps weighs each input by its overlap with the box [j*scale, (j+1)*scale).
func areaTaps(t *kernel.Taps, j int, scale float64) {
	low, high := float64(j)*scale, float64(j+1)*scale
	first := min(int(low), t.In-1)
	t.Start[j] = int32(min(first, t.In-t.Count))
	for i := first; i < min(t.In, first+t.Count); i++ {
		overlap := min(float64(i+1), high) - max(float64(i), low)
		setTap(t, j, i, max(0, overlap)/scale)
	}
}
