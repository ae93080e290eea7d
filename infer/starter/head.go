package starter

import (
	"math"
	"math/rand/v2"
)

// Head is a classifier with one hidden layer over standardised features:
//
//	h = tanh(W1 (x-mean)/std + b1),   logits = W2 h + b2.
//
// The hidden layer, scaled to unit length, is the embedding.
type Head struct {
	Mean, Std []float32 // [inputs]
	W1        []float32 // [inputs][hidden]
	B1        []float32 // [hidden]
	W2        []float32 // [hidden][classes]
	B2        []float32 // [classes]
}

// FitConfig says how a Head is fitted. The zero value of a field means its default.
type FitConfig struct {
	Hidden  int     // width of the hidden layer; default 64
	Epochs  int     // passes over the data; default 60
	Batch   int     // examples a step; default 64
	Rate    float64 // peak learning rate of Adam, falling to zero on a cosine; default 3e-3
	Decay   float64 // decoupled weight decay (Loshchilov & Hutter 2019); default 1e-2
	Dropout float64 // fraction of standardised features silenced in training; default 0.3
	Seed    uint64
}

func (c FitConfig) withDefaults() FitConfig {
	set := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	whole := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	whole(&c.Hidden, 64)
	whole(&c.Epochs, 60)
	whole(&c.Batch, 64)
	set(&c.Rate, 3e-3)
	set(&c.Decay, 1e-2)
	set(&c.Dropout, 0.3)
	return c
}

// Fit trains a Head on rows of features with class labels in [0, classes), minimising cross-entropy.
// The same seed gives the same Head.
func Fit(cfg FitConfig, x [][]float32, y []int, classes int) *Head {
	cfg = cfg.withDefaults()
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x5747))
	h := newHead(rng, x, cfg.Hidden, classes)
	fit := newFitter(h, cfg, rng)
	order := rng.Perm(len(x))
	steps := cfg.Epochs * ((len(x) + cfg.Batch - 1) / cfg.Batch)
	for range cfg.Epochs {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for start := 0; start < len(order); start += cfg.Batch {
			fit.step(x, y, order[start:min(start+cfg.Batch, len(order))], steps)
		}
	}
	return h
}

// newHead standardises on the data and draws weights with variance 1/inputs (Glorot & Bengio 2010).
func newHead(rng *rand.Rand, x [][]float32, hidden, classes int) *Head {
	inputs := len(x[0])
	h := &Head{
		Mean: make([]float32, inputs), Std: make([]float32, inputs),
		W1: make([]float32, inputs*hidden), B1: make([]float32, hidden),
		W2: make([]float32, hidden*classes), B2: make([]float32, classes),
	}
	for k := range inputs {
		var sum, square float64
		for _, row := range x {
			sum += float64(row[k])
			square += float64(row[k]) * float64(row[k])
		}
		mean := sum / float64(len(x))
		h.Mean[k] = float32(mean)
		h.Std[k] = float32(math.Sqrt(max(square/float64(len(x))-mean*mean, 0)) + 1e-6)
	}
	draw := func(w []float32, fanIn int) {
		for i := range w {
			w[i] = float32(rng.NormFloat64() / math.Sqrt(float64(fanIn)))
		}
	}
	draw(h.W1, inputs)
	draw(h.W2, hidden)
	return h
}

// forward computes hidden activations and logits of one standardised row.
func (h *Head) forward(z, hidden, logits []float32) {
	copy(hidden, h.B1)
	n := len(hidden)
	for k, v := range z {
		if v == 0 {
			continue
		}
		w := h.W1[k*n : (k+1)*n]
		for j := range hidden {
			hidden[j] += v * w[j]
		}
	}
	copy(logits, h.B2)
	for j := range hidden {
		hidden[j] = float32(math.Tanh(float64(hidden[j])))
		w := h.W2[j*len(logits) : (j+1)*len(logits)]
		for c := range logits {
			logits[c] += hidden[j] * w[c]
		}
	}
}

// standardise writes (x-mean)/std.
func (h *Head) standardise(z, x []float32) {
	for k := range z {
		z[k] = (x[k] - h.Mean[k]) / h.Std[k]
	}
}

// Predict returns the class with the largest logit.
func (h *Head) Predict(x []float32) int {
	z := make([]float32, len(h.Mean))
	hidden, logits := make([]float32, len(h.B1)), make([]float32, len(h.B2))
	h.standardise(z, x)
	h.forward(z, hidden, logits)
	best := 0
	for c, v := range logits {
		if v > logits[best] {
			best = c
		}
	}
	return best
}

// Accuracy is the fraction of rows whose prediction equals the label.
func (h *Head) Accuracy(x [][]float32, y []int) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	right := 0
	for i, row := range x {
		if h.Predict(row) == y[i] {
			right++
		}
	}
	return float64(right) / float64(len(x))
}
