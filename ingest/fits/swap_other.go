//go:build !amd64

package fits

// decodeFloat32 is the fast path: contiguous unscaled float32.
func decodeFloat32(dst []float32, src []byte) (nan bool) { return decodeFloat32Go(dst, src) }
