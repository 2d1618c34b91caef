import { formatBytes, formatCount } from '../../src/format.ts'
import { markdownTable, wrap } from './markdown.ts'
import { ratioText, spreadOf, spreadText } from './spread.ts'
import { roundsText } from './trainingTable.ts'
import type { Agreement, Serving, ServingRun, ServingSide } from './types.ts'

const CPU_RATE = 300
const LABELS: Record<ServingSide, string> = {
  nearrank: 'Nearrank, 2 workers',
  memory1: 'FastAPI, NumPy, 1 worker',
  memory2: 'FastAPI, NumPy, 2 workers',
  redis: 'FastAPI, features from Redis, 2 workers',
  redisLocations: 'FastAPI, features and places from Redis, 2 workers',
}
const HEAD = [
  '',
  'requests/s at P95 ≤ 100 ms',
  'Nearrank serves',
  'P50, P95, P99 at 30/s',
  `CPU per request at ${CPU_RATE}/s`,
  'memory',
]

/** The sides' serving: highest rate, latency, processor time, memory, and how many times as much Nearrank serves. */
export function servingTable({ agreements, rounds }: Serving): string {
  const sides = (Object.keys(LABELS) as ServingSide[]).filter((side) => rounds[0][side])
  const runsOf = (side: ServingSide) => rounds.map((round) => round[side]).filter((run) => run !== undefined)
  const failed = sides.flatMap(runsOf).reduce((sum, run) => sum + run.failed, 0)
  const paragraphs = [
    wrap(
      `1,000 candidates per request; only the measured server runs, next to the load generator. ` +
        `${roundsText(rounds.length)} Memory is the peak of the process tree` +
        (sides.includes('redis') ? '; a figure after a + is that of the Redis server.' : '.'),
    ),
    markdownTable(
      HEAD,
      sides.map((side) => sideRow(LABELS[side], runsOf(side), runsOf('nearrank'))),
    ),
    agreementText(Object.values(agreements)),
  ]
  if (failed > 0) paragraphs.push(`**${formatCount(failed)} requests at fixed rates failed.**`)
  return paragraphs.join('\n\n')
}

function sideRow(label: string, runs: readonly ServingRun[], nearrank: readonly ServingRun[]): string[] {
  const rates = runs.map(({ highestRate }) => highestRate)
  const ownRates = nearrank.map(({ highestRate }) => highestRate)
  return [
    label,
    spreadText(rates, formatCount),
    runs[0] === nearrank[0] ? '' : ratioText(ownRates, rates),
    `${(['p50', 'p95', 'p99'] as const).map((share) => latencyText(runs, share)).join(', ')} ms`,
    cpuText(runs),
    memoryText(runs),
  ]
}

function latencyText(runs: readonly ServingRun[], share: keyof ServingRun['latencyMs']): string {
  return spreadOf(runs.map(({ latencyMs }) => latencyMs[share])).median.toFixed(2)
}

function cpuText(runs: readonly ServingRun[]): string {
  const own = spreadText(
    runs.map(({ cpuMs }) => cpuMs),
    (ms) => ms.toFixed(2),
  )
  const redis = runs.map(({ redisCpuMs }) => redisCpuMs).filter((ms) => ms !== null)
  const { lowest, highest } = spreadOf(runs.map(({ cpuRate }) => cpuRate))
  const rate = lowest === CPU_RATE ? '' : ` at ${lowest === highest ? lowest : `${lowest}–${highest}`}/s`
  return `${own}${redis.length > 0 ? ` + ${spreadOf(redis).median.toFixed(2)}` : ''} ms${rate}`
}

function memoryText(runs: readonly ServingRun[]): string {
  const own = spreadText(
    runs.map(({ peakBytes }) => peakBytes),
    formatBytes,
  )
  const redis = runs.map(({ redisBytes }) => redisBytes).filter((bytes) => bytes !== null)
  return redis.length > 0 ? `${own} + ${formatBytes(spreadOf(redis).median)}` : own
}

function agreementText(agreements: readonly Agreement[]): string {
  const largest = (key: keyof Agreement) => Math.max(...agreements.map((agreement) => agreement[key]))
  const sum = (key: keyof Agreement) => agreements.reduce((total, agreement) => total + agreement[key], 0)
  return wrap(
    `Before the measurement, each peer and Nearrank answered the same ${largest('requests')} requests. ${sum('sameIds')} of ` +
      `${sum('requests')} answers had the same restaurants in the same order; in the others, restaurants whose scores are ` +
      `within 0.000001 of each other changed places. Scores differed by at most ${largest('maxScoreDifference').toExponential(0)}, distances by at most ` +
      `${(1000 * largest('maxDisplacementDifference')).toFixed(1)} mm.`,
  )
}
