import type { Kernels } from '../kernels.ts'
import { relu, type Views } from './views.ts'

type RowKernel = 'scaleRows' | 'reluRows' | 'backRelu' | 'dotRows' | 'sumRows' | 'sumSlices' | 'addInto'

/** The twins of the passes over rows; pointers in bytes, strides and widths in floats. */
export function naiveRows({ f32 }: Views): Pick<Kernels, RowKernel> {
  return {
    // x[row, j] ·= factor[row]
    scaleRows(x, ldx, factor, rows, width) {
      for (let row = 0; row < rows; row++)
        for (let j = 0; j < width; j++) f32[x / 4 + row * ldx + j] *= f32[factor / 4 + row]
    },

    // x[row, 0 … width) = relu, then a 1, then zeros up to ldx
    reluRows(x, ldx, rows, width) {
      for (let row = 0; row < rows; row++)
        for (let j = 0; j < ldx; j++) {
          const at = x / 4 + row * ldx + j
          if (j < width) f32[at] = relu(f32[at])
          else f32[at] = j === width ? 1 : 0
        }
    },

    // d[row, j] = [act[row, j] > 0]·d[row, j]·factor[row]; factor 0: no factor
    backRelu(d, ldd, act, lda, factor, rows, width) {
      for (let row = 0; row < rows; row++)
        for (let j = 0; j < width; j++) {
          const at = d / 4 + row * ldd + j
          const scale = factor === 0 ? 1 : f32[factor / 4 + row]
          f32[at] = f32[act / 4 + row * lda + j] <= 0 ? 0 : f32[at] * scale
        }
    },

    // z[row, lane] = Σ x[row, j]·w[j] over the j whose remainder by 4 is lane
    dotRows(z, x, ldx, w, rows, width) {
      for (let row = 0; row < rows; row++) {
        const lanes = [0, 0, 0, 0]
        for (let j = 0; j < width; j++) lanes[j % 4] += f32[x / 4 + row * ldx + j] * f32[w / 4 + j]
        for (let lane = 0; lane < 4; lane++) f32[z / 4 + row * 4 + lane] = lanes[lane]
      }
    },

    // out[j] += Σ_row x[row, j]
    sumRows(out, x, ldx, rows, width) {
      for (let j = 0; j < width; j++) {
        let sum = f32[out / 4 + j]
        for (let row = 0; row < rows; row++) sum += f32[x / 4 + row * ldx + j]
        f32[out / 4 + j] = sum
      }
    },

    // out[row, j] = Σ_slice slices[slice, row, j]; out and the slices have the same row stride
    sumSlices(out, slices, stride, sliceCount, rows, width, ld) {
      for (let row = 0; row < rows; row++)
        for (let j = 0; j < width; j++) {
          let sum = 0
          for (let slice = 0; slice < sliceCount; slice++)
            sum += f32[slices / 4 + slice * stride + row * ld + j]
          f32[out / 4 + row * ld + j] = sum
        }
    },

    // x[i] += y[i]
    addInto(x, y, count) {
      for (let i = 0; i < count; i++) f32[x / 4 + i] += f32[y / 4 + i]
    },
  }
}
