import type { Kernels } from '../kernels.ts'
import type { Views } from './views.ts'

/** The twins of what stands behind the products: loss and logits out, the optimiser's step. */
export function naiveTraining({
  f32,
  f64,
  u8,
}: Views): Pick<Kernels, 'loss' | 'weightedLoss' | 'logits' | 'adam'> {
  // The logit of one row: its four partial sums and the output's bias, which crosses into wasm as a float32.
  const logit = (z4: number, row: number, bias: number) => {
    const at = z4 / 4 + row * 4
    return f32[at] + f32[at + 1] + f32[at + 2] + f32[at + 3] + Math.fround(bias)
  }

  const weightedLoss: Kernels['weightedLoss'] = (z4, bias, clicks, delta, rows, rowsPadded, ...rest) => {
    const [scale, stats, weights, mean] = rest
    for (let row = 0; row < Math.max(rowsPadded, Math.ceil(rows / 4) * 4); row++) {
      f32[delta / 4 + row] = 0
      if (row >= rows) continue
      const z = logit(z4, row, bias)
      const y = u8[clicks + row]
      const weight = weights === 0 ? 1 : f32[weights / 4 + row] / Math.fround(mean)
      const e = Math.exp(-Math.abs(z))
      const probability = z >= 0 ? 1 / (1 + e) : e / (1 + e)
      const d = weight * (probability - y) * Math.fround(scale)
      f32[delta / 4 + row] = d
      f64[stats / 8] += weight * (Math.max(z, 0) - y * z + Math.log1p(e))
      f64[stats / 8 + 1] += d
      f64[stats / 8 + 2] += z > 0 === y > 0.5 ? 1 : 0
    }
  }

  return {
    // delta = (sigmoid(z) − y)·scale; stats += [Σ loss, Σ delta, rows whose z > 0 agrees with the click]
    loss: (...batch) => weightedLoss(...batch, 0, 1),

    // the same, delta and loss times weight / mean
    weightedLoss,

    logits(z4, bias, out, rows) {
      for (let row = 0; row < rows; row++) f32[out / 4 + row] = logit(z4, row, bias)
    },

    // Returns 1: a gradient, 2: a moment, 4: a parameter is not finite after the step, or their sum
    adam(p, g, m, v, count, ...settings) {
      const [stepSize, vScale, beta1, beta2, epsilon, decay] = settings.map(Math.fround)
      let bad = 0
      for (let i = 0; i < count; i++) {
        const gradient = f32[g / 4 + i]
        const squared = flush(gradient, SQUARED_MIN)
        const m1 = flush(Math.fround(beta1 * f32[m / 4 + i] + (1 - beta1) * gradient), M_MIN)
        const v1 = flush(Math.fround(beta2 * f32[v / 4 + i] + (1 - beta2) * squared ** 2), V_MIN)
        f32[m / 4 + i] = m1
        f32[v / 4 + i] = v1
        f32[p / 4 + i] = f32[p / 4 + i] * decay - (stepSize * m1) / (Math.sqrt(v1) * vScale + epsilon)
        if (!Number.isFinite(gradient)) bad |= 1
        if (!Number.isFinite(m1) || !Number.isFinite(v1)) bad |= 2
        if (!Number.isFinite(f32[p / 4 + i])) bad |= 4
      }
      return bad
    },
  }
}

// As in assembly/adam.ts, where the reason stands.
const M_MIN = 1e-30
const V_MIN = 1e-36
const SQUARED_MIN = 1e-17

function flush(value: number, least: number): number {
  return Math.abs(value) < least ? 0 : value
}
