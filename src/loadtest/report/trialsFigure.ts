import { formatMs, formatRate } from '../../format.ts'
import { tablePanel } from '../../report/dataTable.ts'
import { type Line, lineChart } from '../../report/lineChart.ts'
import { type Markup, markup } from '../../report/markup.ts'
import { cards, figure } from '../../report/page.ts'
import { type Guide, legend } from '../../report/picture.ts'
import { badge } from '../../report/verdict.ts'
import { areMet } from '../checkLimits.ts'
import type { FindMaxResult, LoadTestResult } from '../types.ts'

/** The trials of a search: latencies by rate, and which rates kept the limits. */
export function trialsFigure({ trials, rate }: FindMaxResult, limits: readonly Guide[]): Markup {
  const rising = trials.toSorted((a, b) => a.rate - b.rate)
  const line = (name: string, style: Line['style'], of: (trial: LoadTestResult) => number | null): Line => ({
    name,
    style,
    markers: true,
    points: rising.map((trial) => ({ x: trial.rate, y: of(trial) })),
  })
  const lines = [
    line('P50', 1, ({ latencyMs }) => latencyMs.p50),
    line('P95', 2, ({ latencyMs }) => latencyMs.p95),
    line('P99', 3, ({ latencyMs }) => latencyMs.p99),
  ]
  const plain = (value: number) => String(Number(value.toPrecision(3)))
  return markup`${cards(
    figure({
      heading: 'Latency by rate',
      legend: legend(lines),
      picture: lineChart({
        id: 'rates',
        title: 'Latency percentiles of the trials by their rate',
        description: `The highest rate that keeps the limits is ${formatRate(rate)}.`,
        x: { label: 'requests per second', format: plain, log: true },
        y: { label: 'ms', format: plain, log: true },
        lines,
        guides: [{ axis: 'x', value: rate, name: `best: ${formatRate(rate)}` }, ...limits],
      }),
      reading: 'Each marker is a trial. Both scales are logarithmic; lines across are limits.',
    }),
  )}${tablePanel({
    caption: 'Trials',
    head: ['rate', 'P50', 'P95', 'P99', 'failed', ''],
    rows: trials.map((trial) => [
      formatRate(trial.rate),
      formatMs(trial.latencyMs.p50),
      formatMs(trial.latencyMs.p95),
      formatMs(trial.latencyMs.p99),
      String(trial.failed),
      areMet(trial.limits)
        ? badge({ grade: 'good', word: 'keeps the limits' })
        : badge({ grade: 'poor', word: 'misses a limit' }),
    ]),
  })}`
}
