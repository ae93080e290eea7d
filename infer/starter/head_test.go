package starter

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// noisyRings makes points on noisy concentric rings: no linear classifier separates them.
func noisyRings(n int, seed uint64) (x [][]float32, y []int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		class := i % 3
		r := 1 + float64(class) + 0.15*rng.NormFloat64()
		a := 2 * math.Pi * rng.Float64()
		x = append(x, []float32{float32(r * math.Cos(a)), float32(r * math.Sin(a)), float32(rng.NormFloat64())})
		y = append(y, class)
	}
	return x, y
}

func TestFitSeparatesWhatALineCannot(t *testing.T) {
	x, y := noisyRings(900, 1)
	h := Fit(FitConfig{Hidden: 24, Epochs: 400, Dropout: 1e-9, Seed: 3}, x, y, 3)
	testX, testY := noisyRings(600, 2)
	if got := h.Accuracy(testX, testY); got < 0.95 {
		t.Errorf("held-out accuracy %.3f", got)
	}
}

func TestFitIsDeterministic(t *testing.T) {
	x, y := noisyRings(200, 1)
	a := Fit(FitConfig{Epochs: 3, Seed: 7}, x, y, 3)
	b := Fit(FitConfig{Epochs: 3, Seed: 7}, x, y, 3)
	c := Fit(FitConfig{Epochs: 3, Seed: 8}, x, y, 3)
	if !slices.Equal(a.W1, b.W1) || !slices.Equal(a.B2, b.B2) {
		t.Error("the same seed gave different weights")
	}
	if slices.Equal(a.W1, c.W1) {
		t.Error("different seeds gave the same weights")
	}
}

// TestGradient compares the analytic gradient with central differences of the loss.
func TestGradient(t *testing.T) {
	x, y := noisyRings(12, 1)
	rng := rand.New(rand.NewPCG(1, 1))
	h := newHead(rng, x, 5, 3)
	f := newFitter(h, FitConfig{Dropout: 0}.withDefaults(), rng)
	f.h.standardise(f.z, x[4])
	loss := func() float64 {
		h.forward(f.z, f.hidden, f.logits)
		softmax(f.logits)
		return -math.Log(float64(f.logits[y[4]]))
	}
	h.forward(f.z, f.hidden, f.logits)
	f.backward(y[4], 1)
	const step = 1e-2
	for n, p := range f.params {
		for i := range p.w {
			keep := p.w[i]
			p.w[i] = keep + step
			up := loss()
			p.w[i] = keep - step
			down := loss()
			p.w[i] = keep
			if numeric := (up - down) / (2 * step); math.Abs(numeric-float64(p.grad[i])) > 2e-3 {
				t.Errorf("parameter %d[%d]: analytic %.5f, numeric %.5f", n, i, p.grad[i], numeric)
			}
		}
	}
}
