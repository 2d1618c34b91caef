import { Gauge, Registry } from '@prometheus-io/client'
import { lostLogLines } from './logger.ts'
import type { Health } from './services.ts'
import {
  type Buckets,
  CANDIDATE_BOUNDS,
  LATENCY_BOUNDS,
  STAGES,
  STATUSES,
  type ThreadStats,
} from './threads/threadStats.ts'

interface Sample {
  metricName?: string
  labels?: Record<string, string | number>
  value: number
}

/**
 * Everything on `/metrics`, in Prometheus's text format: what the listening threads have counted, summed, and
 * the state of the server.
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #threads: readonly ThreadStats[]
  readonly #health: () => Health

  constructor(threads: readonly ThreadStats[], health: () => Health) {
    this.#threads = threads
    this.#health = health
    this.#addRankings()
    this.#addThreads()
    this.#addServer()
    this.#addProcess()
  }

  /** The text. */
  render(): Promise<string> {
    return this.#registry.metrics()
  }

  #addRankings(): void {
    this.#add('nearrank_requests_total', 'counter', 'Requests for a ranked list, by status.', () =>
      STATUSES.map((status) => ({
        labels: { status },
        value: this.#sum((thread) => thread.statusCount(status)),
      })),
    )
    this.#histogram(
      'nearrank_request_duration_seconds',
      'Time from the head of a request to its answer, ranked lists only.',
      LATENCY_BOUNDS,
      (thread) => thread.latency,
    )
    this.#histogram(
      'nearrank_candidates',
      'Known, distinct candidates of a request.',
      CANDIDATE_BOUNDS,
      (thread) => thread.candidates,
    )
    this.#add('nearrank_stage_seconds_total', 'counter', 'Time spent on ranked lists, by stage.', () =>
      STAGES.map((stage) => ({
        labels: { stage },
        value: this.#sum((thread) => thread.stageSeconds(stage)),
      })),
    )
    this.#add('nearrank_average_user_total', 'counter', 'Ranked lists made for the mean user.', () => [
      { value: this.#sum((thread) => thread.averageUsers) },
    ])
    this.#add(
      'nearrank_not_finite_total',
      'counter',
      'Restaurants left out because their scores are not finite.',
      () => [{ value: this.#sum((thread) => thread.notFinite) }],
    )
  }

  #addThreads(): void {
    this.#gauge('nearrank_queue_length', 'Requests that are waiting.', () =>
      this.#sum((thread) => thread.waiting),
    )
    this.#add(
      'nearrank_dropped_connections_total',
      'counter',
      'Connections closed because their clients did not read.',
      () => [{ value: this.#sum((thread) => thread.dropped) }],
    )
    this.#add(
      'nearrank_thread_restarts_total',
      'counter',
      'Listening threads that died and were started again.',
      () => [{ value: this.#sum((thread) => thread.restarts) }],
    )
    this.#add(
      'nearrank_event_loop_delay_seconds',
      'gauge',
      'Delay of a thread’s event loop over the last five seconds.',
      () =>
        this.#threads.flatMap((thread, i) =>
          Object.entries(thread.loopDelay).map(([quantile, value]) => ({
            labels: { thread: i + 1, quantile },
            value,
          })),
        ),
    )
  }

  #addServer(): void {
    const health = this.#health
    this.#gauge('nearrank_ready', '1 if the server is ready.', () => Number(health().ready))
    this.#gauge('nearrank_workers', 'Listening threads that take requests.', () => health().listeningThreads)
    this.#gauge(
      'nearrank_model_version',
      'Version of the model: 1 at the start, one more after each change.',
      () => health().model?.version ?? 0,
    )
    this.#add('nearrank_rows', 'gauge', 'Rows in memory.', () => {
      const { users, restaurants } = health()
      return [
        { labels: { side: 'users' }, value: users },
        { labels: { side: 'restaurants' }, value: restaurants },
      ]
    })
    this.#gauge('nearrank_store_connected', '1 if the store can be reached.', () =>
      Number(health().store.connected),
    )
    this.#gauge(
      'nearrank_store_lag_seconds',
      'How long memory may have been behind the store; 0 if it is not.',
      () => health().store.lagMs / 1000,
    )
  }

  #addProcess(): void {
    this.#add('nearrank_lost_log_lines_total', 'counter', 'Log lines that could not be written.', () => [
      { value: lostLogLines() },
    ])
    this.#gauge('process_resident_memory_bytes', 'Resident memory of the process.', () =>
      process.memoryUsage.rss(),
    )
    this.#add('process_cpu_seconds_total', 'counter', 'Processor time of the process.', () => {
      const { user, system } = process.cpuUsage()
      return [{ value: (user + system) / 1e6 }]
    })
    this.#gauge('process_start_time_seconds', 'Start time of the process, seconds since 1970.', () =>
      Math.round(performance.timeOrigin / 1000),
    )
  }

  #sum(of: (thread: ThreadStats) => number): number {
    return this.#threads.reduce((total, thread) => total + of(thread), 0)
  }

  #gauge(name: string, help: string, value: () => number): void {
    this.#registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(value())
        },
      }),
    )
  }

  /** A metric whose samples are computed on demand. The registry takes whatever has this form. */
  #add(name: string, type: string, help: string, samples: () => Sample[]): void {
    const metric = {
      name,
      help,
      type,
      get: async () => ({ name, help, type, values: samples(), aggregator: 'sum' }),
    }
    this.#registry.registerMetric(metric as unknown as Gauge)
  }

  #histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    of: (thread: ThreadStats) => Buckets,
  ): void {
    this.#add(name, 'histogram', help, () => {
      const all = this.#threads.map(of)
      const samples: Sample[] = []
      let count = 0
      for (const [i, le] of [...bounds, '+Inf'].entries()) {
        for (const { counts } of all) count += counts[i]
        samples.push({ metricName: `${name}_bucket`, labels: { le }, value: count })
      }
      const total = all.reduce((sum, buckets) => sum + buckets.sum, 0)
      samples.push({ metricName: `${name}_sum`, value: total }, { metricName: `${name}_count`, value: count })
      return samples
    })
  }
}
