package sink

import "math"

// The lengths that a vector may have to be searched by cosine similarity: beyond them its square over- or
// underflows in float32, and the similarity is not a number.
const (
	MinNorm = 1e-15
	MaxNorm = 1e15
)

// Norm returns the Euclidean length of v, summed in float64.
func Norm(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}

// Comparable reports whether a vector of that length can be searched; NaN cannot.
func Comparable(norm float64) bool { return norm >= MinNorm && norm <= MaxNorm }
