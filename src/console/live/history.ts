import { type Interval, intervalBetween } from './interval.ts'
import type { Snapshot } from './snapshot.ts'

export const WINDOW_MS = 120_000

/** One moment of the charts. Without an interval, lines break there. */
export interface Moment {
  snapshot: Snapshot
  interval: Interval | undefined
}

/** The moments of the last two minutes, and this one. */
export function withSnapshot(history: readonly Moment[], snapshot: Snapshot): Moment[] {
  const last = history.at(-1)
  const interval = last && intervalBetween(last.snapshot, snapshot)
  const kept = history.filter((moment) => {
    const ageMs = snapshot.atMs - moment.snapshot.atMs
    return ageMs > 0 && ageMs <= WINDOW_MS
  })
  return [...kept, { snapshot, interval }]
}

/** One figure of all moments, as a line of a chart: [ms since 1970 or any other start, value]. */
export function lineOf(
  history: readonly Moment[],
  figure: (moment: Moment) => number | null | undefined,
): [number, number | null][] {
  return history.flatMap((moment, i) => {
    const { atMs } = moment.snapshot
    const point: [number, number | null] = [atMs, figure(moment) ?? null]
    // Nobody looked, or another process came: nothing connects the two sides.
    return i > 0 && !moment.interval ? [[atMs, null] satisfies [number, null], point] : [point]
  })
}

/** How many lists were answered with each status in the moments that are kept. */
export function recentAnswers(history: readonly Moment[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (let i = 1; i < history.length; i++) {
    if (!history[i].interval) continue
    const before = history[i - 1].snapshot.answers
    for (const [status, count] of history[i].snapshot.answers)
      sums.set(status, (sums.get(status) ?? 0) + count - (before.get(status) ?? 0))
  }
  return sums
}
