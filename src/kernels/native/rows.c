#include "vector.h"

// As src/kernels/assembly/rows.ts: widths are multiples of four floats.

/** x[row] ·= factor[row]. */
double FAMILY(scaleRows)(const double *q) {
  enum { X = 1, LDX, FACTOR, ROWS, WIDTH_ };
  float *x = floatsOf(q, X);
  const float *factor = floatsOf(q, FACTOR);
  const size_t ldx = q[LDX];
  const int rows = q[ROWS], width = q[WIDTH_];
  for (int row = 0; row < rows; row++, x += ldx) {
    const float f = factor[row];
    int i = 0;
    for (; i + WIDTH <= width; i += WIDTH) store(x + i, load(x + i, ALL) * splat(f), ALL);
    for (; i < width; i += 4) *(four *)(x + i) *= f;
  }
  return 0;
}

/** out[row] = the sum of `SLICES` matrices in their order, `stride` floats apart. */
double FAMILY(sumSlices)(const double *q) {
  enum { OUT = 1, FIRST_SLICE, STRIDE, SLICES, ROWS, WIDTH_, LD };
  float *out = floatsOf(q, OUT);
  const float *first = floatsOf(q, FIRST_SLICE);
  const size_t stride = q[STRIDE], ld = q[LD];
  const int slices = q[SLICES], rows = q[ROWS], width = q[WIDTH_];
  for (int row = 0; row < rows; row++, out += ld, first += ld) {
    int i = 0;
    for (; i + WIDTH <= width; i += WIDTH) {
      vec sum = load(first + i, ALL);
      for (int slice = 1; slice < slices; slice++) sum += load(first + slice * stride + i, ALL);
      store(out + i, sum, ALL);
    }
    for (; i < width; i += 4) {
      four sum = *(const four *)(first + i);
      for (int slice = 1; slice < slices; slice++) sum += *(const four *)(first + slice * stride + i);
      *(four *)(out + i) = sum;
    }
  }
  return 0;
}
