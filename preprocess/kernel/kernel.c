//go:build cgo && (amd64 || arm64)

// The kernels in C. Each loop mirrors its Go reference operation by operation; the compiler may only
// run independent elements side by side. ISO mode (-std=c11) keeps products and sums apart.
#pragma GCC optimize("O3", "no-trapping-math")
#pragma STDC FP_CONTRACT OFF

// No square root here is of a negative number: as a const function it sets no errno, and loops with it
// become SIMD code.
extern float sqrtf(float) __attribute__((const));

#include "kernel.h"
#include <math.h>
#include <string.h>

#if defined(CLONES)
// given on the command line
#elif defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

INLINE float clip(float v, float low, float high) {
	v = v < low ? low : v;
	return v > high ? high : v;
}

INLINE float asinh1(float x) {
	float a = fabsf(x), sq = a * a;
	float t = a + sq / (1.0f + sqrtf(1.0f + sq));
	int large = a >= 4096.0f;
	float t1 = 1.0f + t, u = large ? a : t1;
	int32_t bits;
	memcpy(&bits, &u, 4);
	int32_t ix = bits + (0x3f800000 - 0x3f3504f3);
	int32_t k = (ix >> 23) - 127;
	int32_t mb = (ix & 0x7fffff) + 0x3f3504f3;
	float m;
	memcpy(&m, &mb, 4);
	float m1 = m - 1.0f, num = k != 0 ? m1 : t;
	float s = num / (2.0f + num), z = s * s;
	float p = z * (float)(2.0 / 9) + (float)(2.0 / 7);
	p = z * p + (float)(2.0 / 5);
	p = z * p + (float)(2.0 / 3);
	p = z * p + 2.0f;
	float r = s * p + (float)(k + large) * (float)0.693147180559945309417;
	r = copysignf(r, x);
	r = a < __builtin_inff() ? r : x;
	return r;
}

CLONES void ga_asinh(float *dst, const float *src, long n, float offset, float scale, float gain, float bound) {
	for (long i = 0; i < n; i++)
		dst[i] = gain * asinh1(scale * (clip(src[i], -bound, bound) - offset));
}

CLONES int64_t ga_gather(float *dst, long dst_stride, const float *src, long src_stride, long w, long h, float factor, float fill) {
	int64_t invalid = 0, zeros = 0;
	if (dst_stride == w && src_stride == w && w * h < INT32_MAX) {
		w *= h; // whole pictures are one long row
		h = 1;
	}
	for (long y = 0; y < h; y++) {
		float *restrict out = dst + y * dst_stride;
		const float *restrict in = src + y * src_stride;
		int32_t bad = 0, zero = 0;
		for (long x = 0; x < w; x++) {
			float v = in[x], scaled = v * factor;
			int ok = fabsf(v) <= 1e20f;
			bad += !ok;
			zero += v == 0;
			out[x] = ok ? scaled : fill;
		}
		invalid += bad;
		zeros += zero;
	}
	return invalid << 32 | zeros;
}

CLONES double ga_sum_squares(const float *x, long n) {
	double acc[8] = {0};
	long i = 0;
	for (; i + 8 <= n; i += 8)
		for (int j = 0; j < 8; j++)
			acc[j] += (double)x[i + j] * (double)x[i + j];
	for (int j = 0; i < n; i++, j++)
		acc[j] += (double)x[i] * (double)x[i];
	return ((acc[0] + acc[4]) + (acc[2] + acc[6])) + ((acc[1] + acc[5]) + (acc[3] + acc[7]));
}

CLONES void ga_scale(float *x, long n, double factor) {
	for (long i = 0; i < n; i++)
		x[i] = (float)((double)x[i] * factor);
}

CLONES void ga_affine(float *dst, const float *src, long n, float a, float b) {
	for (long i = 0; i < n; i++)
		dst[i] = src[i] * a + b;
}

CLONES void ga_unit_range(float *x, long n, float low, float high, double gain) {
	for (long i = 0; i < n; i++)
		x[i] = (float)(((double)clip(x[i], low, high) - (double)low) * gain);
}

CLONES void ga_zero_nan(float *x, long n) {
	for (long i = 0; i < n; i++)
		x[i] = x[i] == x[i] ? x[i] : 0.0f;
}

CLONES void ga_interleave3(float *restrict dst, const float *restrict p, long n, const float *a, const float *b) {
	const float *restrict q = p + n, *restrict r = p + 2 * n;
	float a0 = a[0], a1 = a[1], a2 = a[2], b0 = b[0], b1 = b[1], b2 = b[2];
	for (long i = 0; i < n; i++) {
		dst[3 * i] = p[i] * a0 + b0;
		dst[3 * i + 1] = q[i] * a1 + b1;
		dst[3 * i + 2] = r[i] * a2 + b2;
	}
}

