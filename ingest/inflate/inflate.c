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
#include "lane.h"

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
    gx_fast(l, n);
  }
}
