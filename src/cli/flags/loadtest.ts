import { RATE_MAX, RATE_MIN } from '../../loadtest/loadPlan.ts'
import type { Limits } from '../../loadtest/types.ts'
import type { Flag } from './flags.ts'
import { integerBetween, numberBetween, parseText } from './values.ts'

/** What the flags below say. */
export interface LoadTestFlags {
  url?: string
  requests?: string
  apiKey?: string
  candidates?: false
  rate?: number
  durationS?: number
  warmupS?: number
  timeoutMs?: number
  connections?: number
  limits?: Limits
  findMax?: true
  trialS?: number
  json?: true
}

const parseMs = numberBetween(0, 600_000)
const parseSeconds = numberBetween(0.1, 7 * 24 * 3600)

const SERVER_FLAGS: Flag[] = [
  { flags: '--url <url>', key: 'url', parse: parseText, help: 'http://127.0.0.1:8080 (required)' },
  {
    flags: '--requests <file>',
    key: 'requests',
    parse: parseText,
    help: 'requests.parquet (required), sent in order',
  },
  { flags: '--no-candidates', key: 'candidates', help: 'send no candidate lists: rank all within reach' },
  { flags: '--api-key <key>', key: 'apiKey', parse: parseText, help: 'or, unseen: NEARRANK_API_KEY=…' },
]
const LOAD_FLAGS: Flag[] = [
  {
    flags: '--rate <n>',
    key: 'rate',
    parse: numberBetween(RATE_MIN, RATE_MAX),
    help: 'requests per second, default 30',
  },
  { flags: '--duration <seconds>', key: 'durationS', parse: parseSeconds, help: 'counted, default 60' },
  {
    flags: '--warmup <seconds>',
    key: 'warmupS',
    parse: numberBetween(0, 3600),
    help: 'before, at the same rate, not counted; default 2',
  },
  {
    flags: '--timeout-ms <ms>',
    key: 'timeoutMs',
    parse: integerBetween(1, 600_000),
    help: 'from when a request was due, default 10000',
  },
  {
    flags: '--connections <n>',
    key: 'connections',
    parse: integerBetween(1, 60_000),
    help: 'at most, default 1024; opened as they are needed',
  },
]
const LIMIT_FLAGS: Flag[] = [
  {
    flags: '--p95 <ms>',
    term: '--p50, --p90, --p95, --p99, --p999 <ms>',
    key: 'limits.p95Ms',
    parse: parseMs,
    help: 'latency of that share, from when a request was due',
  },
  { flags: '--p50 <ms>', key: 'limits.p50Ms', parse: parseMs },
  { flags: '--p90 <ms>', key: 'limits.p90Ms', parse: parseMs },
  { flags: '--p99 <ms>', key: 'limits.p99Ms', parse: parseMs },
  { flags: '--p999 <ms>', key: 'limits.p999Ms', parse: parseMs },
  { flags: '--max <ms>', key: 'limits.maxMs', parse: parseMs, help: 'the longest latency' },
  {
    flags: '--errors <share>',
    key: 'limits.errorShare',
    parse: numberBetween(0, 1),
    help: 'that may fail (any answer but 2xx, or none), default 0',
  },
]
const SEARCH_FLAGS: Flag[] = [
  { flags: '--find-max', key: 'findMax', help: 'find the highest rate that keeps the limits, within 5 %' },
  {
    flags: '--trial-seconds <seconds>',
    key: 'trialS',
    parse: parseSeconds,
    help: 'of each trial, default 5; the first is --rate or 100',
  },
]
const OUTPUT_FLAGS: Flag[] = [{ flags: '--json', key: 'json', help: 'print one JSON object at the end' }]

export const LOADTEST_FLAGS: [heading: string, flags: Flag[]][] = [
  ['Server:', SERVER_FLAGS],
  ['Load:', LOAD_FLAGS],
  ['Limits (at least 99 % of the rate must also have been sent in time):', LIMIT_FLAGS],
  ['Search:', SEARCH_FLAGS],
  ['Output:', OUTPUT_FLAGS],
]
