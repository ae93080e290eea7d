package starter

import (
	"math"
	"math/rand/v2"
)

// fitter holds what Adam with decoupled weight decay needs besides the weights.
type fitter struct {
	h       *Head
	cfg     FitConfig
	rng     *rand.Rand
	params  []parameter
	t       int
	z       []float32
	hidden  []float32
	logits  []float32
	dHidden []float32
}

// parameter is one array of weights with its gradient and Adam's two moments.
type parameter struct {
	w, grad, m, v []float32
	decay         bool
}

func newFitter(h *Head, cfg FitConfig, rng *rand.Rand) *fitter {
	f := &fitter{
		h: h, cfg: cfg, rng: rng,
		z: make([]float32, len(h.Mean)), hidden: make([]float32, len(h.B1)),
		logits: make([]float32, len(h.B2)), dHidden: make([]float32, len(h.B1)),
	}
	for _, p := range []parameter{{w: h.W1, decay: true}, {w: h.B1}, {w: h.W2, decay: true}, {w: h.B2}} {
		n := len(p.w)
		p.grad, p.m, p.v = make([]float32, n), make([]float32, n), make([]float32, n)
		f.params = append(f.params, p)
	}
	return f
}

// step makes one update from the examples named by rows.
func (f *fitter) step(x [][]float32, y, rows []int, steps int) {
	for _, p := range f.params {
		clear(p.grad)
	}
	for _, i := range rows {
		f.h.standardise(f.z, x[i])
		f.silence()
		f.h.forward(f.z, f.hidden, f.logits)
		f.backward(y[i], 1/float32(len(rows)))
	}
	f.t++
	rate := f.cfg.Rate * 0.5 * (1 + math.Cos(math.Pi*float64(f.t)/float64(steps)))
	for i := range f.params {
		f.adam(&f.params[i], rate)
	}
}

// silence drops features at random and scales the rest so that their expectation stays.
func (f *fitter) silence() {
	keep := float32(1 / (1 - f.cfg.Dropout))
	for k := range f.z {
		if f.rng.Float64() < f.cfg.Dropout {
			f.z[k] = 0
		} else {
			f.z[k] *= keep
		}
	}
}

// backward adds the gradient of one example's cross-entropy, softmax(logits) - onehot(label), times
// weight.
func (f *fitter) backward(label int, weight float32) {
	softmax(f.logits)
	f.logits[label]--
	w1, b1, w2, b2 := f.params[0].grad, f.params[1].grad, f.params[2].grad, f.params[3].grad
	classes := len(f.logits)
	for c := range f.logits {
		f.logits[c] *= weight
		b2[c] += f.logits[c]
	}
	for j, a := range f.hidden {
		var d float32
		for c, g := range f.logits {
			w2[j*classes+c] += a * g
			d += f.h.W2[j*classes+c] * g
		}
		f.dHidden[j] = d * (1 - a*a)
		b1[j] += f.dHidden[j]
	}
	n := len(f.hidden)
	for k, v := range f.z {
		if v == 0 {
			continue
		}
		row := w1[k*n : (k+1)*n]
		for j, d := range f.dHidden {
			row[j] += v * d
		}
	}
}

// adam updates one array (Kingma & Ba 2015) with decoupled decay.
func (f *fitter) adam(p *parameter, rate float64) {
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8
	c1 := 1 - math.Pow(beta1, float64(f.t))
	c2 := 1 - math.Pow(beta2, float64(f.t))
	for i, g := range p.grad {
		p.m[i] = beta1*p.m[i] + (1-beta1)*g
		p.v[i] = beta2*p.v[i] + (1-beta2)*g*g
		update := rate * (float64(p.m[i]) / c1) / (math.Sqrt(float64(p.v[i])/c2) + epsilon)
		if p.decay {
			update += rate * f.cfg.Decay * float64(p.w[i])
		}
		p.w[i] -= float32(update)
	}
}

// softmax replaces logits by probabilities.
func softmax(logits []float32) {
	top := logits[0]
	for _, v := range logits {
		top = max(top, v)
	}
	var sum float32
	for i, v := range logits {
		logits[i] = float32(math.Exp(float64(v - top)))
		sum += logits[i]
	}
	for i := range logits {
		logits[i] /= sum
	}
}
