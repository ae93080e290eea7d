//go:build cgo && amd64 && !purego

/* The fast loop: symbols without a check of each byte, for up to three streams in turns. */
#include "lane.h"

INLINE void copy8(uint8_t *to, const uint8_t *from) { uint64_t v; memcpy(&v, from, 8); memcpy(to, &v, 8); }

/* A stream as the fast loop holds it: in registers as far as they go. */
typedef struct {
  uint64_t bits;
  const uint8_t *in;
  uint8_t *out;
  uint32_t nbits;
} hot;

INLINE void hot_refill(hot *h) {
  h->bits |= load64(h->in) << h->nbits;
  h->in += (63 - h->nbits) >> 3;
  h->nbits |= 56;
}

INLINE void hot_drop(hot *h, uint32_t n) {
  h->bits >>= n;
  h->nbits -= n;
}

/* Takes a literal entry; takes nothing when e is none. */
INLINE void hot_put(hot *h, uint32_t e) {
  uint16_t pair = (uint16_t)(e >> 12);
  memcpy(h->out, &pair, 2);
  h->out += e >> 28 & 3;
  hot_drop(h, e & LIT_DROP);
}

/* Copies a match forwards, so that it may repeat what it writes; up to 15 bytes are written past it. */
INLINE void copy_match(uint8_t *out, size_t distance, size_t length) {
  const uint8_t *from = out - distance;
  uint8_t *end = out + length;
  if (__builtin_expect(distance >= 8, 1)) {
    copy8(out, from);
    copy8(out + 8, from + 8);
    for (size_t i = 16; i < length; i += 8) copy8(out + i, from + i);
  } else if (distance == 1) {
    uint64_t v = *from * 0x0101010101010101ull;
    for (; out < end; out += 8) memcpy(out, &v, 8);
  } else {
    while (out < end) *out++ = *from++;
  }
}

/* Decodes the symbol that begins with entry e, which is not a literal of the main table. Returns DONE or
   a fault; the end of the block is a change of mode. */
INLINE int hot_symbol(hot *h, uint32_t e, gx_inflate *d, const lane *l) {
  hot_refill(h);
  if (__builtin_expect(e & OTHER, 0)) {
    if (e & SUB) {
      h->bits >>= GX_LIT_BITS;
      h->nbits -= GX_LIT_BITS;
      e = d->lit[sub_index(e, h->bits)];
    }
    if (e & LITERAL) {
      *h->out++ = (uint8_t)(e >> 12);
      hot_drop(h, e & LIT_DROP);
      return DONE;
    }
    if (e & OTHER) {
      if (!(e & END)) return BAD_SYMBOL;
      hot_drop(h, drop_of(e));
      d->mode = MODE_HEADER;
      return DONE;
    }
  }
  size_t length = value(e, h->bits);
  hot_drop(h, drop_of(e));
  e = d->dist[h->bits & DIST_MASK];
  if (__builtin_expect(e & OTHER, 0)) {
    if (e & SUB) {
      h->bits >>= GX_DIST_BITS;
      h->nbits -= GX_DIST_BITS;
      e = d->dist[sub_index(e, h->bits)];
    }
    if (e & OTHER) return BAD_SYMBOL;
  }
  size_t distance = value(e, h->bits);
  hot_drop(h, drop_of(e));
  if (distance > (size_t)(h->out - l->dst) - l->base) return BAD_DISTANCE;
  copy_match(h->out, distance, length);
  h->out += length;
  return DONE;
}

/* gx_fast for N streams. One turn refills every bit buffer without a branch (the bits above
   nbits are true coming bits, so that setting them twice is harmless) and takes up to TURN entries of
   literals from every stream; where any stream has another symbol, each takes one symbol of its kind. */
INLINE void fast(lane *l, const int N) {
  hot h[3];
  const uint8_t *in_end[3];
  uint8_t *out_end[3];
  const uint32_t *lit[3];
#pragma GCC unroll 3
  for (int i = 0; i < N; i++) {
    gx_inflate *d = l[i].d;
    h[i] = (hot){d->b.bits, l[i].src + d->b.in, l[i].dst + d->out, d->b.nbits};
    in_end[i] = l[i].src + (l[i].src_len - FAST_IN);
    out_end[i] = l[i].dst + (l[i].dst_len - FAST_OUT);
    lit[i] = d->lit;
  }
  for (int going = 1; going;) {
    uint32_t e[3], all = LITERAL;
#pragma GCC unroll 3
    for (int i = 0; i < N; i++) {
      if (h[i].in > in_end[i] || h[i].out > out_end[i]) goto leave;
      hot_refill(&h[i]);
    }
#pragma GCC unroll 5
    for (int k = 0; k < TURN; k++) {
#pragma GCC unroll 3
      for (int i = 0; i < N; i++) {
        e[i] = lit[i][h[i].bits & LIT_MASK];
        all &= e[i];
      }
      if (!all) break;
#pragma GCC unroll 3
      for (int i = 0; i < N; i++) hot_put(&h[i], e[i]);
    }
    if (all) continue;
#pragma GCC unroll 3
    for (int i = 0; i < N; i++) {
      if (e[i] & LITERAL) {
        hot_put(&h[i], e[i]);
        continue;
      }
      int s = hot_symbol(&h[i], e[i], l[i].d, &l[i]);
      if (s != DONE) l[i].d->status = (uint8_t)s;
      if (s != DONE || l[i].d->mode != MODE_CODES) going = 0;
    }
  }
leave:
#pragma GCC unroll 3
  for (int i = 0; i < N; i++) {
    gx_inflate *d = l[i].d;
    d->b.bits = h[i].bits;
    d->b.nbits = h[i].nbits;
    d->b.in = (uint64_t)(h[i].in - l[i].src);
    d->out = (uint64_t)(h[i].out - l[i].dst);
  }
}

/* With BMI2 a shift by a register is one operation instead of three. */
#define VARIANTS(N)                                                                             \
  static __attribute__((noinline)) void fast##N(lane *l) { fast(l, N); }                         \
  static __attribute__((noinline, target("bmi,bmi2"))) void fast##N##_bmi2(lane *l) { fast(l, N); }
VARIANTS(1)
VARIANTS(2)
VARIANTS(3)

void gx_fast(lane *l, int n) {
  int bmi2 = __builtin_cpu_supports("bmi2");
  switch (n) {
  case 1: bmi2 ? fast1_bmi2(l) : fast1(l); return;
  case 2: bmi2 ? fast2_bmi2(l) : fast2(l); return;
  case 3: bmi2 ? fast3_bmi2(l) : fast3(l); return;
  }
}
