/** Upper bounds of the latency histogram's buckets, seconds. */
export const LATENCY_BOUNDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
] as const
/** Of the histogram of candidates. */
export const CANDIDATE_BOUNDS = [1, 10, 30, 100, 300, 1000, 3000, 10_000, 100_000] as const
export const STAGES = ['wait', 'parse', 'rank', 'write'] as const
export const STATUSES = [200, 400, 401, 403, 404, 408, 413, 415, 417, 421, 500, 503] as const

export type Stage = (typeof STAGES)[number]
export type Status = (typeof STATUSES)[number]

const LATENCY = 0
const CANDIDATES = LATENCY + LATENCY_BOUNDS.length + 2 // buckets, those beyond, sum
const STAGE_SECONDS = CANDIDATES + CANDIDATE_BOUNDS.length + 2
const STATUS_COUNTS = STAGE_SECONDS + STAGES.length
const AVERAGE_USERS = STATUS_COUNTS + STATUSES.length
const NOT_FINITE = AVERAGE_USERS + 1
const WAITING = NOT_FINITE + 1
const DROPPED = WAITING + 1
const STARTS = DROPPED + 1
const LOOP_DELAY = STARTS + 1 // p50, p99, max, seconds
const LENGTH = LOOP_DELAY + 3

/** Counts by bucket, the last one being that of everything beyond; and the sum of what was counted. */
export interface Buckets {
  counts: number[]
  sum: number
}

/**
 * What one listening thread has counted, in memory that the main thread reads for `/metrics`: recording costs
 * some additions and no message. Only that thread writes; float64 counts are exact to 2^53.
 */
export class ThreadStats {
  static readonly BYTES = 8 * LENGTH
  readonly #values: Float64Array

  constructor(shared: SharedArrayBuffer) {
    this.#values = new Float64Array(shared)
  }

  /** The thread begins, for the first time or again after its death. Nobody waits any more. */
  started(): void {
    this.#values[STARTS]++
    this.setWaiting(0)
  }

  /** An answered request. */
  count(status: Status, seconds: number): void {
    this.#values[STATUS_COUNTS + STATUSES.indexOf(status)]++
    if (status === 200) this.#observe(LATENCY, LATENCY_BOUNDS, seconds)
  }

  /** What a ranked list took, in milliseconds each. */
  observeRanking(candidates: number, waitMs: number, parseMs: number, rankMs: number, writeMs: number): void {
    this.#observe(CANDIDATES, CANDIDATE_BOUNDS, candidates)
    this.#values[STAGE_SECONDS] += waitMs / 1000
    this.#values[STAGE_SECONDS + 1] += parseMs / 1000
    this.#values[STAGE_SECONDS + 2] += rankMs / 1000
    this.#values[STAGE_SECONDS + 3] += writeMs / 1000
  }

  countAverageUser(): void {
    this.#values[AVERAGE_USERS]++
  }

  /** Restaurants that were left out, since their scores are no finite numbers. */
  countNotFinite(restaurants: number): void {
    this.#values[NOT_FINITE] += restaurants
  }

  /** A connection was closed because its client did not read. */
  countDropped(): void {
    this.#values[DROPPED]++
  }

  setWaiting(requests: number): void {
    this.#values[WAITING] = requests
  }

  setLoopDelay(p50Seconds: number, p99Seconds: number, maxSeconds: number): void {
    this.#values[LOOP_DELAY] = p50Seconds
    this.#values[LOOP_DELAY + 1] = p99Seconds
    this.#values[LOOP_DELAY + 2] = maxSeconds
  }

  get latency(): Buckets {
    return this.#buckets(LATENCY, LATENCY_BOUNDS.length)
  }

  get candidates(): Buckets {
    return this.#buckets(CANDIDATES, CANDIDATE_BOUNDS.length)
  }

  statusCount(status: Status): number {
    return this.#values[STATUS_COUNTS + STATUSES.indexOf(status)]
  }

  stageSeconds(stage: Stage): number {
    return this.#values[STAGE_SECONDS + STAGES.indexOf(stage)]
  }

  get averageUsers(): number {
    return this.#values[AVERAGE_USERS]
  }

  get notFinite(): number {
    return this.#values[NOT_FINITE]
  }

  get dropped(): number {
    return this.#values[DROPPED]
  }

  /** How often the thread was started again. */
  get restarts(): number {
    return Math.max(0, this.#values[STARTS] - 1)
  }

  get waiting(): number {
    return this.#values[WAITING]
  }

  get loopDelay(): { p50: number; p99: number; max: number } {
    const [p50, p99, max] = this.#values.subarray(LOOP_DELAY)
    return { p50, p99, max }
  }

  #observe(at: number, bounds: readonly number[], value: number): void {
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]) bucket++
    this.#values[at + bucket]++
    this.#values[at + bounds.length + 1] += value
  }

  #buckets(at: number, bounds: number): Buckets {
    const counts = [...this.#values.subarray(at, at + bounds + 1)]
    return { counts, sum: this.#values[at + bounds + 1] }
  }
}
