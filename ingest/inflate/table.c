//go:build cgo && amd64 && !purego

/* Code tables: table.go in C. A table has one entry for each value of its main bits, then sub tables for
   longer code words; a complete code of words up to GX_MAX_LEN bits never needs more sub-table entries
   than GX_LIT_TABLE and GX_DIST_TABLE have room for (table.go has the bound). */
#include "inflate.h"
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define MAIN_SIZE (1u << GX_LIT_BITS)

/* The symbols' parts of the entries. Literals are written out by powers of two. */
#define B1(s) LITERAL | ONE | (uint32_t)(s) << 12
#define B4(s) B1(s), B1(s + 1), B1(s + 2), B1(s + 3)
#define B16(s) B4(s), B4(s + 4), B4(s + 8), B4(s + 12)
#define B64(s) B16(s), B16(s + 16), B16(s + 32), B16(s + 48)
#define N(base, extra) (uint32_t)(base) << BASE_SHIFT | (uint32_t)(extra) << DROP_SHIFT

/* RFC 1951 section 3.2.5. */
const uint32_t gx_lit_symbols[GX_MAX_LIT] = {
  B64(0), B64(64), B64(128), B64(192), OTHER | END,
  N(3, 0), N(4, 0), N(5, 0), N(6, 0), N(7, 0), N(8, 0), N(9, 0), N(10, 0),
  N(11, 1), N(13, 1), N(15, 1), N(17, 1), N(19, 2), N(23, 2), N(27, 2), N(31, 2),
  N(35, 3), N(43, 3), N(51, 3), N(59, 3), N(67, 4), N(83, 4), N(99, 4), N(115, 4),
  N(131, 5), N(163, 5), N(195, 5), N(227, 5), N(258, 0), INVALID, INVALID,
};
const uint32_t gx_dist_symbols[GX_MAX_DIST] = {
  N(1, 0), N(2, 0), N(3, 0), N(4, 0), N(5, 1), N(7, 1), N(9, 2), N(13, 2),
  N(17, 3), N(25, 3), N(33, 4), N(49, 4), N(65, 5), N(97, 5), N(129, 6), N(193, 6),
  N(257, 7), N(385, 7), N(513, 8), N(769, 8), N(1025, 9), N(1537, 9), N(2049, 10), N(3073, 10),
  N(4097, 11), N(6145, 11), N(8193, 12), N(12289, 12), N(16385, 13), N(24577, 13), INVALID, INVALID,
};
/* The code-length code: the symbol's number stands where a literal would. */
const uint32_t gx_len_symbols[19] = {B16(0), B1(16), B1(17), B1(18)};


INLINE uint32_t make_entry(uint32_t symbol, int n) { return symbol + (uint32_t)n * (symbol & LITERAL ? 1u | 1u << 6 : 1u << 6 | 1u << DROP_SHIFT); }

/* Adds one to a code word of n bits whose first bit is lowest; 0 after the last. */
INLINE uint32_t next_code(uint32_t code, int n) {
  uint32_t zeros = ~code & ((1u << n) - 1);
  if (!zeros) return 0;
  uint32_t top = 1u << (31 - __builtin_clz(zeros));
  return (code & (top - 1)) | top;
}

/* Index bits of the sub table whose first code word has n bits, b of them beyond the main table. */
static int sub_bits(const int *count, int n, int left, int b) {
  int room = (1 << b) - left;
  while (room > 0 && n < GX_MAX_LEN) {
    n++;
    b++;
    room = (room << 1) - count[n];
  }
  return b;
}

