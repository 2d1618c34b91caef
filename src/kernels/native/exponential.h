#pragma once
#include "vector.h"

// As src/kernels/assembly/loss.ts has them. No product and sum is fused there, and none here.

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
