import { formatCount, formatMs, formatRate, formatSeconds, formatShare } from '../../format.ts'
import type { Latencies, LimitCheck, LoadProgress, LoadTestResult } from '../../loadtest/types.ts'
import { renderTable } from './table.ts'

const LATENCY_ROWS: [key: keyof Latencies, label: string][] = [
  ['p50', 'P50'],
  ['p90', 'P90'],
  ['p95', 'P95'],
  ['p99', 'P99'],
  ['p999', 'P99.9'],
  ['max', 'max'],
]

/** The whole outcome for people: figures, limits with pass or fail, errors by kind. */
export function renderLoadTest(result: LoadTestResult): string {
  const { ok, failed, durationSeconds, latencyMs, limits, errors, sendDelayMs, isInterrupted } = result
  const row = (name: LimitCheck['name'], label: string, measured: number | null) => {
    const format = formatOf(name)
    const check = limits.find((limit) => limit.name === name)
    const sign = name === 'rate' ? '≥' : '≤'
    return check === undefined
      ? [label, format(measured), '', '']
      : [label, format(measured), `${sign} ${format(check.limit)}`, check.met ? 'pass' : 'FAIL']
  }
  const rows = LATENCY_ROWS.map(([key, label]) => row(key, label, latencyMs[key]))
  rows.push(
    row('errors', 'errors', ok + failed === 0 ? null : failed / (ok + failed)),
    row('rate', 'rate', result.achievedRate),
  )
  const parts = [
    `${formatRate(result.rate)} for ${formatSeconds(durationSeconds)}${isInterrupted ? ', interrupted' : ''}: ` +
      `${formatCount(ok)} ok, ${formatCount(failed)} failed`,
    renderTable(['', 'measured', 'limit', ''], rows, ['left', 'right', 'right', 'left']),
  ]
  if (errors.length > 0) parts.push(renderErrors(errors))
  if (sendDelayMs.p99 !== null)
    parts.push(
      `Send delay: P99 ${formatMs(sendDelayMs.p99)}, max ${formatMs(sendDelayMs.max)}; the latencies include it.`,
    )
  return parts.join('\n\n')
}

export function renderErrors(errors: LoadTestResult['errors']): string {
  return renderTable(
    ['error', 'requests'],
    errors.map(({ kind, count }) => [kind, formatCount(count)]),
    ['left', 'right'],
  )
}

/** One line for each trial of a search. */
export function trialLine({ rate, latencyMs, limits }: LoadTestResult): string {
  const missed = missedLimits(limits)
  const verdict = missed === '' ? 'meets the limits' : `misses ${missed}`
  return `${formatRate(rate)}  P50 ${formatMs(latencyMs.p50)}  P95 ${formatMs(latencyMs.p95)}  P99 ${formatMs(latencyMs.p99)}  ${verdict}`
}

/** `p95: 12.3 ms, must be at most 10.0 ms; errors: …` */
export function missedLimits(limits: readonly LimitCheck[]): string {
  return limits
    .filter(({ met }) => !met)
    .map(({ name, limit, measured }) => {
      const format = formatOf(name)
      return `${name}: ${format(measured)}, must be ${name === 'rate' ? 'at least' : 'at most'} ${format(limit)}`
    })
    .join('; ')
}

/** The live line, of at most `columns` characters; what matters least goes first where it is narrow. */
export function loadProgressLine(progress: LoadProgress, columns: number): string {
  const { stage, rate, seconds, stageSeconds, ok, failed, inFlight, latencyMs } = progress
  const time = `${stage}  ${seconds.toFixed(0)} of ${stageSeconds.toFixed(0)} s  ${formatRate(rate)}`
  const parts = [time]
  if (stage !== 'warm up') parts.push(`ok ${formatCount(ok)}`, `failed ${formatCount(failed)}`)
  if (latencyMs.p95 !== null) parts.push(`P50 ${formatMs(latencyMs.p50)}`, `P95 ${formatMs(latencyMs.p95)}`)
  parts.push(`in flight ${formatCount(inFlight)}`)
  while (parts.length > 1 && parts.join('  ').length > columns) parts.pop()
  return parts.join('  ').slice(0, Math.max(0, columns))
}

function formatOf(name: LimitCheck['name']): (value: number | null) => string {
  return name === 'errors' ? formatShare : name === 'rate' ? formatRate : formatMs
}
