import { RATE_MAX, RATE_MIN } from '../../loadtest/loadPlan.ts'
import { group, type OptionTable, type OptionValues } from '../../options/option.ts'
import { boolean, integer, number, text } from '../../options/schemas.ts'
import { PAGE_OPTION } from '../output/reportFile.ts'
import { JSON_OPTION } from './flags.ts'

const latency = () => number(0, 600_000)
const seconds = () => number(0.1, 7 * 24 * 3600)

const SERVER = {
  url: { schema: text(), flag: '--url <url>', help: 'http://127.0.0.1:8080 (required)' },
  requests: { schema: text(), flag: '--requests <file>', help: 'requests.parquet (required), sent in order' },
  candidates: {
    schema: boolean(),
    flag: '--no-candidates',
    help: 'send no candidate lists: rank everything within reach',
  },
  apiKey: {
    schema: text(),
    flag: '--api-key <key>',
    help: 'better in NEARRANK_API_KEY, hidden from the process list',
  },
} satisfies OptionTable

const LOAD = {
  rate: {
    schema: number(RATE_MIN, RATE_MAX),
    flag: '--rate <n>',
    help: 'requests per second, default 30',
  },
  durationS: { schema: seconds(), flag: '--duration <seconds>', help: 'measured time, default 60' },
  warmupS: {
    schema: number(0, 3600),
    flag: '--warmup <seconds>',
    help: 'unmeasured time before, at the same rate; default 2',
  },
  timeoutMs: {
    schema: integer(1, 600_000),
    flag: '--timeout-ms <ms>',
    help: 'from when a request is due, default 10000',
  },
  connections: {
    schema: integer(1, 60_000),
    flag: '--connections <n>',
    help: 'at most, default 1024; opened as needed',
  },
} satisfies OptionTable

const LIMITS = {
  p95Ms: {
    schema: latency(),
    flag: '--p95 <ms>',
    term: '--p50, --p90, --p95, --p99, --p999 <ms>',
    help: 'limits of these latency percentiles',
  },
  p50Ms: { schema: latency(), flag: '--p50 <ms>' },
  p90Ms: { schema: latency(), flag: '--p90 <ms>' },
  p99Ms: { schema: latency(), flag: '--p99 <ms>' },
  p999Ms: { schema: latency(), flag: '--p999 <ms>' },
  maxMs: { schema: latency(), flag: '--max <ms>', help: 'limit of the longest latency' },
  errorShare: {
    schema: number(0, 1),
    flag: '--errors <share>',
    help: 'share that may fail (no answer, or not 2xx), default 0',
  },
} satisfies OptionTable

const SEARCH = {
  findMax: {
    schema: boolean(),
    flag: '--find-max',
    help: 'find the highest rate that meets the limits, within 5 %',
  },
  trialS: {
    schema: seconds(),
    flag: '--trial-seconds <seconds>',
    help: 'of each trial, default 5; the first has --rate, or 100',
  },
} satisfies OptionTable

const LIMIT_GROUP = { limits: group(LIMITS, 'an object of limits') }

export const LOADTEST_GROUPS: [heading: string, OptionTable][] = [
  ['Server:', SERVER],
  ['Load:', LOAD],
  ['Limits (at least 99 % of the rate must also be sent in time):', LIMIT_GROUP],
  ['Search:', SEARCH],
  ['Output:', { ...PAGE_OPTION, ...JSON_OPTION }],
]

export const LOADTEST_OPTIONS = {
  ...SERVER,
  ...LOAD,
  ...LIMIT_GROUP,
  ...SEARCH,
  ...PAGE_OPTION,
  ...JSON_OPTION,
}

export type LoadTestFlags = Partial<OptionValues<typeof LOADTEST_OPTIONS>>
