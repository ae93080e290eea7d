package bundle

import "math"

// Classify turns the scores of a row into class probabilities p (len = len(m.Classes)) and returns the
// index of the label: the class of highest probability, the first of equals; for a single score the
// positive class from the threshold on.
func (m *Manifest) Classify(p, scores []float32) (label int) {
	s := &m.Scores
	if m.Single() {
		return s.classifySingle(p, scores[0])
	}
	switch s.Activation {
	case Softmax:
		softmax(p, scores, s.temperature())
	case Sigmoid:
		for i, score := range scores {
			p[i] = float32(sigmoid(float64(score) / s.temperature()))
		}
	default:
		copy(p, scores)
	}
	for i, v := range p {
		if v > p[label] {
			label = i
		}
	}
	return label
}

// temperature applies the default.
func (s *ScoreOutput) temperature() float64 {
	if s.Temperature == 0 {
		return 1
	}
	return s.Temperature
}

// classifySingle makes [1-s, s] of one score.
func (s *ScoreOutput) classifySingle(p []float32, score float32) (label int) {
	positive := float64(score)
	if s.Activation == Sigmoid {
		positive = sigmoid(positive / s.temperature())
	}
	p[0], p[1] = float32(1-positive), float32(positive)
	threshold := s.Threshold
	if threshold == 0 {
		threshold = 0.5
	}
	if positive >= threshold {
		return 1
	}
	return 0
}

// sigmoid is 1/(1+exp(-x)).
func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// softmax writes exp((s-max)/T) divided by the sum of the same over all classes; subtracting the maximum
// keeps the exponentials in range.
func softmax(p, scores []float32, temperature float64) {
	top := scores[0]
	for _, s := range scores {
		top = max(top, s)
	}
	var sum float64
	for _, s := range scores {
		sum += math.Exp((float64(s) - float64(top)) / temperature)
	}
	for i, s := range scores {
		p[i] = float32(math.Exp((float64(s)-float64(top))/temperature) / sum)
	}
}

// Normalise divides v by its Euclidean norm, computed in float64, or reports that the norm is 0 or not
// finite and leaves v as it is.
func Normalise(v []float32) bool {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if !(sum > 0) || math.IsInf(sum, 1) {
		return false
	}
	scale := 1 / math.Sqrt(sum)
	for i, x := range v {
		v[i] = float32(float64(x) * scale)
	}
	return true
}

// Finite reports whether every value is a number.
func Finite(values []float32) bool {
	for _, v := range values {
		if v-v != 0 {
			return false
		}
	}
	return true
}
