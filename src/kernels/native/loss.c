#include "exponential.h"

/** As src/kernels/assembly/loss.ts; `isWeighted`: it has weights and their mean. */
INLINE void entropies(const double *q, const int isWeighted) {
  enum { Z4 = 1, BIAS, CLICKS, DELTA, ROWS, ROWS_PADDED, SCALE, STATS, WEIGHTS, MEAN };
  const four *z4 = (const four *)floatsOf(q, Z4);
  const uint8_t *clicks = (const uint8_t *)floatsOf(q, CLICKS);
  const float *weights = floatsOf(q, WEIGHTS);
  float *delta = floatsOf(q, DELTA);
  double *stats = (double *)floatsOf(q, STATS);
  const int rows = q[ROWS], rowsPadded = q[ROWS_PADDED];
  const float bias = q[BIAS], scale = q[SCALE], mean = q[MEAN];
  const vec zero = splat(0), one = splat(1);
  double lossSum = 0, deltaSum = 0;
  int correct = 0;
  float z[WIDTH], y[WIDTH], w[WIDTH], l[WIDTH], d[WIDTH];
  for (int row = 0; row < rows; row += WIDTH) {
    const int count = rows - row < WIDTH ? rows - row : WIDTH;
    for (int i = 0; i < WIDTH; i++) z[i] = y[i] = 0;
    for (int i = 0; i < count; i++) {
      z[i] = sumLanes(z4[row + i]) + bias;
      y[i] = clicks[row + i];
    }
    const vec zs = load(z, ALL), ys = load(y, ALL);
    const vec e = expNegative(magnitude(zs));
    const vec inverse = one / (one + e);
    const vec p = choose((bits)(zs >= zero), inverse, e * inverse);
    vec ds = (p - ys) * splat(scale);
    vec ls = choose((bits)(zs <= zero), zero, zs) - ys * zs + logOnePlus(e); // NaN stays
    if (isWeighted) {
      for (int i = 0; i < WIDTH; i++) w[i] = i < count ? weights[row + i] : 0;
      const vec ws = load(w, ALL) / splat(mean);
      ds = ds * ws;
      ls = ls * ws;
    }
    store(d, ds, ALL);
    store(l, ls, ALL);
    for (int i = 0; i < count; i++) correct += (z[i] > 0) == (y[i] > 0.5f);
    for (int i = count; i < WIDTH; i++) d[i] = l[i] = 0;
    for (int i = 0; i < count; i += 4) {
      ((four *)(delta + row))[i / 4] = ((four *)d)[i / 4];
      lossSum += (double)l[i] + (double)l[i + 1] + (double)l[i + 2] + (double)l[i + 3];
      deltaSum += (double)d[i] + (double)d[i + 1] + (double)d[i + 2] + (double)d[i + 3];
    }
  }
  for (int row = (rows + 3) & ~3; row < rowsPadded; row++) delta[row] = 0;
  stats[0] += lossSum;
  stats[1] += deltaSum;
  stats[2] += correct;
}

double FAMILY(loss)(const double *q) {
  entropies(q, 0);
  return 0;
}

double FAMILY(weightedLoss)(const double *q) {
  entropies(q, 1);
  return 0;
}
