import { LatencyHistogram } from './latencyHistogram.ts'

const KINDS_MAX = 100 // of errors; what comes beyond is counted together

/** What became of the requests of one run. */
export class Tally {
  ok = 0
  failed = 0
  readonly latency = new LatencyHistogram() // of the ok ones
  readonly refusal = new LatencyHistogram() // of those answered with another status
  readonly sendDelay = new LatencyHistogram()
  readonly #errors = new Map<string, number>()

  answered(status: number, latencyMs: number): void {
    if (status < 200 || status > 299) {
      this.refusal.record(latencyMs)
      return this.fail(`status ${status}`)
    }
    this.ok++
    this.latency.record(latencyMs)
  }

  fail(kind: string): void {
    this.failed++
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
