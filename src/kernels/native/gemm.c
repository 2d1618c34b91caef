#include "tile.h"

typedef struct {
  product of;
  float *c; // row stride ldc
  size_t ldc;
} job;

/** The tiles of rows m to end at column n; the first `fused` vectors as in `tile`. */
INLINE void multiply(const int rows, const int vectors, const int fused, lanes last, const job *all, int m, int end, int n) {
  product q = all->of;
  q.a += m * q.am, q.b += n, q.init += m * q.ldi + n;
  float *c = all->c + m * all->ldc + n;
  const size_t ldc = all->ldc;
  for (; m < end; m += rows) {
    vec s[TILE_ROWS][TILE_VECTORS];
    tile(s, rows, vectors, fused, last, q);
    q.a += rows * q.am, q.init += rows * q.ldi;
    UNROLL for (int i = 0; i < rows; i++, c += ldc) {
      UNROLL for (int v = 0; v < vectors; v++) store(c + v * WIDTH, s[i][v], v == vectors - 1 ? last : ALL);
    }
  }
}
#define ALL_FUSED(R, V, ...) multiply(R, V, V, __VA_ARGS__)
#define HALF_FUSED(R, V, ...) multiply(R, V, ((V) + 1) / 2, __VA_ARGS__)
DEFINE_TILES(fusedTiles, ALL_FUSED)
DEFINE_TILES(onesTiles, HALF_FUSED)

enum { C = 1, LDC, A, AM, AP, B, LDB, INIT, LDI, M, N, P };
INLINE job jobOf(const double *q) {
  const product of = {floatsOf(q, A), q[AM], q[AP], floatsOf(q, B), q[LDB], floatsOf(q, INIT), q[LDI], q[P]};
  return (job){of, floatsOf(q, C), q[LDC]};
}

/** C = init + A·B, as gemm of the WebAssembly kernels: src/kernels/assembly/gemm.ts. */
double FAMILY(gemm)(const double *q) {
  const job all = jobOf(q);
  fusedTiles(&all, q[M], q[N]);
  return 0;
}

/**
 * The same, of a B of ones and zeros. AMD's processors have units that add beside those that multiply and add; Intel's do both in
 * the same ones, and would only lose by it.
 */
double FAMILY(gemmOnes)(const double *q) {
  const job all = jobOf(q);
  if (ADDS_APART) onesTiles(&all, q[M], q[N]);
  else fusedTiles(&all, q[M], q[N]);
  return 0;
}
