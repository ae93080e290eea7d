package starter

import (
	"math"

	"github.com/galaxalign/galaxalign/infer/onnx"
)

// Names and shape of the graph's ends.
const (
	InputName     = "image"     // [N,3,Size,Size] float32: red, green, blue planes in [0,1]
	FeaturesName  = "features"  // [N,?] the measurements
	EmbeddingName = "embedding" // [N,hidden] the hidden layer, not yet of unit length
	LogitsName    = "logits"    // [N,classes]
	Size          = 64          // pixels
)

const (
	scales      = 4 // wavelets on pictures of 64, 32, 16 and 8 pixels
	coarseRings = 4
	fineRings   = 8
	harmonicMax = 4
)

// network adds nodes to a graph; each method returns the name of a value.
type network struct {
	*onnx.Builder
	features []string         // each [N,?]
	matrices map[rings]string // ring matrices already added
}

func newNetwork(name string) *network {
	return &network{Builder: onnx.NewBuilder(name), matrices: map[rings]string{}}
}

func (n *network) constant(prefix string, dims []int64, values []float32) string {
	return n.Constant(onnx.FloatTensor(n.Fresh(prefix), dims, values))
}

func (n *network) ints(prefix string, values ...int64) string {
	return n.Constant(onnx.Int64Tensor(n.Fresh(prefix), []int64{int64(len(values))}, values))
}

func (n *network) scalar(v float32) string { return n.constant("scalar", []int64{1}, []float32{v}) }

func (n *network) add(a, b string) string { return n.Op("Add", []string{a, b}) }
func (n *network) sub(a, b string) string { return n.Op("Sub", []string{a, b}) }
func (n *network) mul(a, b string) string { return n.Op("Mul", []string{a, b}) }
func (n *network) div(a, b string) string { return n.Op("Div", []string{a, b}) }
func (n *network) abs(a string) string    { return n.Op("Abs", []string{a}) }

// length is sqrt(a^2 + b^2).
func (n *network) length(a, b string) string {
	square := n.add(n.add(n.mul(a, a), n.mul(b, b)), n.scalar(1e-12))
	return n.Op("Sqrt", []string{square})
}

// logged compresses a non-negative measurement: log(x + floor).
func (n *network) logged(a string, floor float32) string {
	return n.Op("Log", []string{n.add(a, n.scalar(floor))})
}

// channels takes channels [from,to) of axis 1.
func (n *network) channels(x string, from, to int64) string {
	return n.Op("Slice", []string{x, n.ints("from", from), n.ints("to", to), n.ints("axis", 1)})
}

// flat turns [N,C,H,W] into [N,C,H*W].
func (n *network) flat(x string, c, pixels int64) string {
	return n.Op("Reshape", []string{x, n.ints("shape", -1, c, pixels)})
}

// pool takes the mean over each ring of flat maps [N,C,pixels]: [N,C,count].
func (n *network) pool(x string, r rings) string {
	matrix, ok := n.matrices[r]
	if !ok {
		matrix = n.constant("rings", []int64{int64(r.size * r.size), int64(r.count)}, r.means())
		n.matrices[r] = matrix
	}
	return n.Op("MatMul", []string{x, matrix})
}

// wave returns the names of the maps cos(m phi) and sin(m phi), [pixels].
func (n *network) wave(r rings, m int) (cosine, sine string) {
	c, s := r.harmonic(m)
	pixels := []int64{int64(r.size * r.size)}
	return n.constant("cosine", pixels, c), n.constant("sine", pixels, s)
}

// keep adds a measurement of any shape to the feature vector.
func (n *network) keep(x string) {
	n.features = append(n.features, n.Op("Flatten", []string{x}, onnx.IntAttribute("axis", 1)))
}

// buildFeatures declares the input and adds every measurement; it returns the name of [N,?].
func (n *network) buildFeatures() string {
	image := n.Input(InputName, onnx.Float, onnx.Symbol("N"), onnx.Axis(3), onnx.Axis(Size), onnx.Axis(Size))
	light := n.mix(image, 1.0/3, 1.0/3, 1.0/3)
	f := n.findGalaxy(light)
	scaled := n.relative(n.sample(light, f, Size), f.sky)
	n.profiles(scaled)
	colour := n.flat(n.sample(n.mix(image, 1, 0, -1), f, half), 1, half*half)
	n.keep(n.pool(colour, rings{half, fineRings}))
	n.folded(scaled)
	n.halfTurn(scaled)
	n.oriented(scaled)
	return n.Named(FeaturesName, "Concat", n.features, onnx.IntAttribute("axis", 1))
}

