import type { Kernels } from '../kernels.ts'
import { relu, type Views } from './views.ts'

/** The twins of the serving kernels; pointers in bytes, strides and widths in floats. */
export function naiveScore({ f32, u32 }: Views): Pick<Kernels, 'rowProduct' | 'scoreRows' | 'scorePairs'> {
  return {
    // out[j] = init[j] + Σ_k x[k]·W[k, j]
    rowProduct(out, x, w, ldw, init, n, p) {
      for (let j = 0; j < n; j++) {
        let sum = f32[init / 4 + j]
        for (let k = 0; k < p; k++) sum += f32[x / 4 + k] * f32[w / 4 + k * ldw + j]
        f32[out / 4 + j] = sum
      }
    },

    // out[i] = bias + Σ_j relu(user[j] + parts[rows[i], j])·wOut[j]
    scoreRows(out, rows, count, parts, ldp, user, wOut, bias, n) {
      for (let i = 0; i < count; i++) {
        const part = parts / 4 + u32[rows / 4 + i] * ldp
        let sum = Math.fround(bias)
        for (let j = 0; j < n; j++) sum += relu(f32[user / 4 + j] + f32[part + j]) * f32[wOut / 4 + j]
        f32[out / 4 + i] = sum
      }
    },

    // out[i] = bias + Σ_j relu(users[codes[i·ldc], j] + parts[rows[i], j] + Σ_k x[i, k]·W[k, j])·wOut[j]
    scorePairs(out, rows, count, parts, ldp, x, ldx, w, p, users, codes, ldc, wOut, bias, n) {
      for (let i = 0; i < count; i++) {
        const part = parts / 4 + u32[rows / 4 + i] * ldp
        const user = users / 4 + u32[codes / 4 + i * ldc] * n
        let sum = Math.fround(bias)
        for (let j = 0; j < n; j++) {
          let h = f32[user + j] + f32[part + j]
          for (let k = 0; k < p; k++) h += f32[x / 4 + i * ldx + k] * f32[w / 4 + k * n + j]
          sum += relu(h) * f32[wOut / 4 + j]
        }
        f32[out / 4 + i] = sum
      }
    },
  }
}
