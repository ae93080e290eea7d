//go:build cgo && amd64 && !purego

/* The deflate decoder of decode.go in C; see inflate.c. */
#ifndef GALAXALIGN_INFLATE_H
#define GALAXALIGN_INFLATE_H

#include <stddef.h>
#include <stdint.h>

enum { GX_LIT_BITS = 11, GX_DIST_BITS = 8, GX_LEN_BITS = 7, GX_MAX_LEN = 15, GX_MAX_LIT = 288, GX_MAX_DIST = 32 };
enum {
  GX_LIT_TABLE = (1 << GX_LIT_BITS) + GX_MAX_LIT / 5 * 16,
  GX_DIST_TABLE = (1 << GX_DIST_BITS) + GX_MAX_DIST / 8 * 128,
};

/* The input side of a stream: bits not yet used, the next one lowest, of which nbits <= 63 are counted;
   those above are true coming bits or zeros. */
typedef struct {
  uint64_t bits;
  uint64_t in; /* next byte of input to count */
  uint64_t nbits;
} gx_bits;

/* One deflate stream in progress: the fields of the Go decoder, without pointers, so that it can live in
   Go memory. */
typedef struct {
  gx_bits b;
  uint64_t out; /* next byte of output to write */
  uint32_t stored;
  uint8_t mode, final, fixed, status;
  uint8_t lens[GX_MAX_LIT + GX_MAX_DIST];
  uint32_t lit[GX_LIT_TABLE];
  uint32_t dist[GX_DIST_TABLE];
} gx_inflate;

/* Parts of a table entry; table.go has the whole layout. */
#define LITERAL 0x80000000u
#define OTHER 0x40000000u
#define SUB 0x02000000u
#define END 0x01000000u
#define INVALID OTHER
#define ONE 0x10000000u
#define LIT_DROP 63u
#define DROP_SHIFT 10
#define BASE_SHIFT 15

/* A code in canonical order: symbols by length of code word, shortest first. */
typedef struct {
  int count[GX_MAX_LEN + 1]; /* code words of each length */
  int used;                  /* code words in all */
  uint16_t sorted[GX_MAX_LIT], word[GX_MAX_LIT]; /* symbols; their code words as far as the main table has them */
} gx_code;

extern const uint32_t gx_lit_symbols[GX_MAX_LIT], gx_dist_symbols[GX_MAX_DIST], gx_len_symbols[19];

/* Fills a table for the canonical code of the given lengths. Returns 0 when the code cannot be used:
   neither complete, nor empty, nor a single code word of one bit. */
int gx_build(gx_code *c, uint32_t *table, int main_bits, const uint8_t *lens, int n_lens, const uint32_t *symbols);

/* Merges two literals into one entry of the literal/length table wherever both code words fit the main
   table. */
void gx_pair_literals(const gx_code *c, uint32_t *table);

/* Runs up to three independent streams at once, each until it ends, its output is full or a fault is
   found; its status says which. A stream whose d is null is left out. */
void gx_inflate_run(gx_inflate *d0, uint8_t *dst0, size_t dst_len0, const uint8_t *src0, size_t src_len0, size_t base0,
                    gx_inflate *d1, uint8_t *dst1, size_t dst_len1, const uint8_t *src1, size_t src_len1, size_t base1,
                    gx_inflate *d2, uint8_t *dst2, size_t dst_len2, const uint8_t *src2, size_t src_len2, size_t base2);

#endif