INLINE void fill_sub(uint32_t *table, int main_bits, uint32_t code, const int *count, const uint16_t *sorted, int m, const uint32_t *symbols) {
  int n = main_bits + 1;
  while (!count[n]) n++;
  int left = count[n];
  uint32_t free = 1u << main_bits, prefix = ~0u, size = 0, *sub = table;
  for (int i = 0; i < m; i++) {
    uint32_t p = code & ((1u << main_bits) - 1);
    if (p != prefix) {
      prefix = p;
      uint32_t b = (uint32_t)sub_bits(count, n, left, n - main_bits);
      size = 1u << b;
      sub = table + free;
      table[p] = OTHER | SUB | free << 12 | b << 6;
      free += size;
    }
    uint32_t e = make_entry(symbols[sorted[i]], n - main_bits);
    for (uint32_t j = code >> main_bits; j < size; j += 1u << (n - main_bits)) sub[j] = e;
    code = next_code(code, n);
    for (left--; left == 0 && n < GX_MAX_LEN; left = count[n]) n++;
  }
}

int gx_build(gx_code *c, uint32_t *table, int main_bits, const uint8_t *lens, int n_lens, const uint32_t *symbols) {
  int next[GX_MAX_LEN + 2] = {0}, left = 1;
  int even[GX_MAX_LEN + 1] = {0}; /* two counters a length: neighbours are often equal and would wait */
  memset(c->count, 0, sizeof c->count);
  for (int i = 0; i + 1 < n_lens; i += 2) {
    even[lens[i] & GX_MAX_LEN]++;
    c->count[lens[i + 1] & GX_MAX_LEN]++;
  }
  if (n_lens & 1) even[lens[n_lens - 1] & GX_MAX_LEN]++;
  for (int n = 0; n <= GX_MAX_LEN; n++) c->count[n] += even[n];
  c->used = n_lens - c->count[0];
  c->count[0] = 0;
  for (int n = 1; n <= GX_MAX_LEN; n++) {
    left = (left << 1) - c->count[n];
    if (left < 0) return 0;
    next[n + 1] = next[n] + c->count[n];
  }
  if (left > 0) {
    if (c->used > 1 || c->used != c->count[1]) return 0;
    for (int i = 0; i < 1 << main_bits; i++) table[i] = INVALID;
  }
  uint16_t trash;
  for (int i = 0; i < n_lens; i++) {
    int n = lens[i] & GX_MAX_LEN;
    *(n ? &c->sorted[next[n]] : &trash) = (uint16_t)i;
    next[n]++;
  }
  uint32_t word = 0;
  int size = 1, n = 0, i = 0;
  while (n < main_bits && i < c->used) {
    n++;
    memcpy(table + size, table, (size_t)size * sizeof *table);
    size *= 2;
    for (int end = i + c->count[n]; i < end; i++) {
      c->word[i] = (uint16_t)word;
      table[word] = make_entry(symbols[c->sorted[i]], n);
      word = next_code(word, n);
    }
  }
  if (i < c->used) {
    fill_sub(table, main_bits, word, c->count, c->sorted + i, c->used - i, symbols);
    return 1;
  }
  for (; c->used && size < 1 << main_bits; size *= 2) memcpy(table + size, table, (size_t)size * sizeof *table);
  return 1;
}

void gx_pair_literals(const gx_code *c, uint32_t *table) {
  uint32_t entry[GX_MAX_LIT], word[GX_MAX_LIT]; /* literals in canonical order, as second of a pair */
  int upto[GX_LIT_BITS], m = 0;                 /* how many of them have code words of at most so many bits */
  upto[0] = 0;
  for (int n = 1, i = 0; n < GX_LIT_BITS; n++) {
    for (int end = i + c->count[n]; i < end; i++) {
      entry[m] = (uint32_t)c->sorted[i] << 20 | (uint32_t)n;
      word[m] = c->word[i];
      m += c->sorted[i] < 256;
    }
    upto[n] = m;
  }
  for (int n = 1, i = 0; n < GX_LIT_BITS; n++) {
    for (; i < upto[n]; i++) {
      uint32_t first = LITERAL | ONE << 1 | entry[i] >> 20 << 12 | (uint32_t)n << 6 | (uint32_t)n;
      for (int j = 0; j < upto[GX_LIT_BITS - n]; j++) {
        uint32_t e = first + entry[j];
        for (uint32_t x = word[i] | word[j] << n; x < MAIN_SIZE; x += 1u << (e & LIT_DROP)) table[x] = e;
      }
    }
  }
}

