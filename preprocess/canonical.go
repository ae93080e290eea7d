package preprocess

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Canonical returns the one text that stands for this recipe: JSON with the keys in the order of the
// struct, every default written out, absent options left out, numbers in their shortest form. It is also
// YAML, and Parse reads it back to an equal recipe. The recipe must be valid.
func (r *Recipe) Canonical() []byte {
	text, err := json.Marshal(r.withDefaults())
	if err != nil {
		// Only NaN and infinities cannot be marshalled, and no valid recipe has them.
		return fmt.Appendf(nil, "invalid recipe: %v", err)
	}
	return text
}

// Hash is the SHA-256 of Canonical in 64 lower-case hexadecimal digits.
func (r *Recipe) Hash() string {
	sum := sha256.Sum256(r.Canonical())
	return hex.EncodeToString(sum[:])
}
