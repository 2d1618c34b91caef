import type { Kernels } from '../kernels.ts'
import type { Views } from './views.ts'

const [LAMBDARANK, SOFTMAX, LOGISTIC_PAIRWISE] = [2, 3, 4] // anything else: pairs alone

/** The twin of the losses of groups: pointers in bytes. */
export function naiveGroupLoss({ f32, f64, u32, u8 }: Views): Pick<Kernels, 'groupLoss'> {
  return {
    groupLoss(kind, logits, clicks, groups, rows, delta, _scratch, scale, k, ...rest) {
      const [weight, stats, weights, rowMean, clickMean] = rest
      let [loss, deltaSum, correct] = [0, 0, 0]
      for (let start = 0, end = 0; start < rows; start = end) {
        while (end < rows && u32[groups / 4 + end] === u32[groups / 4 + start]) end++
        const z = Array.from(f32.subarray(logits / 4 + start, logits / 4 + end))
        const y = Array.from(u8.subarray(clicks + start, clicks + end))
        const given = weights === 0 ? null : f32.subarray(weights / 4 + start, weights / 4 + end)
        const weightsBy = (mean: number) => z.map((_, i) => (given ? given[i] / Math.fround(mean) : 1))
        const own = lossOf(kind, z, y, {
          k,
          weight,
          rows: weightsBy(rowMean),
          clicks: weightsBy(clickMean),
        })
        loss += own.loss
        for (const [i, d] of own.deltas.entries()) {
          f32[delta / 4 + start + i] = scale * d
          deltaSum += scale * d
          if (z[i] > 0 === y[i] > 0) correct++
        }
      }
      f64[stats / 8] += loss
      f64[stats / 8 + 1] += deltaSum
      f64[stats / 8 + 2] += correct
    },
  }
}

interface GroupLoss {
  loss: number
  deltas: number[] // d(loss)/d(logit)
}

interface LossOptions {
  k: number
  weight: number // of the pairs, in LOGISTIC_PAIRWISE
  rows: number[] // what each row counts in the cross-entropy
  clicks: number[] // and, if it is clicked, in the order
}

/** Of one group: n · the mean over its pairs, or over its clicks. */
function lossOf(kind: number, z: number[], y: number[], { k, weight, rows, clicks }: LossOptions): GroupLoss {
  const n = z.length
  const clicked = y.filter((click) => click > 0).length
  const deltas = z.map(() => 0)
  let loss = 0
  if (clicked > 0 && clicked < n) {
    if (kind === SOFTMAX) {
      const most = Math.max(...z)
      const sum = z.reduce((total, value) => total + Math.exp(value - most), 0)
      for (let i = 0; i < n; i++) {
        const logShare = z[i] - most - Math.log(sum)
        for (let j = 0; j < n; j++)
          deltas[i] += ((n * y[j] * clicks[j]) / clicked) * (Math.exp(logShare) - (i === j ? 1 : 0))
        loss -= (n * y[i] * clicks[i] * logShare) / clicked
      }
    } else {
      const weightOf = kind === LAMBDARANK ? ndcgWeights(z, clicked, k) : () => 1 / (clicked * (n - clicked))
      const factor = n * (kind === LOGISTIC_PAIRWISE ? weight : 1)
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          if (y[i] === 0 || y[j] > 0) continue
          const w = factor * clicks[i] * weightOf(i, j)
          const wrong = 1 / (1 + Math.exp(z[i] - z[j]))
          loss += w * softplus(z[j] - z[i])
          deltas[i] -= w * wrong
          deltas[j] += w * wrong
        }
    }
  }
  if (kind === LOGISTIC_PAIRWISE)
    for (let i = 0; i < n; i++) {
      loss += (1 - weight) * rows[i] * (softplus(z[i]) - y[i] * z[i])
      deltas[i] += (1 - weight) * rows[i] * (1 / (1 + Math.exp(-z[i])) - y[i])
    }
  return { loss, deltas }
}

/** |ΔNDCG@k| of exchanging two rows. */
function ndcgWeights(z: number[], clicked: number, k: number): (i: number, j: number) => number {
  const order = z.map((_, i) => i).toSorted((a, b) => z[b] - z[a] || a - b)
  const discount = (rank: number) => (rank < k ? 1 / Math.log2(rank + 2) : 0)
  const discounts = z.map((_, i) => discount(order.indexOf(i)))
  let best = 0
  for (let rank = 0; rank < clicked; rank++) best += discount(rank)
  return (i, j) => Math.abs(discounts[i] - discounts[j]) / best
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}
