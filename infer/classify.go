package infer

import (
	"math"

	"github.com/galaxalign/galaxalign/infer/bundle"
)

// classify turns scores into probabilities p and returns the index of the label: the class of highest
// probability, the first of equals; for a single score the positive class from the threshold on.
func classify(p, scores []float32, out *bundle.ScoreOutput) int {
	temperature := out.Temperature
	if temperature == 0 {
		temperature = 1
	}
	if len(scores) == 1 && len(p) == 2 {
		return classifySingle(p, scores[0], temperature, out)
	}
	switch out.Activation {
	case bundle.Softmax:
		softmax(p, scores, temperature)
	case bundle.Sigmoid:
		for i, s := range scores {
			p[i] = float32(sigmoid(float64(s) / temperature))
		}
	default:
		copy(p, scores)
	}
	best := 0
	for i, v := range p {
		if v > p[best] {
			best = i
		}
	}
	return best
}

// classifySingle makes [1-s, s] of one score.
func classifySingle(p []float32, score float32, temperature float64, out *bundle.ScoreOutput) int {
	positive := float64(score)
	if out.Activation == bundle.Sigmoid {
		positive = sigmoid(positive / temperature)
	}
	p[0], p[1] = float32(1-positive), float32(positive)
	threshold := out.Threshold
	if threshold == 0 {
		threshold = 0.5
	}
	if float64(p[1]) >= threshold {
		return 1
	}
	return 0
}

// sigmoid is 1/(1+exp(-x)).
func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// softmax writes exp((s-max)/T) / sum of the same over all classes; subtracting the maximum keeps the
// exponentials in range.
func softmax(p, scores []float32, temperature float64) {
	top := scores[0]
	for _, s := range scores {
		top = max(top, s)
	}
	var sum float64
	for _, s := range scores {
		sum += math.Exp(float64(s-top) / temperature)
	}
	for i, s := range scores {
		p[i] = float32(math.Exp(float64(s-top)/temperature) / sum)
	}
}
