#include "tile.h"

/** C = init + A·B, as gemm of the WebAssembly kernels: src/kernels/assembly/gemm.ts. */
double FAMILY(gemm)(const double *q0) {
  enum { C = 1, LDC, A, AM, AP, B, LDB, INIT, LDI, M_, N_, P_ };
  const int M = q0[M_], N = q0[N_];
  float *to = floatsOf(q0, C);
  const size_t ldc = q0[LDC];
  const product all = {floatsOf(q0, A), q0[AM], q0[AP], floatsOf(q0, B), q0[LDB], floatsOf(q0, INIT), q0[LDI], q0[P_]};
#define each(R, V, last, m, n)                                                        \
  {                                                                                   \
    product q = all;                                                                  \
    q.a += m * q.am, q.b += n, q.init += m * q.ldi + n;                               \
    vec s[TILE_ROWS][2];                                                              \
    tile(s, R, V, last, q);                                                           \
    float *c0 = to + m * ldc + n;                                             \
    UNROLL for (int i = 0; i < R; i++) {                                              \
      UNROLL for (int v = 0; v < V; v++)                                              \
        store(c0 + i * ldc + v * WIDTH, s[i][v], v == V - 1 ? last : ALL);    \
    }                                                                                 \
  }
  FOR_TILES(M, N)
#undef each
  return 0;
}
