#include "vector.h"

/** Where a tile's sums begin, and what they are made of. Strides in floats. */
typedef struct {
  const float *a; // [rows, P]: rows am apart, inner steps ap
  size_t am, ap;
  const float *b; // [P, columns], row stride ldb
  size_t ldb;
  const float *init; // rows ldi apart, 0: one row for all
  size_t ldi;
  int P;
} product;

/** s = init + A·B of `rows` rows and `vectors` vectors of columns; each sum is one chain of fused multiply-adds over P. */
INLINE void tile(vec s[TILE_ROWS][2], const int rows, const int vectors, lanes last, product q) {
  UNROLL for (int m = 0; m < rows; m++) {
    UNROLL for (int v = 0; v < vectors; v++)
      s[m][v] = load(q.init + m * q.ldi + v * WIDTH, v == vectors - 1 ? last : ALL);
  }
  const float *a = q.a, *b = q.b;
  for (int p = 0; p < q.P; p++) {
    vec row[2];
    UNROLL for (int v = 0; v < vectors; v++) row[v] = load(b + v * WIDTH, v == vectors - 1 ? last : ALL);
    UNROLL for (int m = 0; m < rows; m++) {
      vec x = splat(a[m * q.am]);
      UNROLL for (int v = 0; v < vectors; v++) s[m][v] = madd(x, row[v], s[m][v]);
    }
    a += q.ap;
    b += q.ldb;
  }
}

/** Calls `each(rows, vectors, last, m, n)`, with constant rows and vectors, for tiles that cover M even rows and N columns. */
#define TILE_CASE(R, V) case R: each(R, V, last, m, n); break;
#if TILE_ROWS == 12
#define TILE_CASES(V) TILE_CASE(2, V) TILE_CASE(4, V) TILE_CASE(6, V) TILE_CASE(8, V) TILE_CASE(10, V) TILE_CASE(12, V)
#elif TILE_ROWS == 8
#define TILE_CASES(V) TILE_CASE(2, V) TILE_CASE(4, V) TILE_CASE(6, V) TILE_CASE(8, V)
#else
#define TILE_CASES(V) TILE_CASE(2, V) TILE_CASE(4, V) TILE_CASE(6, V)
#endif
#define FOR_TILES(M, N)                                                                            \
  for (int n = 0; n < (N); n += 2 * WIDTH) {                                                       \
    const int columns = (N) - n;                                                                   \
    const int vectors = columns > WIDTH ? 2 : 1;                                                   \
    const lanes last = columns >= vectors * WIDTH ? ALL : FIRST(columns - (vectors - 1) * WIDTH);  \
    for (int m = 0; m < (M);) {                                                                    \
      const int rows = (M) - m < TILE_ROWS ? (M) - m : TILE_ROWS;                                  \
      if (vectors == 2) switch (rows) { TILE_CASES(2) }                                            \
      else switch (rows) { TILE_CASES(1) }                                                         \
      m += rows;                                                                                   \
    }                                                                                              \
  }
