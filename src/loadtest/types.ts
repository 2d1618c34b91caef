import type { PreparedRequest } from './prepareRequests.ts'

/** What a run is held to. Latencies are those of answered requests, from when they were due. */
export interface Limits {
  p50Ms?: number
  p90Ms?: number
  p95Ms?: number
  p99Ms?: number
  p999Ms?: number
  maxMs?: number
  errorShare?: number // of the requests that may fail, default 0; anything but a 2xx has failed
}

export interface ServerOptions {
  url: string
  requests: readonly PreparedRequest[] // sent in order, and around again
  warmupMs?: number // before what is counted, at the same rate; default 2,000
  timeoutMs?: number // from when a request was due, sent or not; default 10,000
  connections?: number // at most; a request beyond waits for one and its waiting counts; default 1,024
  limits?: Limits
  keepTimeline?: boolean // what a page draws: timeline and distribution; default false
  signal?: AbortSignal // ends the run early; what was counted so far is returned
  onProgress?: (progress: LoadProgress) => void
}

export interface LoadTestOptions extends ServerOptions {
  rate: number // requests per second
  durationMs: number // counted, behind the warm-up
}

export interface FindMaxOptions extends ServerOptions {
  rate?: number // the first one tried, per second; default 100
  trialMs?: number // counted, of each trial; default 5,000
  onTrial?: (trial: LoadTestResult) => void
}

/** Milliseconds, within 0.1 %; null where nothing was answered. */
export interface Latencies {
  p50: number | null
  p90: number | null
  p95: number | null
  p99: number | null
  p999: number | null
  max: number | null
}

/** What became of the requests that were due in a part of the time. */
export interface LoadSlice {
  startSeconds: number // of the counted time
  endSeconds: number
  ok: number
  failed: number
  latencyMs: Pick<Latencies, 'p50' | 'p95' | 'p99' | 'max'> // within 1 %, the longest exact
}

/** How many requests took how long. */
export interface LatencyBin {
  fromMs: number
  toMs: number
  count: number
}

export interface LimitCheck {
  name: keyof Latencies | 'errors' | 'rate'
  limit: number // ms; a share; requests per second, at least
  measured: number | null
  met: boolean
}

export interface LoadTestResult {
  rate: number // asked, per second
  achievedRate: number // of requests that left within the time, whatever became of them
  durationSeconds: number
  ok: number
  failed: number
  latencyMs: Latencies
  limits: LimitCheck[]
  errors: { kind: string; count: number }[] // most frequent first
  refusalMs: Latencies // of requests answered with anything but a 2xx
  sendDelayMs: Latencies // between due and sent: waiting for a connection, or the generator itself
  timeline: LoadSlice[] // by when requests were due; empty unless kept
  distribution: LatencyBin[] // of answered requests; empty unless kept
  isInterrupted: boolean
}

export interface FindMaxResult extends LoadTestResult {
  trials: LoadTestResult[]
}

export interface LoadProgress {
  stage: 'warm up' | 'measure' | 'last answers'
  rate: number
  seconds: number // of the stage
  stageSeconds: number
  ok: number
  failed: number
  inFlight: number
  latencyMs: Latencies
}