void ga_interleave(float *restrict dst, const float *restrict p, long n, long channels, const float *a, const float *b) {
	if (channels == 3) {
		ga_interleave3(dst, p, n, a, b);
		return;
	}
	for (long c = 0; c < channels; c++)
		for (long i = 0; i < n; i++)
			dst[i * channels + c] = p[c * n + i] * a[c] + b[c];
}

// STRIP pixels of working values stay in the first-level cache between the passes of a colour kernel.
enum { STRIP = 512 };

CLONES void ga_legacy(float *planes, long n, const float *scale, long count, float m, float q, int precedence_bug) {
	float ratio[STRIP], root_q = 1.0f / sqrtf(q), part = 1.0f / (float)count;
	for (long at = 0; at < n; at += STRIP) {
		long len = n - at < STRIP ? n - at : STRIP;
		memset(ratio, 0, sizeof ratio);
		for (long c = 0; c < count; c++) {
			const float *restrict p = planes + c * n + at;
			float s = scale[c];
			for (long i = 0; i < len; i++) {
				float v = p[i] * s + m;
				ratio[i] += v < 0.0f ? 0.0f : v;
			}
		}
		for (long i = 0; i < len; i++) {
			float intensity = ratio[i] * part;
			float f = asinh1(q * intensity) * root_q;
			ratio[i] = f / (intensity == 0.0f ? 1e-6f : intensity);
		}
		for (long c = 0; c < count; c++) {
			float *restrict p = planes + c * n + at;
			float s = scale[c];
			if (precedence_bug)
				for (long i = 0; i < len; i++)
					p[i] = clip(p[i] * (s + m * ratio[i]), 0.0f, 1.0f);
			else
				for (long i = 0; i < len; i++)
					p[i] = clip((p[i] * s + m) * ratio[i], 0.0f, 1.0f);
		}
	}
}

INLINE float quarter_sine(float y) {
	float z = y * y;
	float p = z * (float)(-1.0 / 39916800) + (float)(1.0 / 362880);
	p = z * p - (float)(1.0 / 5040);
	p = z * p + (float)(1.0 / 120);
	p = z * p - (float)(1.0 / 6);
	p = z * p + 1.0f;
	return y * p;
}

INLINE float larger(float a, float b) { return b > a ? b : a; }

CLONES void ga_galaxy_zoo(float *planes, long n, const float *inverse, float floor, float gain, int desaturate) {
	float *restrict p0 = planes, *restrict p1 = planes + n, *restrict p2 = planes + 2 * n;
	float i0 = inverse[0], i1 = inverse[1], i2 = inverse[2];
	for (long i = 0; i < n; i++) {
		float v0 = (asinh1(p0[i] * i0) - floor) * gain;
		float v1 = (asinh1(p1[i] * i1) - floor) * gain;
		float v2 = (asinh1(p2[i] * i2) - floor) * gain;
		float a = (v0 + v1 + v2) * (float)(1.0 / 3);
		float div = a == 0.0f ? 1.0f : a;
		float w = larger(larger(v0 / div, v1 / div), v2 / div) * (float)0.4;
		w = w > 1.0f ? 1.0f : w;
		w = quarter_sine((1.0f - w) * (float)1.57079632679489661923);
		float u = 1.0f - w;
		float d0 = v0 * w + a * u + a * u * u * v0;
		float d1 = v1 * w + a * u + a * u * u * v1;
		float d2 = v2 * w + a * u + a * u * u * v2;
		p0[i] = clip(desaturate ? d0 : v0, 0.0f, 1.0f);
		p1[i] = clip(desaturate ? d1 : v1, 0.0f, 1.0f);
		p2[i] = clip(desaturate ? d2 : v2, 0.0f, 1.0f);
	}
}

CLONES void ga_columns(float *dst, const float *src, long width, long out, long count, const int32_t *start, const float *weight) {
	for (long j = 0; j < out; j++) {
		float *restrict d = dst + j * width;
		const float *restrict s = src + start[j] * width;
		float w0 = weight[j];
		if (count == 2) {
			float w1 = weight[out + j];
			for (long x = 0; x < width; x++)
				d[x] = s[x] * w0 + s[x + width] * w1;
			continue;
		}
		for (long x = 0; x < width; x++)
			d[x] = s[x] * w0;
		for (long k = 1; k < count; k++) {
			const float *restrict sk = s + k * width;
			float w = weight[k * out + j];
			for (long x = 0; x < width; x++)
				d[x] += sk[x] * w;
		}
	}
}
