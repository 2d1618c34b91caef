#include "vector.h"

// As src/kernels/assembly/groupLoss.ts, of the losses of all pairs, where they are explained. No product and sum is fused there, and
// none here. A vector's terms are added four lanes at a time, as they are there.

#if WIDTH == 16
INLINE vec nearest(vec x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
#elif WIDTH == 8
INLINE vec nearest(vec x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
#else
INLINE vec nearest(vec x) { return vrndnq_f32(x); }
#endif

INLINE vec choose(bits which, vec yes, vec no) { return (vec)((which & (bits)yes) | (~which & (bits)no)); }
INLINE vec lower(vec a, vec b) { return choose((bits)(a < b), a, b); } // b if one is NaN
INLINE vec higher(vec a, vec b) { return choose((bits)(a > b), a, b); } // likewise
INLINE vec magnitude(vec x) { return (vec)((bits)x & 0x7fffffff); }

/** exp(−t), t ≥ 0. */
INLINE vec expNegative(vec t) {
  const vec inRange = lower(splat(87.3f), t);
  const vec n = nearest(inRange * splat(-1.4426950408889634f));
  vec r = -inRange - n * splat(0.693145751953125f);
  r = r - n * splat(1.428606765330187e-6f);
  vec e = splat(1.984126984126984e-4f);
  e = e * r + splat(1.388888888888889e-3f);
  e = e * r + splat(8.333333333333333e-3f);
  e = e * r + splat(4.1666666666666664e-2f);
  e = e * r + splat(0.16666666666666666f);
  e = e * r + splat(0.5f);
  e = e * r + splat(1);
  e = e * r + splat(1);
  return e * (vec)((__builtin_convertvector(n, bits) + 127) << 23);
}

/** log(1 + e), 0 ≤ e ≤ 1. */
INLINE vec logOnePlus(vec e) {
  const vec s = e / (splat(2) + e), q = s * s;
  vec sum = splat(0.15384615384615385f);
  sum = sum * q + splat(0.18181818181818182f);
  sum = sum * q + splat(0.2222222222222222f);
  sum = sum * q + splat(0.2857142857142857f);
  sum = sum * q + splat(0.4f);
  sum = sum * q + splat(0.6666666666666666f);
  sum = sum * q + splat(2);
  return s * sum;
}

INLINE float sumLanes(four x) { return (x[0] + x[2]) + (x[1] + x[3]); }

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
