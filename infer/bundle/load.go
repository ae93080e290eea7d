package bundle

import (
	"crypto/sha256"
	"encoding/hex"
)

// hash returns the SHA-256 of data in lower-case hexadecimal digits.
func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