// relative is light above the sky over that of the brightest ring, [N,1,Size,Size].
func (n *network) relative(light, sky string) string {
	flat := n.flat(light, 1, Size*Size)
	top := n.Op("ReduceMax", []string{n.pool(flat, rings{Size, fineRings})}, onnx.IntsAttribute("axes", 2), onnx.IntAttribute("keepdims", 1))
	scaled := n.div(n.sub(flat, sky), n.add(n.sub(top, sky), n.scalar(0.02)))
	return n.Op("Reshape", []string{scaled, n.ints("shape", -1, 1, Size, Size)})
}

// folded measures the light on a coarse grid of one quadrant about the long axis, the four quadrants
// averaged: how thin the galaxy is, whether a bulge rises from it, where along it the light ends.
func (n *network) folded(light string) {
	turn := func(x string, axis int64) string {
		return n.Op("Slice", []string{x, n.ints("from", -1), n.ints("to", math.MinInt32), n.ints("axis", axis), n.ints("step", -1)})
	}
	coarse := n.Op("AveragePool", []string{light}, onnx.IntsAttribute("kernel_shape", 4, 4), onnx.IntsAttribute("strides", 4, 4))
	both := n.add(coarse, turn(coarse, 2))
	both = n.add(both, turn(both, 3))
	half := n.ints("half", 0, 0)
	quadrant := n.Op("Slice", []string{both, half, n.ints("to", Size/8, Size/8), n.ints("axes", 2, 3)})
	n.keep(n.logged(n.Op("Relu", []string{quadrant}), 0.05))
}

// mix is a weighted sum of the three colour planes: [N,1,Size,Size].
func (n *network) mix(image string, red, green, blue float32) string {
	return n.Op("Conv", []string{image, n.constant("mix", []int64{1, 3, 1, 1}, []float32{red, green, blue})})
}

// profiles measures the light of rings and the azimuthal Fourier terms of the light.
func (n *network) profiles(light string) {
	r := rings{Size, fineRings}
	light = n.flat(light, 1, Size*Size)
	mean := n.pool(light, r)
	n.keep(n.logged(n.Op("Relu", []string{mean}), 0.03))
	floor := n.add(n.Op("Relu", []string{mean}), n.scalar(0.05))
	for m := 1; m <= harmonicMax; m++ {
		cosine, sine := n.wave(r, m)
		c, s := n.div(n.pool(n.mul(light, cosine), r), floor), n.div(n.pool(n.mul(light, sine), r), floor)
		n.keep(n.length(c, s))
		if m == 2 {
			n.turn(c, s)
		}
	}
}

// turn measures how the m = 2 phase changes from ring to ring: the product of one ring's complex
// amplitude with the conjugate of the next. Handedness is dropped by taking the modulus of the sine.
func (n *network) turn(c, s string) {
	inner := func(x string) string { return n.ringSlice(x, 0, fineRings-1) }
	outer := func(x string) string { return n.ringSlice(x, 1, fineRings) }
	n.keep(n.add(n.mul(inner(c), outer(c)), n.mul(inner(s), outer(s))))
	n.keep(n.abs(n.sub(n.mul(inner(s), outer(c)), n.mul(inner(c), outer(s)))))
}

func (n *network) ringSlice(x string, from, to int64) string {
	return n.Op("Slice", []string{x, n.ints("from", from), n.ints("to", to), n.ints("axis", 2)})
}

// halfTurn measures the residual of the light against itself turned by 180 degrees, by ring.
func (n *network) halfTurn(light string) {
	turned := n.Op("Slice", []string{light, n.ints("from", -1, -1), n.ints("to", math.MinInt32, math.MinInt32), n.ints("axes", 2, 3), n.ints("steps", -1, -1)})
	r := rings{Size, fineRings}
	residual := n.pool(n.flat(n.abs(n.sub(light, turned)), 1, Size*Size), r)
	n.keep(n.logged(residual, 0.005))
}

