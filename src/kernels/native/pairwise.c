#include "exponential.h"

// As src/kernels/assembly/groupLoss.ts, of the losses of all pairs, where they are explained. A vector's terms are added four lanes
// at a time, as they are there.

/** A group of rows, all arrays padded to whole vectors. */
typedef struct {
  int rows;
  float *deltas; // d(loss)/d(logit) / rows
  float *logits;
  int32_t *isOther; // all bits of those that are not clicked
} group;

INLINE bits othersAt(const group *all, int i) { return (bits)load((const float *)(all->isOther + i), ALL); }

/** The pairs of a clicked row with all that are not, each times `share`; returns their loss. */
INLINE float pairsOf(const group *all, int row, float share) {
  const vec z = splat(all->logits[row]), zero = splat(0), one = splat(1), every = splat(share);
  four loss = {0, 0, 0, 0}, sum = {0, 0, 0, 0};
  for (int i = 0; i < all->rows; i += WIDTH) {
    const vec difference = z - load(all->logits + i, ALL);
    const vec e = expNegative(magnitude(difference));
    const vec inverse = one / (one + e);
    const vec p = choose((bits)(difference >= zero), e * inverse, inverse);
    const vec w = (vec)((bits)every & othersAt(all, i));
    const bits isPair = (bits)(w > zero);
    const vec step = (vec)((bits)(w * p) & isPair);
    const vec terms = (vec)((bits)(w * (higher(-difference, zero) + logOnePlus(e))) & isPair);
    UNROLL for (int k = 0; k < WIDTH / 4; k++) {
      loss += part(terms, k);
      sum += part(step, k);
    }
    store(all->deltas + i, load(all->deltas + i, ALL) + step, ALL);
  }
  all->deltas[row] -= sumLanes(sum);
  return sumLanes(loss);
}

/** Adds share · scale · the gradient of the binary cross-entropy to `delta`; returns share · its sum. */
INLINE double addLogistic(const group *all, float *delta, float scale, float share, const float *weights, float mean) {
  const vec zero = splat(0), one = splat(1);
  double loss = 0;
  for (int i = 0; i < all->rows; i += WIDTH) {
    const vec z = load(all->logits + i, ALL);
    const vec y = (vec)((bits)one & ~othersAt(all, i));
    const vec e = expNegative(magnitude(z));
    const vec p = choose((bits)(z >= zero), one, e) / (one + e);
    float l[WIDTH], d[WIDTH];
    store(l, higher(z, zero) - y * z + logOnePlus(lower(one, e)), ALL);
    store(d, splat(share * scale) * (p - y), ALL);
    for (int k = 0; k < WIDTH && i + k < all->rows; k++) {
      if (weights) {
        const float w = weights[i + k] / mean;
        l[k] *= w;
        d[k] *= w;
      }
      loss += l[k];
      delta[i + k] += d[k];
    }
  }
  return (double)share * loss;
}

double FAMILY(pairwise)(const double *q) {
  enum { LOGISTIC = 1, LOGITS, CLICKS, GROUPS, ROWS, DELTA, SCRATCH, SCALE, WEIGHT, STATS, WEIGHTS, ROW_MEAN, CLICK_MEAN };
  const int isLogistic = q[LOGISTIC], rows = q[ROWS];
  const float *logits = floatsOf(q, LOGITS), *weights = q[WEIGHTS] == 0 ? 0 : floatsOf(q, WEIGHTS);
  const uint8_t *clicks = (const uint8_t *)floatsOf(q, CLICKS);
  const uint32_t *groups = (const uint32_t *)floatsOf(q, GROUPS);
  float *delta = floatsOf(q, DELTA), *scratch = floatsOf(q, SCRATCH);
  double *stats = (double *)floatsOf(q, STATS);
  const float scale = q[SCALE], weight = q[WEIGHT], rowMean = q[ROW_MEAN], clickMean = q[CLICK_MEAN];
  double lossSum = 0, deltaSum = 0;
  int correct = 0;
  for (int start = 0, n; start < rows; start += n) {
    for (n = 1; start + n < rows && groups[start + n] == groups[start]; n++);
    const int padded = (n + WIDTH - 1) / WIDTH * WIDTH;
    const group all = {n, scratch, scratch + padded, (int32_t *)(scratch + 2 * padded)};
    int clicked = 0;
    for (int i = 0; i < padded; i++) {
      const int isClicked = i < n && clicks[start + i] != 0;
      all.deltas[i] = 0;
      all.logits[i] = i < n ? logits[start + i] : 0;
      all.isOther[i] = i < n && !isClicked ? -1 : 0;
      clicked += isClicked;
      if (i < n) correct += (all.logits[i] > 0) == isClicked;
    }
    if (clicked > 0 && clicked < n) {
      float share = 1 / ((float)clicked * (float)(n - clicked));
      if (isLogistic) share *= weight;
      double loss = 0;
      for (int i = 0; i < n; i++)
        if (clicks[start + i] != 0)
          loss += pairsOf(&all, i, weights ? share * (weights[start + i] / clickMean) : share);
      lossSum += n * loss;
    }
    const float factor = scale * (float)n;
    for (int i = 0; i < n; i++) delta[start + i] = all.deltas[i] * factor;
    if (isLogistic)
      lossSum += addLogistic(&all, delta + start, scale, 1 - weight, weights ? weights + start : 0, rowMean);
  }
  for (int i = 0; i < rows; i++) deltaSum += delta[i];
  stats[0] += lossSum;
  stats[1] += deltaSum;
  stats[2] += correct;
  return 0;
}
