#include "tile.h"

// h ≤ 0, which NaN is not: such a unit is off. The mask of a vector, its relu, and z of four lanes, one group of four columns
// after the other, as the WebAssembly kernel adds them.
#if WIDTH == 16
INLINE four madd4(four a, four b, four c) { return (four)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)c); }
INLINE vec isOn(vec h) { return _mm512_maskz_mov_ps(~_mm512_cmp_ps_mask(h, splat(0), _CMP_LE_OQ), splat(1)); }
INLINE vec relu(vec h) { return _mm512_maskz_mov_ps(~_mm512_cmp_ps_mask(h, splat(0), _CMP_LE_OQ), h); }
#elif WIDTH == 8
INLINE four madd4(four a, four b, four c) { return (four)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)c); }
INLINE vec isOn(vec h) { return _mm256_andnot_ps(_mm256_cmp_ps(h, splat(0), _CMP_LE_OQ), splat(1)); }
INLINE vec relu(vec h) { return _mm256_andnot_ps(_mm256_cmp_ps(h, splat(0), _CMP_LE_OQ), h); }
#else
INLINE four madd4(four a, four b, four c) { return (four)vfmaq_f32((vec)c, (vec)a, (vec)b); }
INLINE vec keep(vec h, vec x) { return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(x), vcleq_f32(h, splat(0)))); }
INLINE vec isOn(vec h) { return keep(h, splat(1)); }
INLINE vec relu(vec h) { return keep(h, h); }
#endif

/** h = bias + X·W, mask = [h > 0], z = relu(h)·wOut in four lanes: src/kernels/assembly/hidden.ts. */
double FAMILY(hidden)(const double *q0) {
  enum { MASK = 1, LDM, Z, X, LDX, W, LDW, BIAS, OUT, M_, N_, P_ };
  const int M = q0[M_], N = q0[N_];
  float *to = floatsOf(q0, MASK);
  const size_t ldm = q0[LDM];
  four *sums = (four *)floatsOf(q0, Z);
  const float *out = floatsOf(q0, OUT);
  const product all = {floatsOf(q0, X), q0[LDX], 1, floatsOf(q0, W), q0[LDW], floatsOf(q0, BIAS), 0, q0[P_]};
  for (int m = 0; m < M; m++) sums[m] = (four){0, 0, 0, 0};
#define each(R, V, last, m, n)                                                                     \
  {                                                                                                \
    product q = all;                                                                               \
    q.a += m * q.am, q.b += n, q.init += n;                                                        \
    vec s[TILE_ROWS][2];                                                                           \
    tile(s, R, V, last, q);                                                                        \
    float *to0 = to + m * ldm + n;                                                         \
    vec o[2];                                                                                      \
    UNROLL for (int v = 0; v < V; v++) o[v] = load(out + n + v * WIDTH, v == V - 1 ? last : ALL);  \
    UNROLL for (int i = 0; i < R; i++) {                                                           \
      four sum = sums[m + i];                                                                      \
      UNROLL for (int v = 0; v < V; v++) {                                                         \
        store(to0 + i * ldm + v * WIDTH, isOn(s[i][v]), v == V - 1 ? last : ALL);          \
        const vec h = relu(s[i][v]);                                                               \
        const int isWhole = v < V - 1 || columns >= V * WIDTH; /* or eight columns are left */     \
        if (isWhole) {                                                                             \
          UNROLL for (int k = 0; k < WIDTH / 4; k++) sum = madd4(part(h, k), part(o[v], k), sum);  \
        } else                                                                                     \
          for (int k = 0; k < 2; k++) sum = madd4(part(h, k), part(o[v], k), sum);                 \
      }                                                                                            \
      sums[m + i] = sum;                                                                           \
    }                                                                                              \
  }
  FOR_TILES(M, N)
#undef each
  return 0;
}
