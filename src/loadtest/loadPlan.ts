import { NearrankError } from '../errors.ts'
import type { PreparedRequest } from './prepareRequests.ts'
import { parseTarget, type Target } from './target.ts'
import type { Limits, LoadProgress, ServerOptions } from './types.ts'

export const RATE_MAX = 100_000
export const RATE_MIN = 0.01
const CONNECTIONS_MAX = 60_000 // one address has no more ports
const TIMEOUT_MS_MAX = 600_000
const DURATION_MS_MAX = 7 * 24 * 3600 * 1000

/** Options with their defaults, checked. */
export interface LoadPlan {
  target: Target
  requests: readonly PreparedRequest[]
  warmupMs: number
  timeoutMs: number
  connections: number
  limits: Limits
  keepTimeline: boolean
  signal: AbortSignal | undefined
  onProgress: ((progress: LoadProgress) => void) | undefined
}

/** @throws NearrankError USAGE naming the option, INPUT without requests. */
export function planLoad(options: ServerOptions): LoadPlan {
  const { requests, warmupMs = 2000, timeoutMs = 10_000, connections = 1024, limits = {} } = options
  const target = parseTarget(options.url)
  checkBetween('warmupMs', warmupMs, 0, DURATION_MS_MAX)
  checkBetween('timeoutMs', timeoutMs, 1, TIMEOUT_MS_MAX)
  checkBetween('connections', connections, 1, CONNECTIONS_MAX)
  if (!Number.isInteger(connections)) throw wrong('connections', 'an integer', connections)
  for (const [name, limit] of Object.entries(limits))
    checkBetween(`limits.${name}`, limit, 0, name === 'errorShare' ? 1 : TIMEOUT_MS_MAX)
  if (requests.length === 0)
    throw new NearrankError('INPUT', 'Cannot test: at least one request is needed, found none')
  const { keepTimeline = false, signal, onProgress } = options
  return { target, requests, warmupMs, timeoutMs, connections, limits, keepTimeline, signal, onProgress }
}

/** @throws NearrankError USAGE for a rate that is none, or a time in which nothing is due. */
export function checkLoad(rate: number, durationMs: number): void {
  checkBetween('rate', rate, RATE_MIN, RATE_MAX)
  checkBetween('durationMs', durationMs, 1, DURATION_MS_MAX)
  if (countIn(rate, durationMs) === 0)
    throw new NearrankError(
      'USAGE',
      `Cannot test: at ${rate} requests per second none is due in ${durationMs} ms; use a longer duration`,
    )
}

/** How many requests are due in a time. */
export function countIn(rate: number, durationMs: number): number {
  return Math.round((rate * durationMs) / 1000)
}

function checkBetween(name: string, value: number, minimum: number, maximum: number): void {
  if (!(value >= minimum && value <= maximum)) throw wrong(name, `from ${minimum} to ${maximum}`, value)
}

function wrong(name: string, wanted: string, found: number): NearrankError {
  return new NearrankError('USAGE', `Cannot test: ${name} must be ${wanted}, found ${found}`)
}
