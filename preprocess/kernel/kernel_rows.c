//go:build cgo && (amd64 || arm64)

// The horizontal half of a resize. Reading scattered pixels is what costs: the x86-64 versions load a
// window of two vectors once and pick the taps out of it with register permutes.
#pragma GCC optimize("O3")
#pragma STDC FP_CONTRACT OFF

#include "kernel.h"

static void rows_plain(float *dst, const float *src, long rows, const ga_taps *t) {
	for (long y = 0; y < rows; y++, dst += t->out, src += t->in)
		for (long j = 0; j < t->out; j++) {
			const float *s = src + t->start[j];
			float acc = s[0] * t->weight[j];
			for (long k = 1; k < t->count; k++)
				acc += s[k] * t->weight[k * t->out + j];
			dst[j] = acc;
		}
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static void rows_avx512(float *dst, const float *src, long rows, const ga_taps *t) {
	for (long j = 0; j < t->out; j += 16) {
		long left = t->out - j;
		__mmask16 mask = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
		__m512i rel = _mm512_maskz_loadu_epi32(mask, t->rel + j);
		const float *s = src + t->block[j / 16];
		float *d = dst + j;
		for (long y = 0; y < rows; y++, s += t->in, d += t->out) {
			__m512 low = _mm512_loadu_ps(s), high = _mm512_loadu_ps(s + 16);
			__m512i at = rel;
			__m512 acc = _mm512_mul_ps(_mm512_permutex2var_ps(low, at, high), _mm512_maskz_loadu_ps(mask, t->weight + j));
			for (long k = 1; k < t->count; k++) {
				at = _mm512_add_epi32(at, _mm512_set1_epi32(1));
				__m512 w = _mm512_maskz_loadu_ps(mask, t->weight + k * t->out + j);
				acc = _mm512_add_ps(acc, _mm512_mul_ps(_mm512_permutex2var_ps(low, at, high), w));
			}
			_mm512_mask_storeu_ps(d, mask, acc);
		}
	}
}

__attribute__((target("avx2"))) static inline __m256 pick(__m256 low, __m256 high, __m256i at) {
	__m256 upper = _mm256_castsi256_ps(_mm256_slli_epi32(at, 28)); // bit 3 of the index becomes the sign
	return _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, at), _mm256_permutevar8x32_ps(high, at), upper);
}

__attribute__((target("avx2"))) static void rows_avx2(float *dst, const float *src, long rows, const ga_taps *t) {
	const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	for (long j = 0; j < t->out; j += 8) {
		long left = t->out - j < 8 ? t->out - j : 8;
		__m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)left), lane);
		__m256i rel = _mm256_maskload_epi32(t->rel + j, mask);
		const float *s = src + t->block[j / 8];
		float *d = dst + j;
		for (long y = 0; y < rows; y++, s += t->in, d += t->out) {
			__m256 low = _mm256_loadu_ps(s), high = _mm256_loadu_ps(s + 8);
			__m256i at = rel;
			__m256 acc = _mm256_mul_ps(pick(low, high, at), _mm256_maskload_ps(t->weight + j, mask));
			for (long k = 1; k < t->count; k++) {
				at = _mm256_add_epi32(at, _mm256_set1_epi32(1));
				__m256 w = _mm256_maskload_ps(t->weight + k * t->out + j, mask);
				acc = _mm256_add_ps(acc, _mm256_mul_ps(pick(low, high, at), w));
			}
			_mm256_maskstore_ps(d, mask, acc);
		}
	}
}
#endif

long ga_lanes(void) {
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f"))
		return 16;
	if (__builtin_cpu_supports("avx2"))
		return 8;
#endif
	return 0;
}

void ga_rows(float *dst, const float *src, long rows, ga_taps t) {
#if defined(__x86_64__)
	if (t.lanes == 16) {
		rows_avx512(dst, src, rows, &t);
		return;
	}
	if (t.lanes == 8) {
		rows_avx2(dst, src, rows, &t);
		return;
	}
#endif
	rows_plain(dst, src, rows, &t);
}
