#include "ahead.h"
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

typedef struct {
  product of;
  float *mask; // row stride ldm
  size_t ldm;
  four *z;
  const float *out;
  ahead *next;
  size_t fetched; // rows of the next block, with each tile
} job;

/** The tiles of rows m to end at column n. */
INLINE void layer(const int rows, const int vectors, lanes last, const job *all, int m, int end, int n) {
  product q = all->of;
  q.a += m * q.am, q.b += n, q.init += n;
  float *mask = all->mask + m * all->ldm + n;
  const size_t ldm = all->ldm;
  four *z = all->z + m;
  vec out[TILE_VECTORS];
  UNROLL for (int v = 0; v < vectors; v++) out[v] = load(all->out + n + v * WIDTH, v == vectors - 1 ? last : ALL);
  for (; m < end; m += rows) {
    fetchAhead(all->next, all->fetched);
    vec s[TILE_ROWS][TILE_VECTORS];
    tile(s, rows, vectors, vectors, last, q);
    q.a += rows * q.am;
    UNROLL for (int i = 0; i < rows; i++, mask += ldm, z++) {
      four sum = *z;
      UNROLL for (int v = 0; v < vectors; v++) {
        const lanes some = v == vectors - 1 ? last : ALL;
        store(mask + v * WIDTH, isOn(s[i][v]), some);
        const vec h = relu(s[i][v]);
        // All lanes, or eight.
        for (int k = 0; k < (some == ALL ? WIDTH / 4 : 2); k++) sum = madd4(part(h, k), part(out[v], k), sum);
      }
      *z = sum;
    }
  }
}
DEFINE_TILES(layerTiles, layer)

/** h = bias + X·W, mask = [h > 0], z = relu(h)·wOut in four lanes: src/kernels/assembly/hidden.ts. */
double FAMILY(hidden)(const double *q) {
  enum { MASK = 1, LDM, Z, X, LDX, W, LDW, BIAS, OUT, M, N, P };
  const int rows = q[M], columns = q[N];
  const product of = {floatsOf(q, X), q[LDX], 1, floatsOf(q, W), q[LDW], floatsOf(q, BIAS), 0, q[P]};
  ahead *next = aheadOf(q);
  next->isFollowed = 1;
  const int tiles = ((rows - 1) / TILE_ROWS + 1) * ((columns - 1) / (TILE_VECTORS * WIDTH) + 1);
  const job all = {of, floatsOf(q, MASK), q[LDM], (four *)floatsOf(q, Z), floatsOf(q, OUT), next, next->rows / tiles + 1};
  for (int m = 0; m < rows; m++) all.z[m] = (four){0, 0, 0, 0};
  layerTiles(&all, rows, columns);
  return 0;
}
