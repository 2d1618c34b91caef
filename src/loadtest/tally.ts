import { LatencyHistogram } from './latencyHistogram.ts'
import type { Timeline } from './timeline.ts'

const KINDS_MAX = 100 // of errors; what comes beyond is counted together

/** What became of the requests of one run. */
export class Tally {
  ok = 0
  failed = 0
  readonly latency = new LatencyHistogram() // of the ok ones
  readonly refusal = new LatencyHistogram() // of those answered with another status
  readonly sendDelay = new LatencyHistogram()
  readonly timeline: Timeline | undefined
  readonly #errors = new Map<string, number>()

  /** `timeline`: where latencies are also kept by when their requests were due. */
  constructor(timeline?: Timeline) {
    this.timeline = timeline
  }

  /** `request`: its number among the counted ones. */
  answered(request: number, status: number, latencyMs: number): void {
    if (status < 200 || status > 299) {
      this.refusal.record(latencyMs)
      return this.fail(request, `status ${status}`)
    }
    this.ok++
    this.latency.record(latencyMs)
    this.timeline?.answered(request, latencyMs)
  }

  fail(request: number, kind: string): void {
    this.failed++
    this.timeline?.failed(request)
    const known = this.#errors.has(kind) || this.#errors.size < KINDS_MAX ? kind : 'other errors'
    this.#errors.set(known, (this.#errors.get(known) ?? 0) + 1)
  }

  /** By kind, most frequent first. */
  errors(): { kind: string; count: number }[] {
    return [...this.#errors]
      .map(([kind, count]) => ({ kind, count }))
      .toSorted((a, b) => b.count - a.count || (a.kind < b.kind ? -1 : 1))
  }
}
