import type { Kernels } from '../kernels.ts'
import { relu, type Views } from './views.ts'

/**
 * The twins of the matrix products. Dimensions: M rows, N columns, P inner; pointers in bytes, strides in
 * floats.
 */
export function naiveProducts({
  f32,
}: Views): Pick<Kernels, 'gemm' | 'gemmOnes' | 'hidden' | 'transpose' | 'outputGradient'> {
  // C[m, n] = init[m, n] + Σ_p A[m, p]·B[p, n]
  const gemm: Kernels['gemm'] = (c, ldc, a, am, ap, b, ldb, init, ldi, M, N, P) => {
    for (let m = 0; m < M; m++)
      for (let n = 0; n < N; n++) {
        let sum = f32[init / 4 + m * ldi + n]
        for (let p = 0; p < P; p++) sum += f32[a / 4 + m * am + p * ap] * f32[b / 4 + p * ldb + n]
        f32[c / 4 + m * ldc + n] = sum
      }
  }
  return {
    gemm,
    gemmOnes: gemm,

    // h = bias + X·W, mask = [h > 0], z[m, n mod 4] += relu(h)·wOut[n]
    hidden(mask, ldm, z, x, ldx, w, ldw, bias, wOut, M, N, P) {
      for (let m = 0; m < M; m++) {
        const lanes = [0, 0, 0, 0]
        for (let n = 0; n < N; n++) {
          let h = f32[bias / 4 + n]
          for (let p = 0; p < P; p++) h += f32[x / 4 + m * ldx + p] * f32[w / 4 + p * ldw + n]
          f32[mask / 4 + m * ldm + n] = h <= 0 ? 0 : 1
          lanes[n % 4] += relu(h) * f32[wOut / 4 + n]
        }
        for (let lane = 0; lane < 4; lane++) f32[z / 4 + m * 4 + lane] = lanes[lane]
      }
    },

    // to[j, i] = from[i, j]
    transpose(to, ldt, from, ldf, rows, width) {
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < width; j++) f32[to / 4 + j * ldt + i] = f32[from / 4 + i * ldf + j]
    },

    // dw[j] = Σ_k W[k, j]·GT[k, j], then GT[k, j] ·= wOut[j]
    outputGradient(dw, gt, w, wOut, ld, rows, width) {
      for (let j = 0; j < width; j++) {
        let sum = 0
        for (let k = 0; k < rows; k++) {
          const at = k * ld + j
          sum += f32[w / 4 + at] * f32[gt / 4 + at]
          f32[gt / 4 + at] *= f32[wOut / 4 + j]
        }
        f32[dw / 4 + j] = sum
      }
    },
  }
}
