import { parsePrometheusText, type Sample } from './prometheusText.ts'

/** Counts of a histogram since the start of the server. */
export interface Histogram {
  bounds: number[] // upper ones, rising; the last is Infinity
  counts: number[] // of all up to each bound
  sum: number
}

/** What the server's metrics said at one moment; null: nothing. */
export interface Snapshot {
  atMs: number // of the page's own clock, which only goes forward
  startedAtS: number | null // since 1970; another one is another process
  answers: ReadonlyMap<string, number> // ranked lists since the start, by status
  latency: Histogram // seconds
  candidates: Histogram
  queue: number | null
  loopDelayS: number | null // P99 of the slowest thread
  memoryBytes: number | null
  processorS: number | null // since the start
  storeLagS: number | null
  isStoreConnected: boolean
  threads: number | null
  users: number | null
  restaurants: number | null
  troubles: ReadonlyMap<Trouble, number> // since the start
}

/** What happens seldom, and is counted. */
export const TROUBLES = {
  nearrank_dropped_connections_total: 'connections closed because their clients did not read',
  nearrank_thread_restarts_total: 'threads that died and were started again',
  nearrank_lost_log_lines_total: 'log lines that could not be written',
  nearrank_not_finite_total: 'restaurants left out because their scores are not finite',
  nearrank_average_user_total: 'lists made for the mean user, because the user is unknown',
} as const
export type Trouble = keyof typeof TROUBLES

/** Reads the text of `GET /metrics`. */
export function readSnapshot(text: string, atMs: number): Snapshot {
  const metrics = parsePrometheusText(text)
  const samples = (name: string): Sample[] => metrics.get(name) ?? []
  const one = (name: string, label = '', value = ''): number | null => {
    const found = samples(name).find(({ labels }) => label === '' || labels.get(label) === value)
    return found && Number.isFinite(found.value) ? found.value : null
  }
  const delays = samples('nearrank_event_loop_delay_seconds').flatMap(({ labels, value }) =>
    labels.get('quantile') === 'p99' && Number.isFinite(value) ? [value] : [],
  )
  return {
    atMs,
    startedAtS: one('process_start_time_seconds'),
    answers: new Map(
      samples('nearrank_requests_total').map(({ labels, value }) => [labels.get('status') ?? '', value]),
    ),
    latency: histogramOf('nearrank_request_duration_seconds', samples),
    candidates: histogramOf('nearrank_candidates', samples),
    queue: one('nearrank_queue_length'),
    loopDelayS: delays.length > 0 ? Math.max(...delays) : null,
    memoryBytes: one('process_resident_memory_bytes'),
    processorS: one('process_cpu_seconds_total'),
    storeLagS: one('nearrank_store_lag_seconds'),
    isStoreConnected: one('nearrank_store_connected') === 1,
    threads: one('nearrank_workers'),
    users: one('nearrank_rows', 'side', 'users'),
    restaurants: one('nearrank_rows', 'side', 'restaurants'),
    troubles: new Map((Object.keys(TROUBLES) as Trouble[]).map((name) => [name, one(name) ?? 0] as const)),
  }
}

/** The bounds rise, whatever their order in the text. */
function histogramOf(name: string, samples: (name: string) => Sample[]): Histogram {
  const buckets = samples(`${name}_bucket`)
    .map(({ labels, value }) => {
      const le = labels.get('le') ?? ''
      return { bound: le === '+Inf' ? Infinity : Number(le === '' ? Number.NaN : le), count: value }
    })
    .filter(({ bound, count }) => !Number.isNaN(bound) && Number.isFinite(count))
    .toSorted((a, b) => (a.bound === b.bound ? 0 : a.bound - b.bound))
  return {
    bounds: buckets.map(({ bound }) => bound),
    counts: buckets.map(({ count }) => count),
    sum: samples(`${name}_sum`)[0]?.value ?? 0,
  }
}
