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

/**
 * s = init + A·B of `rows` rows and `vectors` vectors of columns; each sum is one chain of fused multiply-adds over P. Vectors
 * from `fused` on are sums where B, which is of ones and zeros, is 1: the same bits.
 */
INLINE void tile(vec s[][TILE_VECTORS], const int rows, const int vectors, const int fused, lanes last, product q) {
  const float *init = q.init;
  UNROLL for (int m = 0; m < rows; m++, init += q.ldi) {
    UNROLL for (int v = 0; v < vectors; v++) s[m][v] = load(init + v * WIDTH, v == vectors - 1 ? last : ALL);
  }
  // Two addresses for the rows of A: one for each row would take more registers than there are.
  const float *a = q.a, *half = q.a + rows / 2 * q.am, *b = q.b;
  for (int p = 0; p < q.P; p++) {
    vec row[TILE_VECTORS];
    ones which[TILE_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) {
      row[v] = load(b + v * WIDTH, v == vectors - 1 ? last : ALL);
      if (v >= fused) which[v] = onesOf(row[v]);
    }
    UNROLL for (int m = 0; m < rows; m++) {
      vec x = splat(m < rows / 2 ? a[m * q.am] : half[(m - rows / 2) * q.am]);
      UNROLL for (int v = 0; v < vectors; v++)
        s[m][v] = v < fused ? madd(x, row[v], s[m][v]) : addWhere(which[v], x, s[m][v]);
    }
    a += q.ap;
    half += q.ap;
    b += q.ldb;
  }
}

/**
 * Defines `NAME(all, M, N)`, which covers M even rows and N columns with tiles, by `BODY(rows, vectors, last, all, m, end, n)` for
 * those at column n of rows m to end, with constant rows and vectors. Each is compiled as a function of its own, so that a tile's
 * loop has all registers to itself. `all`: a `job`, what the kernel works on.
 */
#define DEFINE_TILES(NAME, BODY)                                                                          \
  EACH_TILE(TILES_OF, NAME, BODY)                                                                         \
  static void NAME##Of(int rows, int vectors, const job *all, lanes last, int m, int end, int n) {        \
    switch (rows + 16 * vectors) { EACH_TILE(CASE_OF, NAME, BODY) }                                       \
  }                                                                                                       \
  static void NAME(const job *all, int M, int N) {                                                        \
    const int whole = M - M % TILE_ROWS;                                                                  \
    for (int n = 0; n < N; n += TILE_VECTORS * WIDTH) {                                                   \
      const int columns = N - n;                                                                          \
      const int vectors = columns < TILE_VECTORS * WIDTH ? (columns + WIDTH - 1) / WIDTH : WHOLE;         \
      const lanes last = vectors == WHOLE ? ALL : FIRST(columns - (vectors - 1) * WIDTH);                 \
      if (whole > 0) NAME##Of(TILE_ROWS, vectors, all, last, 0, whole, n);                                \
      if (whole < M) NAME##Of(M - whole, vectors, all, last, whole, M, n);                                \
    }                                                                                                     \
  }
#define TILES_OF(R, V, NAME, BODY)                                                                        \
  static __attribute__((noinline)) void NAME##_##R##_##V(const job *all, lanes last, int m, int end, int n) { \
    BODY(R, V == WHOLE ? TILE_VECTORS : V, V == WHOLE ? ALL : last, all, m, end, n);                      \
  }
#define CASE_OF(R, V, NAME, BODY)                                                                         \
  case R + 16 * V: NAME##_##R##_##V(all, last, m, end, n); break;
#define WHOLE 0 // as many vectors as a tile has, with all of their lanes
#if TILE_ROWS == 8
#define ROWS_OF(X, V, ...) X(2, V, __VA_ARGS__) X(4, V, __VA_ARGS__) X(6, V, __VA_ARGS__) X(8, V, __VA_ARGS__)
#else
#define ROWS_OF(X, V, ...) X(2, V, __VA_ARGS__) X(4, V, __VA_ARGS__) X(6, V, __VA_ARGS__)
#endif
// Columns are a multiple of eight: with narrower vectors there are fewer cases.
#if WIDTH == 16
#define EACH_TILE(X, ...)                                                                                 \
  ROWS_OF(X, 0, __VA_ARGS__) ROWS_OF(X, 1, __VA_ARGS__) ROWS_OF(X, 2, __VA_ARGS__)                    \
  ROWS_OF(X, 3, __VA_ARGS__) ROWS_OF(X, 4, __VA_ARGS__)
#elif WIDTH == 8
#define EACH_TILE(X, ...) ROWS_OF(X, 0, __VA_ARGS__) ROWS_OF(X, 1, __VA_ARGS__)
#else
#define EACH_TILE(X, ...) ROWS_OF(X, 0, __VA_ARGS__)
#endif
