package starter

import (
	"github.com/galaxalign/galaxalign/infer/onnx"
)

// How the graph finds the galaxy and brings it to a standard frame, in pixels of the input.
const (
	windowRounds = 3
	firstWindow  = 9.0  // standard deviation of the Gaussian window that looks first
	windowGrowth = 2.0  // of each further window, in standard deviations of the light seen so far
	minSpread    = 1.5  // bounds of that standard deviation
	maxSpread    = 13.0 // a galaxy that fills the picture
	maxOffset    = 12.0 // of the galaxy's centre from the picture's
	reach        = 2.6  // half a frame, in standard deviations of the light
	skyRings     = 3    // rings from this one on may show bare sky
	lightFloor   = 0.01 // above the sky; what is fainter does not count
)

// half is the side of the picture, reduced by two, in which the galaxy is looked for.
const half = Size / 2

// Columns of the table of monomials of x and y, in pixels from the picture's centre.
const (
	one = iota
	xs
	ys
	xx
	xy
	yy
	monomials
)

// monomialTable returns the first count of 1, x, y, x^2, xy, y^2 at the middles of side x side squares
// that divide the picture: [count][side*side].
func monomialTable(side, count int) []float32 {
	pixels, step := side*side, float32(Size)/float32(side)
	table := make([]float32, count*pixels)
	for i := range pixels {
		x := (float32(i%side) - float32(side-1)/2) * step
		y := (float32(i/side) - float32(side-1)/2) * step
		for k, v := range []float32{1, x, y, x * x, x * y, y * y}[:count] {
			table[k*pixels+i] = v
		}
	}
	return table
}

// moments are values [N,1,1]: the centre of the light and its second moments about it.
type moments struct{ x, y, xx, xy, yy string }

// frame is where a galaxy lies in its picture.
type frame struct {
	placement string // [N,2,3], see placement
	sky       string // [N,1,1], the light of the sky
}

// findGalaxy finds each picture's galaxy by the moments of its light, [N,1,Size,Size], under a Gaussian
// window that follows it (adaptive moments: Bernstein & Jarvis 2002, AJ 123, 583).
func (n *network) findGalaxy(light string) frame {
	table := n.constant("monomials", []int64{monomials, half * half}, monomialTable(half, monomials))
	light = n.flat(n.halved(light), 1, half*half)
	sky := n.skyOf(light)
	excess := n.Op("Relu", []string{n.sub(light, n.add(sky, n.scalar(lightFloor)))})
	zero := n.mul(sky, n.scalar(0))
	m := moments{x: zero, y: zero}
	spread := n.add(zero, n.scalar(firstWindow/windowGrowth))
	columns := n.Op("Transpose", []string{table}, onnx.IntsAttribute("perm", 1, 0))
	for range windowRounds {
		m = n.look(excess, table, columns, m, n.mul(spread, n.scalar(windowGrowth)))
		square := n.mul(n.add(m.xx, m.yy), n.scalar(0.5))
		spread = n.clip(n.Op("Sqrt", []string{n.add(square, n.scalar(1e-6))}), minSpread, maxSpread)
	}
	return frame{n.placement(m, spread), sky}
}

// sample turns, shifts and scales maps [N,1,Size,Size] so that the galaxy lies in the middle, its long axis
// along the rows, at one size: what is measured then depends neither on how large the galaxy is on the
// sky nor on how it lies there. It returns side x side pixels of the frame.
func (n *network) sample(maps string, f frame, side int64) string {
	pixels := n.constant("pixels", []int64{xx, side * side}, monomialTable(int(side), xx))
	grid := n.Op("MatMul", []string{f.placement, pixels})
	grid = n.Op("Transpose", []string{grid}, onnx.IntsAttribute("perm", 0, 2, 1))
	grid = n.Op("Reshape", []string{grid, n.ints("shape", -1, side, side, 2)})
	return n.Op("GridSample", []string{maps, grid}, onnx.StringAttribute("mode", "bilinear"), onnx.StringAttribute("padding_mode", "border"))
}

// skyOf is the darkest mean of the outer rings of the halved, flat light, [N,1,1].
func (n *network) skyOf(light string) string {
	outer := n.ringSlice(n.pool(light, rings{half, fineRings}), skyRings, fineRings)
	return n.Op("ReduceMin", []string{outer}, onnx.IntsAttribute("axes", 2), onnx.IntAttribute("keepdims", 1))
}

// look takes the moments of the light under a round Gaussian window about the last centre.
func (n *network) look(excess, table, columns string, last moments, window string) moments {
	// -((x-cx)^2 + (y-cy)^2) / 2w^2 as a row of coefficients of the monomials.
	k := n.div(n.scalar(-0.5), n.mul(window, window))
	square := n.mul(k, n.add(n.mul(last.x, last.x), n.mul(last.y, last.y)))
	twice := n.mul(k, n.scalar(-2))
	zero := n.mul(k, n.scalar(0))
	row := n.join(2, square, n.mul(twice, last.x), n.mul(twice, last.y), k, zero, k)
	weight := n.Op("Exp", []string{n.Op("MatMul", []string{row, table})})
	sums := n.Op("MatMul", []string{n.mul(excess, weight), columns})
	at := func(i int64) string { return n.ringSlice(sums, i, i+1) }
	total := n.add(at(one), n.scalar(1e-4))
	mean := func(i int64) string { return n.div(at(i), total) }
	m := moments{x: n.clip(mean(xs), -maxOffset, maxOffset), y: n.clip(mean(ys), -maxOffset, maxOffset)}
	m.xx = n.sub(mean(xx), n.mul(m.x, m.x))
	m.xy = n.sub(mean(xy), n.mul(m.x, m.y))
	m.yy = n.sub(mean(yy), n.mul(m.y, m.y))
	return m
}

// placement returns the affine map from pixels of the frame to GridSample's coordinates of the picture
// (-1 and 1 are the outer edges of the first and the last pixel), [N,2,3]: the coefficients of 1, x and y.
func (n *network) placement(m moments, spread string) string {
	e1, e2 := n.sub(m.xx, m.yy), n.mul(m.xy, n.scalar(2))
	double := n.div(e1, n.length(e1, e2)) // cosine of twice the long axis' angle
	ofHalf := func(v string) string {
		return n.Op("Sqrt", []string{n.clip(n.mul(n.add(n.scalar(1), v), n.scalar(0.5)), 0, 1)})
	}
	cosine := ofHalf(double)
	sine := n.mul(ofHalf(n.mul(double, n.scalar(-1))), n.Op("Sign", []string{e2}))
	const unit = 2.0 / Size
	scale := n.mul(spread, n.scalar(reach*2/Size*unit))
	along, across := n.mul(scale, cosine), n.mul(scale, sine)
	x := n.join(2, n.mul(m.x, n.scalar(unit)), along, n.mul(across, n.scalar(-1)))
	y := n.join(2, n.mul(m.y, n.scalar(unit)), across, along)
	return n.join(1, x, y)
}

// join concatenates along an axis.
func (n *network) join(axis int64, values ...string) string {
	return n.Op("Concat", values, onnx.IntAttribute("axis", axis))
}

// clip bounds values.
func (n *network) clip(v string, low, high float32) string {
	bound := func(x float32) string { return n.constant("bound", []int64{}, []float32{x}) }
	return n.Op("Clip", []string{v, bound(low), bound(high)})
}
