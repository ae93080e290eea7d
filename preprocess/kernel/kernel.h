#ifndef GALAXALIGN_KERNEL_H
#define GALAXALIGN_KERNEL_H
#include <stdint.h>

// ga_taps is the C view of a Taps table.
typedef struct {
	long in, out, count, lanes;
	const int32_t *start, *block, *rel;
	const float *weight;
} ga_taps;

void ga_asinh(float *dst, const float *src, long n, float offset, float scale, float gain, float bound);
int64_t ga_gather(float *dst, long dst_stride, const float *src, long src_stride, long w, long h, float factor, float fill);
double ga_sum_squares(const float *x, long n);
void ga_scale(float *x, long n, double factor);
void ga_affine(float *dst, const float *src, long n, float a, float b);
void ga_unit_range(float *x, long n, float low, float high, double gain);
void ga_zero_nan(float *x, long n);
void ga_interleave(float *restrict dst, const float *restrict planes, long n, long channels, const float *a, const float *b);
void ga_legacy(float *planes, long n, const float *scale, long count, float m, float q, int precedence_bug);
void ga_galaxy_zoo(float *planes, long n, const float *inverse, float floor, float gain, int desaturate);
void ga_columns(float *dst, const float *src, long width, long out, long count, const int32_t *start, const float *weight);
long ga_lanes(void);
void ga_rows(float *dst, const float *src, long rows, ga_taps t);
#endif
