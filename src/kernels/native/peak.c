#include "vector.h"

/**
 * The processor's own limit: `steps` times twelve independent multiply-adds, 24 · WIDTH FLOP a step, and nothing else. At: twelve
 * sums, a factor and the other, 4 floats apart, of which as many lanes are read as there are; the sum of the sums is stored there.
 */
double FAMILY(peak)(const double *q) {
  enum { AT = 1, STEPS, SUMS = 12 };
  float *at = floatsOf(q, AT);
  const int steps = q[STEPS];
  vec s[SUMS];
  UNROLL for (int i = 0; i < SUMS; i++) s[i] = load(at + 4 * i, ALL);
  const vec x = load(at + 4 * SUMS, ALL), y = load(at + 4 * SUMS + 4, ALL);
  for (int step = 0; step < steps; step++) {
    UNROLL for (int i = 0; i < SUMS; i++) s[i] = madd(x, y, s[i]);
  }
  UNROLL for (int i = 1; i < SUMS; i++) s[0] += s[i];
  store(at, s[0], ALL);
  return 0;
}
