#include "vector.h"

// As src/kernels/assembly/adam.ts, where the limits are explained; no product is fused there, and none here.
#define M_MIN 1e-30f
#define V_MIN 1e-36f
#define SQUARED_MIN 1e-17f

/** Zero where |x| < least; NaN stays. */
INLINE vec flush(vec x, float least) {
  const vec absolute = (vec)((bits)x & 0x7fffffff);
  return (vec)((bits)x & ~(bits)(absolute < splat(least)));
}

INLINE float flushed(float x, float least) { return __builtin_fabsf(x) < least ? 0 : x; }

INLINE int isFinite(float x) { return x - x == 0; }

double FAMILY(adam)(const double *q) {
  enum { P = 1, G, M, V, COUNT, STEP_SIZE, V_SCALE, BETA1, BETA2, EPSILON, DECAY };
  float *ps = floatsOf(q, P), *ms = floatsOf(q, M), *vs = floatsOf(q, V);
  const float *gs = floatsOf(q, G);
  const int count = q[COUNT];
  const float stepSize = q[STEP_SIZE], vScale = q[V_SCALE], beta1 = q[BETA1], beta2 = q[BETA2];
  const float epsilon = q[EPSILON], decay = q[DECAY];
  const vec b1 = splat(beta1), b2 = splat(beta2), c1 = splat(1 - beta1), c2 = splat(1 - beta2);
  const vec step = splat(stepSize), scale = splat(vScale), eps = splat(epsilon), keep = splat(decay);
  vec bad = splat(0);
  // Other threads have read the parameters, so each line must be fetched back from their caches before it is written. Stores retire in
  // order: with stores to the moments in between, these requests go out one at a time; with none in between, many are under way.
  for (int k = 0; k < count; k += 16) *(volatile float *)(ps + k) = *(volatile float *)(ps + k);
  int i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    const vec gi = load(gs + i, ALL);
    const vec gf = flush(gi, SQUARED_MIN);
    const vec mi = flush(b1 * load(ms + i, ALL) + c1 * gi, M_MIN);
    const vec vi = flush(b2 * load(vs + i, ALL) + c2 * (gf * gf), V_MIN);
    const vec pi = load(ps + i, ALL) * keep - step * mi / (root(vi) * scale + eps);
    store(ms + i, mi, ALL);
    store(vs + i, vi, ALL);
    store(ps + i, pi, ALL);
    const vec sum = mi + vi + pi;
    bad += sum - sum;
  }
  int isBad = 0;
  for (int k = 0; k < WIDTH; k++) isBad |= bad[k] != 0;
  for (; i < count; i++) {
    const float gf = flushed(gs[i], SQUARED_MIN);
    const float mi = flushed(beta1 * ms[i] + (1 - beta1) * gs[i], M_MIN);
    const float vi = flushed(beta2 * vs[i] + (1 - beta2) * (gf * gf), V_MIN);
    const float pi = ps[i] * decay - stepSize * mi / (__builtin_sqrtf(vi) * vScale + epsilon);
    ms[i] = mi, vs[i] = vi, ps[i] = pi;
    isBad |= !isFinite(mi + vi + pi);
  }
  if (!isBad) return 0;
  int kinds = 0;
  for (i = 0; i < count; i++) {
    if (!isFinite(gs[i])) kinds |= 1;
    if (!isFinite(ms[i]) || !isFinite(vs[i])) kinds |= 2;
    if (!isFinite(ps[i])) kinds |= 4;
  }
  return kinds;
}
