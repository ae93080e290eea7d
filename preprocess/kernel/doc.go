// Package kernel holds the pixel loops of preprocessing: plain functions over planes of float32.
//
// Guarantee: every kernel exists twice, as a plain Go reference and as C that the compiler turns into
// SIMD code for the processor found at start (x86-64: AVX-512, AVX2 or the baseline), and all of them
// give the same bits. No kernel uses fused multiply-add or reorders a sum, so a result does not depend
// on the processor. No kernel allocates or keeps a slice. Slices that are too short panic:
// lengths are the caller's duty, checked when a recipe is compiled and a cutout is measured.
package kernel
