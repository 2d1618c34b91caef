import { Arena, type Block } from './arena.ts'
import { type Build, judge, type Result } from './judge.ts'

const EPSILON = { delta: 2e-7, loss: 1e-6 }

interface Batch {
  weights: number // address; 0: there are none
  arena: Arena
  z4: Block // [rowsPadded, 4]
  clicks: number // address
  delta: Block // [1, rowsPadded]
  stats: number // address of three float64
  rows: number
  rowsPadded: number
}

/** Four partial sums a row; what stands in z4 behind the last row is left as NaN, clicks behind it as 0x7f and such. */
export function batch(lanes: number[][], clicks: number[], rowsPadded: number, weights?: number[]): Batch {
  const rows = lanes.length
  const arena = new Arena(64 * Math.ceil((24 * rowsPadded + clicks.length + 1024) / 64))
  const z4 = arena.empty(rowsPadded, 4)
  for (const [row, values] of lanes.entries()) arena.f32.set(values, z4.at / 4 + 4 * row)
  const delta = arena.empty(1, rowsPadded)
  const stats = arena.reserve(24)
  new Float64Array(arena.buffer, stats, 3).set([0.5, 0.25, 3]) // the kernel adds to what is there
  const weightsAt = weights ? arena.floats(weights).at : 0
  return { arena, z4, clicks: arena.bytes(clicks), delta, stats, rows, rowsPadded, weights: weightsAt }
}

export function judgeLoss(build: Build, q: Batch, bias: number, scale: number, mean = 1) {
  const { f32 } = q.arena
  const largest =
    q.weights === 0 ? 1 : Math.max(...f32.subarray(q.weights / 4, q.weights / 4 + q.rows)) / mean
  const stat = (name: string, i: number, absolute: number, relative = 0): Result => {
    const at = q.stats + 8 * i
    return { name, type: 'f64', at, rows: 1, width: 1, stride: 1, absolute, relative }
  }
  const epsilon = EPSILON.delta * scale * largest
  const results: Result[] = [
    { ...q.delta, name: 'delta', absolute: epsilon },
    stat('loss', 0, EPSILON.loss * q.rows * largest, EPSILON.loss),
    stat('summed delta', 1, epsilon * q.rows),
    stat('correct', 2, 0),
  ]
  return judge(build, q.arena, results, (k) => {
    const own = [q.z4.at, bias, q.clicks, q.delta.at, q.rows, q.rowsPadded, scale, q.stats] as const
    if (q.weights === 0) k.loss(...own)
    else k.weightedLoss(...own, q.weights, mean)
  })
}

export const up4 = (rows: number) => Math.ceil(rows / 4) * 4
