import { formatCount, formatMs, formatRate, formatSeconds, formatShare, formatPercent } from '../../format.ts'
import { dataTable, foldedTable, tablePanel } from '../../report/dataTable.ts'
import { histogram } from '../../report/histogram.ts'
import { type Line, lineChart } from '../../report/lineChart.ts'
import { type Markup, markup } from '../../report/markup.ts'
import {
  cards,
  figure,
  paragraph,
  renderPage,
  type Section,
  type Tile,
  tiles,
  verdictText,
} from '../../report/page.ts'
import { type Guide, legend } from '../../report/picture.ts'
import type { Verdict } from '../../report/verdict.ts'
import type { FindMaxResult, LatencyBin, LimitCheck, LoadSlice, LoadTestResult } from '../types.ts'
import { trialsFigure } from './trialsFigure.ts'

/** What a page tells beside the result. */
interface LoadTestContext {
  version: string // of Nearrank, which sent the requests
  madeAt: string // ISO 8601
  machine: string // that sent them
  url: string
  requests: string // name of the file, without the way to it
}

/** `P95` and so on, as people call the percentiles. */
const LATENCY_NAMES = {
  p50: 'P50',
  p90: 'P90',
  p95: 'P95',
  p99: 'P99',
  p999: 'P99.9',
  max: 'longest',
} as const

/** The page of `loadtest --report`. Pure. */
export function renderLoadTestPage(result: LoadTestResult | FindMaxResult, context: LoadTestContext): string {
  const { rate, durationSeconds, ok, failed, isInterrupted, timeline, distribution, errors } = result
  return renderPage({
    title: 'Load test report',
    summary: markup`<p class="lead">${formatRate(rate)} for ${formatSeconds(durationSeconds)}${isInterrupted ? ', interrupted' : ''}, at <strong>${context.url}</strong>: ${formatCount(ok)} answered, ${formatCount(failed)} failed.</p>
<p class="quiet">Requests from ${context.requests}, sent by Nearrank ${context.version} on ${context.machine}, ${context.madeAt}.</p>`,
    sections: [
      { id: 'verdict', heading: 'Verdict', content: verdictContent(result) },
      {
        id: 'latency',
        heading: 'Latency',
        content: markup`${cards(
          timeline.length > 0 ? timeFigure(timeline, result.limits) : [],
          distribution.length > 0 ? distributionFigure(distribution, result) : [],
        )}${paragraph('A latency counts from the moment when the request was due, whether or not it could be sent then: a server that stalls cannot hide it.')}`,
      },
      ...('trials' in result
        ? [
            {
              id: 'trials',
              heading: 'Search for the highest rate',
              content: trialsFigure(result, latencyGuides(result.limits, 'y')),
            },
          ]
        : []),
      ...errorSection(errors),
    ],
    footer: `Nearrank ${context.version}. This page needs no network: it holds everything that it shows.`,
  })
}

function verdictContent(result: LoadTestResult): Markup {
  const { latencyMs, limits, sendDelayMs, refusalMs } = result
  const shown: Tile[] = limits.map((check) => ({
    name: nameOf(check),
    value: formatOf(check)(check.measured),
    verdict: {
      grade: check.met ? 'good' : 'poor',
      word: check.met ? 'within the limit' : 'limit missed',
      text: `Limit: ${limitText(check)}.`,
    },
  }))
  const keys = Object.keys(LATENCY_NAMES) as (keyof typeof LATENCY_NAMES)[]
  return markup`${verdictText(loadVerdict(result))}${tiles(shown)}${tablePanel({
    caption: 'Latencies',
    head: ['', 'answered', 'refused', 'send delay'],
    rows: keys.map((key) => [
      LATENCY_NAMES[key],
      formatMs(latencyMs[key]),
      formatMs(refusalMs[key]),
      formatMs(sendDelayMs[key]),
    ]),
  })}`
}

/** Whether every limit was kept. */
export function loadVerdict({ limits, isInterrupted, ok, failed }: LoadTestResult): Verdict {
  const missed = limits.filter(({ met }) => !met)
  if (isInterrupted)
    return {
      grade: 'fair',
      word: 'interrupted',
      text: 'The test ended early: what follows was measured until then.',
    }
  if (missed.length > 0)
    return {
      grade: 'poor',
      word: 'limits missed',
      text: `${missed.map((check) => `${nameOf(check)}: ${formatOf(check)(check.measured)}, limit ${limitText(check)}`).join('; ')}.`,
    }
  if (ok === 0)
    return {
      grade: 'poor',
      word: 'nothing answered',
      text: 'No request was answered, so no limit says anything.',
    }
  const hasLatency = limits.some(({ name }) => name !== 'errors' && name !== 'rate')
  const share = formatPercent(failed / (ok + failed))
  const answered =
    failed === 0 ? 'All requests were answered' : `${share} of the requests failed, within the limit`
  return {
    grade: 'good',
    word: 'passed',
    text: hasLatency
      ? `The server keeps all limits at this rate. ${answered}.`
      : `${answered}; no limit of the latency was given.`,
  }
}

const SHOWN = ['p50', 'p95', 'p99'] as const

