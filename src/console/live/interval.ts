import type { Histogram, Snapshot } from './snapshot.ts'

/** What happened between two snapshots; null: nothing that the figure could be made of. */
export interface Interval {
  atMs: number // of its end
  answeredPerS: number // lists
  refusedPerS: number // 503
  failedPerS: number // 500
  rejectedPerS: number // other statuses: the client's own errors
  p50S: number | null
  p95S: number | null
  p99S: number | null
  candidates: number | null // mean of a list
  processors: number | null // cores that were busy
}

const GAP_MS = 5000 // longer intervals are gaps: nobody looked, or calls failed again and again

/** undefined: the server has started again in between, or the snapshots are too far apart. */
export function intervalBetween(before: Snapshot, after: Snapshot): Interval | undefined {
  const ms = after.atMs - before.atMs
  if (ms <= 0 || ms > GAP_MS || before.startedAtS !== after.startedAtS) return undefined
  const seconds = ms / 1000
  const rates = { answered: 0, refused: 0, failed: 0, rejected: 0 }
  for (const [status, count] of after.answers) {
    const more = count - (before.answers.get(status) ?? 0)
    if (!(more >= 0)) return undefined
    rates[kindOf(status)] += more / seconds
  }
  const latency = differenceOf(before.latency, after.latency)
  const candidates = differenceOf(before.candidates, after.candidates)
  const lists = candidates?.counts.at(-1) ?? 0
  return {
    atMs: after.atMs,
    answeredPerS: rates.answered,
    refusedPerS: rates.refused,
    failedPerS: rates.failed,
    rejectedPerS: rates.rejected,
    p50S: latency ? quantileOf(latency, 0.5) : null,
    p95S: latency ? quantileOf(latency, 0.95) : null,
    p99S: latency ? quantileOf(latency, 0.99) : null,
    candidates: candidates && lists > 0 ? candidates.sum / lists : null,
    processors:
      before.processorS === null || after.processorS === null
        ? null
        : Math.max(0, after.processorS - before.processorS) / seconds,
  }
}

/**
 * The value that a share `q` of what was counted does not exceed, as if all in a bucket were spread evenly;
 * beyond the last finite bound, that bound. null: nothing was counted.
 */
export function quantileOf({ bounds, counts }: Histogram, q: number): number | null {
  const total = counts.at(-1) ?? 0
  if (total <= 0) return null
  const rank = q * total
  const bucket = counts.findIndex((count) => count >= rank && count > 0)
  const below = bucket === 0 ? 0 : bounds[bucket - 1]
  if (!Number.isFinite(bounds[bucket])) return below
  const before = bucket === 0 ? 0 : counts[bucket - 1]
  return below + ((bounds[bucket] - below) * (rank - before)) / (counts[bucket] - before)
}

/** undefined: the buckets are not the same, or have shrunk. */
function differenceOf(before: Histogram, after: Histogram): Histogram | undefined {
  const isSame =
    before.bounds.length === after.bounds.length &&
    before.bounds.every((bound, i) => bound === after.bounds[i])
  if (!isSame) return undefined
  const counts = after.counts.map((count, i) => count - before.counts[i])
  const rises = counts.every((count, i) => count >= (i === 0 ? 0 : counts[i - 1]))
  return rises ? { bounds: after.bounds, counts, sum: after.sum - before.sum } : undefined
}

function kindOf(status: string): 'answered' | 'refused' | 'failed' | 'rejected' {
  if (status === '200') return 'answered'
  if (status === '503') return 'refused'
  return status === '500' ? 'failed' : 'rejected'
}
