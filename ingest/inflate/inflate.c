//go:build cgo && amd64 && !purego

/*
 * The deflate decoder (RFC 1951) of decode.go, codes.go and table.go in C: same tables, same entries,
 * same order of checks, so that both stop with the same status after the same output. It adds one thing:
 * up to three independent streams are decoded in turns by the same loop. One stream is a chain of
 * dependent look-ups (table entry, shift, next index) that leaves most of the processor idle; an alert
 * packet has three stamps, whose chains overlap.
 *
 * Memory: the fast loop starts a turn only while FAST_IN bytes of input and FAST_OUT bytes of output
 * room are left for every stream in it, which is the most a turn can touch; everything else checks each
 * byte. Table indexes are masked to the main table; a sub table lies inside its array for every code that
 * gx_build accepts.
 */
#include "inflate.h"
#include <string.h>

enum { MODE_HEADER, MODE_STORED, MODE_CODES };
enum { DONE, FULL, TRUNCATED, BAD_BLOCK, BAD_STORED, BAD_CODE, BAD_REPEAT, BAD_SYMBOL, BAD_DISTANCE, RUNNING };

#define LIT_MASK ((1u << GX_LIT_BITS) - 1)
#define DIST_MASK ((1u << GX_DIST_BITS) - 1)

enum { TURN = 5, FAST_IN = 16, FAST_OUT = TURN * 2 + 258 + 16 };

#define INLINE static inline __attribute__((always_inline))

typedef struct {
  gx_inflate *d;
  uint8_t *dst;
  const uint8_t *src;
  size_t dst_len, src_len, base;
} lane;

INLINE uint64_t load64(const uint8_t *p) { uint64_t v; memcpy(&v, p, 8); return v; }
INLINE void copy8(uint8_t *to, const uint8_t *from) { uint64_t v; memcpy(&v, from, 8); memcpy(to, &v, 8); }

/* ---- bits ---------------------------------------------------------------------------------------- */

INLINE void refill(gx_bits *b, const lane *l) {
  if (l->src_len >= 8 && b->in <= l->src_len - 8) {
    b->bits |= load64(l->src + b->in) << b->nbits;
    b->in += (63 - b->nbits) >> 3;
    b->nbits |= 56;
    return;
  }
  for (; b->nbits < 56 && b->in < l->src_len; b->nbits += 8) b->bits |= (uint64_t)l->src[b->in++] << b->nbits;
}

INLINE uint32_t take(gx_bits *b, uint32_t n) {
  uint32_t v = (uint32_t)b->bits & ((1u << n) - 1);
  b->bits >>= n;
  b->nbits -= n;
  return v;
}

INLINE void align_bytes(gx_inflate *d) {
  d->b.in -= d->b.nbits >> 3;
  d->b.bits = 0;
  d->b.nbits = 0;
}

/* Index of the entry that the sub-table entry e leads to, and a length or distance with its extra bits. */
INLINE uint32_t sub_index(uint32_t e, uint64_t bits) { return (e >> 12 & 0xfff) + ((uint32_t)bits & ((1u << (e >> 6 & 15)) - 1)); }
INLINE uint32_t drop_of(uint32_t e) { return e >> DROP_SHIFT & 31; }
INLINE uint32_t value(uint32_t e, uint64_t bits) {
  return (e >> BASE_SHIFT) + (uint32_t)((bits & ((1ull << drop_of(e)) - 1)) >> (e >> 6 & 15));
}

/* ---- block headers ------------------------------------------------------------------------------- */

static int stored_header(gx_inflate *d, const lane *l) {
  align_bytes(d);
  if (l->src_len - d->b.in < 4) return TRUNCATED;
  const uint8_t *p = l->src + d->b.in;
  uint32_t n = p[0] | (uint32_t)p[1] << 8;
  if ((n ^ 0xffff) != (p[2] | (uint32_t)p[3] << 8)) return BAD_STORED;
  d->b.in += 4;
  d->stored = n;
  d->mode = MODE_STORED;
  return DONE;
}

static int copy_stored(gx_inflate *d, const lane *l) {
  size_t n = d->stored;
  if (n > l->src_len - d->b.in) n = l->src_len - d->b.in;
  if (n > l->dst_len - d->out) n = l->dst_len - d->out;
  if (n) memcpy(l->dst + d->out, l->src + d->b.in, n);
  d->b.in += n;
  d->out += n;
  d->stored -= (uint32_t)n;
  if (d->stored == 0) {
    d->mode = MODE_HEADER;
    return DONE;
  }
  return d->b.in == l->src_len ? TRUNCATED : FULL;
}

