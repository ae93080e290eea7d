//go:build cgo && amd64 && !purego

/* What inflate.c and fast.c share: streams beside each other, and reading table entries. */
#ifndef GALAXALIGN_LANE_H
#define GALAXALIGN_LANE_H

#include "inflate.h"
#include <string.h>

enum { MODE_HEADER, MODE_STORED, MODE_CODES };
enum { DONE, FULL, TRUNCATED, BAD_BLOCK, BAD_STORED, BAD_CODE, BAD_REPEAT, BAD_SYMBOL, BAD_DISTANCE, RUNNING };

#define LIT_MASK ((1u << GX_LIT_BITS) - 1)
#define DIST_MASK ((1u << GX_DIST_BITS) - 1)

/* Room that one turn of the fast loop may use: two literals an entry, a match and what a copy writes past
   it; two refills of 8 bytes, the second at most 7 bytes on. */
enum { TURN = 5, FAST_IN = 16, FAST_OUT = TURN * 2 + 258 + 16 };

#define INLINE static inline __attribute__((always_inline))

/* A stream and the memory it is decoded from and to. */
typedef struct {
  gx_inflate *d;
  uint8_t *dst;
  const uint8_t *src;
  size_t dst_len, src_len, base;
} lane;

INLINE uint64_t load64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }

/* Index of the entry that the sub-table entry e leads to, and a length or distance with its extra bits. */
INLINE uint32_t sub_index(uint32_t e, uint64_t bits) { return (e >> 12 & 0xfff) + ((uint32_t)bits & ((1u << (e >> 6 & 15)) - 1)); }
INLINE uint32_t drop_of(uint32_t e) { return e >> DROP_SHIFT & 31; }
INLINE uint32_t value(uint32_t e, uint64_t bits) {
  return (e >> BASE_SHIFT) + (uint32_t)((bits & ((1ull << drop_of(e)) - 1)) >> (e >> 6 & 15));
}

/* Whether a turn of the fast loop fits. */
INLINE int roomy(const lane *l) {
  return l->src_len >= FAST_IN && l->dst_len >= FAST_OUT && l->d->b.in <= l->src_len - FAST_IN && l->d->out <= l->dst_len - FAST_OUT;
}

/* Decodes n <= 3 streams, all inside a block of codes and roomy, until one of them is neither any more or
   has a fault, which is then its status. */
void gx_fast(lane *l, int n);

#endif
