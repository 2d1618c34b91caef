import type { Latencies, LimitCheck, Limits, LoadTestResult } from './types.ts'

/** The share of the asked rate that must have left in time; less, and it was another, lighter test. */
const RATE_SHARE = 0.99

type Measured = Pick<LoadTestResult, 'rate' | 'achievedRate' | 'ok' | 'failed' | 'latencyMs'>

/** Each given limit beside what was measured; failures and the rate are always checked. */
export function checkLimits(measured: Measured, limits: Limits = {}): LimitCheck[] {
  const { rate, achievedRate, ok, failed, latencyMs } = measured
  const given: [name: keyof Latencies, limitMs: number | undefined][] = [
    ['p50', limits.p50Ms],
    ['p90', limits.p90Ms],
    ['p95', limits.p95Ms],
    ['p99', limits.p99Ms],
    ['p999', limits.p999Ms],
    ['max', limits.maxMs],
  ]
  const checks: LimitCheck[] = []
  for (const [name, limit] of given) {
    const value = latencyMs[name]
    if (limit !== undefined)
      checks.push({ name, limit, measured: value, met: value !== null && value <= limit })
  }
  const finished = ok + failed
  const errorShare = finished === 0 ? null : failed / finished
  const errorLimit = limits.errorShare ?? 0
  checks.push({
    name: 'errors',
    limit: errorLimit,
    measured: errorShare,
    met: errorShare !== null && errorShare <= errorLimit,
  })
  const rateLimit = RATE_SHARE * rate
  checks.push({ name: 'rate', limit: rateLimit, measured: achievedRate, met: achievedRate >= rateLimit })
  return checks
}

export function areMet(checks: readonly LimitCheck[]): boolean {
  return checks.every(({ met }) => met)
}
