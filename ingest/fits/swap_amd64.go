package fits

import "golang.org/x/sys/cpu"

// swapBlock is the number of values swapAVX2 takes in one step.
const swapBlock = 32

// swapAVX2 decodes blocks x 32 big-endian float32 values and returns non-zero when one is NaN. blocks is
// at least 1, and both sides hold that much.
//
//go:noescape
func swapAVX2(dst *float32, src *byte, blocks int) (nan uint32)

// decodeFloat32 is the fast path: contiguous unscaled float32, in vectors where the processor has AVX2.
func decodeFloat32(dst []float32, src []byte) (nan bool) {
	blocks := len(dst) / swapBlock
	if blocks == 0 || !cpu.X86.HasAVX2 {
		return decodeFloat32Go(dst, src)
	}
	n := blocks * swapBlock
	src = src[:4*len(dst)] // panics here, in Go, if a caller ever broke the promise of enough bytes
	nan = swapAVX2(&dst[0], &src[0], blocks) != 0
	return decodeFloat32Go(dst[n:], src[4*n:]) || nan
}
