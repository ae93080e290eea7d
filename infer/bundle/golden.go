package bundle

// Golden is the self-check: inputs and the answers the model gave to them when the bundle was made.
// Arrays are row-major and hold Rows rows.
type Golden struct {
	Rows          int     `json:"rows"`
	Tolerance     float64 `json:"tolerance"` // largest absolute difference allowed, in any value
	Image         Floats  `json:"image,omitempty"`
	Features      Floats  `json:"features,omitempty"`
	Probabilities Floats  `json:"probabilities"`
	Embedding     Floats  `json:"embedding,omitempty"`
}