// oriented measures wavelet energies of a pyramid of pictures.
func (n *network) oriented(light string) {
	kernels := n.constant("morlet", []int64{2 * directions, 1, waveletSize, waveletSize}, morlets())
	edge := n.ints("edge", 0, 0, waveletSize/2, waveletSize/2, 0, 0, waveletSize/2, waveletSize/2)
	for scale := range scales {
		size := Size >> scale
		padded := n.Op("Pad", []string{light, edge}, onnx.StringAttribute("mode", "reflect"))
		waves := n.Op("Conv", []string{padded, kernels})
		energy := n.length(n.channels(waves, 0, directions), n.channels(waves, directions, 2*directions))
		n.directions(n.flat(energy, directions, int64(size*size)), rings{size, coarseRings})
		light = n.halved(light)
	}
}

// halved takes means of two by two pixels.
func (n *network) halved(light string) string {
	return n.Op("AveragePool", []string{light}, onnx.IntsAttribute("kernel_shape", 2, 2), onnx.IntsAttribute("strides", 2, 2))
}

// directions summarises the energy [N,directions,pixels] of one scale by ring: its mean, the strength
// of a common direction, and its direction against the local tangent. With E(theta, x) the energy and
// phi the azimuth of x, these are the mean of E, |sum E e^(2i theta)|, and the real part and modulus of
// the imaginary part of sum E e^(2i(theta-phi)).
func (n *network) directions(energy string, r rings) {
	mean := n.pool(n.combine(energy, func(float64) float64 { return 1.0 / directions }), r)
	n.keep(n.logged(mean, 1e-3))
	cosine := n.combine(energy, func(a float64) float64 { return math.Cos(2*a) / directions })
	sine := n.combine(energy, func(a float64) float64 { return math.Sin(2*a) / directions })
	floor := n.add(mean, n.scalar(1e-3))
	n.keep(n.div(n.length(n.pool(cosine, r), n.pool(sine, r)), floor))
	c, s := n.wave(r, 2)
	along := n.add(n.mul(cosine, c), n.mul(sine, s))
	across := n.sub(n.mul(sine, c), n.mul(cosine, s))
	n.keep(n.div(n.pool(along, r), floor))
	n.keep(n.div(n.abs(n.pool(across, r)), floor))
}

// combine sums the directions with weights: [N,1,pixels].
func (n *network) combine(energy string, weight func(angle float64) float64) string {
	w := make([]float32, directions)
	for d := range w {
		w[d] = float32(weight(math.Pi * float64(d) / directions))
	}
	return n.Op("MatMul", []string{n.constant("directions", []int64{1, directions}, w), energy})
}

// FeatureModel returns the ONNX file that measures pictures: InputName to FeaturesName.
func FeatureModel() ([]byte, error) {
	n := newNetwork("galaxalign starter features")
	n.Output(n.buildFeatures(), onnx.Float, onnx.Symbol("N"), onnx.Symbol("F"))
	return n.marshal()
}

// Model returns the ONNX file of the whole classifier: InputName to LogitsName and EmbeddingName.
func Model(h *Head) ([]byte, error) {
	n := newNetwork("galaxalign starter")
	inputs, hidden, classes := int64(len(h.Mean)), int64(len(h.B1)), int64(len(h.B2))
	inverse := make([]float32, inputs)
	for k, s := range h.Std {
		inverse[k] = 1 / s
	}
	z := n.mul(n.sub(n.buildFeatures(), n.constant("mean", []int64{inputs}, h.Mean)), n.constant("inverse", []int64{inputs}, inverse))
	pre := n.Op("Gemm", []string{z, n.constant("w1", []int64{inputs, hidden}, h.W1), n.constant("b1", []int64{hidden}, h.B1)})
	embedding := n.Named(EmbeddingName, "Tanh", []string{pre})
	logits := n.Named(LogitsName, "Gemm", []string{embedding, n.constant("w2", []int64{hidden, classes}, h.W2), n.constant("b2", []int64{classes}, h.B2)})
	n.Output(logits, onnx.Float, onnx.Symbol("N"), onnx.Axis(classes))
	n.Output(embedding, onnx.Float, onnx.Symbol("N"), onnx.Axis(hidden))
	return n.marshal()
}

func (n *network) marshal() ([]byte, error) {
	m, err := n.Builder.Model()
	if err != nil {
		return nil, err
	}
	return m.Marshal(), nil
}