static void fixed_tables(gx_inflate *d) {
  if (d->fixed) return;
  memset(d->lens, 8, 144);
  memset(d->lens + 144, 9, 112);
  memset(d->lens + 256, 7, 24);
  memset(d->lens + 280, 8, 8);
  memset(d->lens + 288, 5, 32);
  gx_code c;
  gx_build(&c, d->lit, GX_LIT_BITS, d->lens, GX_MAX_LIT, gx_lit_symbols);
  gx_build(&c, d->dist, GX_DIST_BITS, d->lens + GX_MAX_LIT, GX_MAX_DIST, gx_dist_symbols);
  d->fixed = 1;
}

/* Reads total code-word lengths; the code-length code lies in d->dist. The stream's state is copied, so
   that writing a length does not make the compiler read it again. */
static int code_lengths(gx_inflate *d, const lane *l, uint32_t total) {
  gx_bits b = d->b;
  int s = DONE;
  for (uint32_t i = 0; i < total && s == DONE;) {
    if (b.nbits < GX_LEN_BITS + 7) refill(&b, l);
    uint32_t e = d->dist[b.bits & ((1u << GX_LEN_BITS) - 1)], sym = e >> 12 & 0xff, n = e & LIT_DROP;
    uint32_t extra = sym < 16 ? 0 : sym == 16 ? 2 : sym == 17 ? 3 : 7;
    if (e & OTHER) s = BAD_SYMBOL;
    else if (n + extra > b.nbits) s = TRUNCATED;
    if (s != DONE) break;
    take(&b, n);
    if (sym < 16) {
      d->lens[i++] = (uint8_t)sym;
      continue;
    }
    uint32_t run = (sym == 18 ? 11 : 3) + take(&b, extra);
    if ((sym == 16 && i == 0) || run > total - i) {
      s = BAD_REPEAT;
      break;
    }
    memset(d->lens + i, sym == 16 ? d->lens[i - 1] : 0, run);
    i += run;
  }
  d->b = b;
  return s;
}

static int dynamic_header(gx_inflate *d, const lane *l) {
  static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  refill(&d->b, l);
  if (d->b.nbits < 14) return TRUNCATED;
  uint32_t nlit = take(&d->b, 5) + 257, ndist = take(&d->b, 5) + 1, nlen = take(&d->b, 4) + 4;
  if (nlit > 286 || ndist > 30) return BAD_CODE;
  uint8_t lens[19] = {0};
  for (uint32_t i = 0; i < nlen; i++) {
    if (d->b.nbits < 3) refill(&d->b, l);
    if (d->b.nbits < 3) return TRUNCATED;
    lens[order[i]] = (uint8_t)take(&d->b, 3);
  }
  d->fixed = 0;
  gx_code c;
  if (!gx_build(&c, d->dist, GX_LEN_BITS, lens, 19, gx_len_symbols)) return BAD_CODE;
  int s = code_lengths(d, l, nlit + ndist);
  if (s != DONE) return s;
  if (!gx_build(&c, d->dist, GX_DIST_BITS, d->lens + nlit, (int)ndist, gx_dist_symbols)) return BAD_CODE;
  if (!gx_build(&c, d->lit, GX_LIT_BITS, d->lens, (int)nlit, gx_lit_symbols)) return BAD_CODE;
  gx_pair_literals(&c, d->lit);
  d->mode = MODE_CODES;
  return DONE;
}

static int header(gx_inflate *d, const lane *l) {
  refill(&d->b, l);
  if (d->b.nbits < 3) return TRUNCATED;
  d->final = (uint8_t)take(&d->b, 1);
  switch (take(&d->b, 2)) {
  case 0: return stored_header(d, l);
  case 1:
    fixed_tables(d);
    d->mode = MODE_CODES;
    return DONE;
  case 2: return dynamic_header(d, l);
  }
  return BAD_BLOCK;
}

/* ---- symbols one at a time, every bound checked ---------------------------------------------------- */