function timeFigure(slices: readonly LoadSlice[], limits: readonly LimitCheck[]): Markup {
  const lines = SHOWN.map((key, i): Line => {
    const points = slices.map((slice) => ({
      x: (slice.startSeconds + slice.endSeconds) / 2,
      y: slice.latencyMs[key],
    }))
    return { name: LATENCY_NAMES[key], style: ([1, 2, 3] as const)[i], points }
  })
  const guides = latencyGuides(limits, 'y')
  const answered = slices.flatMap(({ latencyMs }) => (latencyMs.p50 === null ? [] : [latencyMs]))
  const values = [
    ...answered.flatMap(({ p50, p99 }) => [p50, p99]),
    ...guides.map((guide) => guide.value),
  ].filter((ms): ms is number => ms !== null && ms > 0)
  // Percentiles that are far apart would be one line at the bottom.
  const log = Math.max(...values) > 10 * Math.min(...values)
  const failed = slices.reduce((sum, slice) => sum + slice.failed, 0)
  const end = slices.at(-1)?.endSeconds ?? 1
  return figure({
    heading: 'Latency over time',
    legend: legend(lines),
    picture: lineChart({
      id: 'time',
      title: 'Latency percentiles over the measured time',
      description: `${slices.length} parts of the time. The highest P99 of a part is ${formatMs(Math.max(0, ...answered.map(({ p99 }) => p99 ?? 0)))}. ${formatCount(failed)} requests failed.`,
      x: { label: 'seconds', format: (seconds) => String(Number(seconds.toFixed(2))), low: 0, high: end },
      y: { label: 'ms', format: plainMs, log, ...(log ? {} : { low: 0 }) },
      lines,
      guides,
    }),
    reading: `Each point is a part of the time of ${formatSeconds(slices[0].endSeconds)}; lines across are limits.${log ? ' The scale is logarithmic.' : ''} A gap: nothing was answered.`,
    table: foldedTable('Numbers over time', {
      head: ['from', 'answered', 'failed', 'P50', 'P95', 'P99', 'longest'],
      rows: slices.map(({ startSeconds, ok, failed: own, latencyMs }) => [
        `${Number(startSeconds.toFixed(2))} s`,
        formatCount(ok),
        formatCount(own),
        formatMs(latencyMs.p50),
        formatMs(latencyMs.p95),
        formatMs(latencyMs.p99),
        formatMs(latencyMs.max),
      ]),
    }),
  })
}

function distributionFigure(bins: readonly LatencyBin[], { latencyMs, limits }: LoadTestResult): Markup {
  const all = bins.reduce((sum, { count }) => sum + count, 0)
  return figure({
    heading: 'Distribution of latencies',
    picture: histogram({
      id: 'latencies',
      title: 'Answered requests by their latency',
      description: `Half took at most ${formatMs(latencyMs.p50)}, 95 % at most ${formatMs(latencyMs.p95)}, 99 % at most ${formatMs(latencyMs.p99)}, the longest ${formatMs(latencyMs.max)}.`,
      x: { label: 'ms', format: plainMs, log: true },
      y: { label: 'share of the answered requests', format: formatShare },
      edges: [...bins.map(({ fromMs }) => fromMs), bins.at(-1)?.toMs ?? 1],
      bars: [{ name: 'requests', style: 1, values: bins.map(({ count }) => count / all) }],
      guides: latencyGuides(limits, 'x'),
    }),
    reading: 'The scale of the latencies is logarithmic: each bar is the same factor wide. Lines are limits.',
    table: foldedTable('Numbers of the distribution', {
      head: ['latency', 'requests'],
      rows: bins.map(({ fromMs, toMs, count }) => [
        `${formatMs(fromMs)} to ${formatMs(toMs)}`,
        formatCount(count),
      ]),
    }),
  })
}

/** The limits of percentiles that the picture shows, in the colour of their lines. */
function latencyGuides(limits: readonly LimitCheck[], axis: 'x' | 'y'): Guide[] {
  return limits.flatMap(({ name, limit }): Guide[] => {
    if (name === 'errors' || name === 'rate' || limit <= 0) return []
    const place = SHOWN.findIndex((key) => key === name)
    const style = ([1, 2, 3] as const)[place]
    return [
      { axis, value: limit, name: `${LATENCY_NAMES[name]} ≤ ${formatMs(limit)}`, ...(style && { style }) },
    ]
  })
}

function errorSection(errors: LoadTestResult['errors']): Section[] {
  if (errors.length === 0) return []
  const table = dataTable({
    caption: 'Errors by kind',
    head: ['error', 'requests'],
    rows: errors.map(({ kind, count }) => [kind, formatCount(count)]),
  })
  return [{ id: 'errors', heading: 'Errors', content: markup`<div class="panel narrow">\n${table}</div>\n` }]
}

function nameOf({ name }: LimitCheck): string {
  if (name === 'errors') return 'failed requests'
  return name === 'rate' ? 'rate sent in time' : LATENCY_NAMES[name]
}

function formatOf({ name }: LimitCheck): (value: number | null) => string {
  return name === 'errors' ? formatShare : name === 'rate' ? formatRate : formatMs
}

function limitText(check: LimitCheck): string {
  return `at ${check.name === 'rate' ? 'least' : 'most'} ${formatOf(check)(check.limit)}`
}

function plainMs(ms: number): string {
  return ms >= 1000 ? formatCount(ms) : String(Number(ms.toPrecision(3)))
}
