import type { Kernels } from '../kernels.ts'
import type { Views } from './views.ts'

/** The twins of the embeddings: rows in, the lazy step of Adam out; pointers in bytes, strides in words. */
export function naiveEmbedding(
  { f32, u32 }: Views,
  adam: Kernels['adam'],
): Pick<Kernels, 'embed' | 'setColumn' | 'addToLogits' | 'addDeltas' | 'embeddingAdam'> {
  // The codes that a list stands for: without any, 0 once.
  const codesOf = (at: number, slots: number): number[] => {
    const list = Array.from({ length: slots }, (_, slot) => u32[at + slot])
    const codes = list.filter((code) => code !== 0)
    return codes.length > 0 ? codes : [0]
  }

  return {
    // x[row] = the mean of table[code] over the row's codes
    embed(x, ldx, indices, rowsTable, rowsStride, word, slots, table, dim, out, ldo, rows) {
      for (let row = 0; row < rows; row++) {
        const at = rowsTable / 4 + u32[indices / 4 + row] * rowsStride + word
        if (out !== 0)
          for (let slot = 0; slot < slots; slot++) u32[out / 4 + row * ldo + slot] = u32[at + slot]
        const codes = codesOf(at, slots)
        for (let k = 0; k < dim; k++) {
          const sum = codes.reduce((total, code) => total + f32[table / 4 + code * dim + k], 0)
          f32[x / 4 + row * ldx + k] = sum / codes.length
        }
      }
    },

    setColumn(x, ldx, value, rows) {
      for (let row = 0; row < rows; row++) f32[x / 4 + row * ldx] = value
    },

    // z[row, k mod 4] += x[row, k]
    addToLogits(z4, x, ldx, width, rows) {
      for (let row = 0; row < rows; row++)
        for (let k = 0; k < width; k++) f32[z4 / 4 + 4 * row + (k % 4)] += f32[x / 4 + row * ldx + k]
    },

    // d[row, k] += delta[row]
    addDeltas(d, ldd, delta, width, rows) {
      for (let row = 0; row < rows; row++)
        for (let k = 0; k < width; k++) f32[d / 4 + row * ldd + k] += f32[delta / 4 + row]
    },

    // g[code] = Σ_row delta[row] / codes of the row + penalty · p[code], then Adam on every such code
    embeddingAdam(p, m, v, dim, codes, ldc, slots, residue, residues, deltas, ldd, rows, ...rest) {
      const [sumOf, touched, sums, ...settings] = rest
      const order: number[] = []
      const gradients = new Map<number, Float64Array>()
      for (let row = 0; row < rows; row++) {
        const list = codesOf(codes / 4 + row * ldc, slots)
        for (const code of list) {
          if (code % residues !== residue) continue
          if (!gradients.has(code)) order.push(code)
          const gradient = gradients.get(code) ?? new Float64Array(dim)
          gradients.set(code, gradient)
          for (let k = 0; k < dim; k++) gradient[k] += f32[deltas / 4 + row * ldd + k] / list.length
        }
      }
      let bad = 0
      for (const [i, code] of order.entries()) {
        const at = sums + 4 * i * dim
        const gradient = gradients.get(code)!
        const [stepSize, vScale, beta1, beta2, epsilon, decay, penalties] = settings
        if (penalties !== 0)
          for (let k = 0; k < dim; k++) gradient[k] += f32[penalties / 4 + code] * f32[p / 4 + code * dim + k]
        f32.set(gradient, at / 4)
        u32[touched / 4 + i] = code
        u32[sumOf / 4 + code] = 0
        const row = 4 * code * dim
        bad |= adam(p + row, at, m + row, v + row, dim, stepSize, vScale, beta1, beta2, epsilon, decay)
      }
      return bad
    },
  }
}