static int careful_match(gx_inflate *d, const lane *l, uint32_t length, uint32_t n) {
  uint64_t bits = d->b.bits >> n;
  uint32_t e = d->dist[bits & DIST_MASK];
  if ((e & (OTHER | SUB)) == (OTHER | SUB)) {
    bits >>= GX_DIST_BITS;
    n += GX_DIST_BITS;
    e = d->dist[sub_index(e, bits)];
  }
  n += drop_of(e);
  if (n > d->b.nbits) return TRUNCATED;
  if (e & OTHER) return BAD_SYMBOL;
  size_t distance = value(e, bits);
  if (distance > d->out - l->base) return BAD_DISTANCE;
  if (length > l->dst_len - d->out) return FULL;
  uint8_t *p = l->dst + d->out, *end = p + length;
  if (distance == 1) memset(p, p[-1], length);
  else for (; p < end; p++) *p = p[-(ptrdiff_t)distance];
  d->out += length;
  d->b.bits >>= n;
  d->b.nbits -= n;
  return DONE;
}

static int careful(gx_inflate *d, const lane *l) {
  for (;;) {
    refill(&d->b, l);
    uint64_t bits = d->b.bits;
    uint32_t e = d->lit[bits & LIT_MASK], drop = 0;
    uint32_t n = e & LITERAL ? e >> 6 & 15 : drop_of(e);
    if (!(e & LITERAL) && (e & (OTHER | SUB)) == (OTHER | SUB)) {
      drop = GX_LIT_BITS;
      bits >>= GX_LIT_BITS;
      e = d->lit[sub_index(e, bits)];
      n = drop + (e & LITERAL ? e & LIT_DROP : drop_of(e));
    }
    if (n > d->b.nbits) return TRUNCATED;
    if (e & LITERAL) {
      if (d->out == l->dst_len) return FULL;
      l->dst[d->out++] = (uint8_t)(e >> 12);
      take(&d->b, n);
    } else if (e & OTHER) {
      if (!(e & END)) return BAD_SYMBOL;
      take(&d->b, n);
      d->mode = MODE_HEADER;
      return DONE;
    } else {
      int s = careful_match(d, l, value(e, bits), n);
      if (s != DONE) return s;
    }
  }
}

/* ---- the fast loop --------------------------------------------------------------------------------- */

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

INLINE int roomy(const lane *l) { return l->src_len >= FAST_IN && l->dst_len >= FAST_OUT && l->d->b.in <= l->src_len - FAST_IN && l->d->out <= l->dst_len - FAST_OUT; }

/* Decodes N streams, all inside a block of codes and roomy, until one of them is neither any more or has a
   fault, which is then its status. One turn refills every bit buffer without a branch (the bits above
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

static void fast_any(lane *l, int n) {
  int bmi2 = __builtin_cpu_supports("bmi2");
  switch (n) {
  case 1: bmi2 ? fast1_bmi2(l) : fast1(l); return;
  case 2: bmi2 ? fast2_bmi2(l) : fast2(l); return;
  case 3: bmi2 ? fast3_bmi2(l) : fast3(l); return;
  }
}

/* ---- streams --------------------------------------------------------------------------------------- */

/* Brings a stream to where the fast loop can take it, or to its end. Returns whether it can. */
static int prepare(lane *l) {
  gx_inflate *d = l->d;
  while (d->status == RUNNING) {
    int s = DONE;
    if (d->mode == MODE_HEADER && d->final) {
      align_bytes(d);
      d->status = DONE;
      return 0;
    }
    switch (d->mode) {
    case MODE_HEADER: s = header(d, l); break;
    case MODE_STORED: s = copy_stored(d, l); break;
    default:
      if (roomy(l)) return 1;
      s = careful(d, l);
    }
    if (s != DONE) d->status = (uint8_t)s;
  }
  return 0;
}

void gx_inflate_run(gx_inflate *d0, uint8_t *dst0, size_t dst_len0, const uint8_t *src0, size_t src_len0, size_t base0,
                    gx_inflate *d1, uint8_t *dst1, size_t dst_len1, const uint8_t *src1, size_t src_len1, size_t base1,
                    gx_inflate *d2, uint8_t *dst2, size_t dst_len2, const uint8_t *src2, size_t src_len2, size_t base2) {
  lane l[3] = {
    {d0, dst0, src0, dst_len0, src_len0, base0},
    {d1, dst1, src1, dst_len1, src_len1, base1},
    {d2, dst2, src2, dst_len2, src_len2, base2},
  };
  int n = 0;
  for (int i = 0; i < 3; i++) {
    if (!l[i].d) continue;
    l[i].d->status = RUNNING;
    l[n++] = l[i];
  }
  for (;;) {
    int m = 0;
    for (int i = 0; i < n; i++)
      if (prepare(&l[i])) l[m++] = l[i];
    if (!m) return;
    n = m;
    fast_any(l, n);
  }
}
