import { Worker } from 'node:worker_threads'
import { NearrankError } from '../../errors.ts'
import type { TopLists, TopMemory, UsersBatch } from './topRanker.ts'
import type { TopStart } from './topWorker.ts'

/** Batches that a thread has at a time: the one that it works on, and the next. */
const BATCHES = 2

interface Waiting {
  resolve: (lists: TopLists) => void
  reject: (error: unknown) => void
}

/** Threads that rank batches of users; each answers in the order in which it is asked. */
export class TopCrew {
  readonly batchesMax: number // that may be asked for at a time
  readonly #workers: Worker[] = []
  readonly #waiting: Waiting[][] = [] // by worker
  #asked = 0
  #failure: unknown

  constructor(memory: TopMemory, threads: number) {
    this.batchesMax = BATCHES * threads
    // The worker's own file: .ts from the sources, .js from the package.
    const url = new URL(`./topWorker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
    for (let thread = 0; thread < threads; thread++) {
      const workerData: TopStart = { memory, thread }
      const worker = new Worker(url, { workerData, execArgv: [], name: `nearrank ${thread}` })
      worker.on('message', (lists: TopLists) => this.#waiting[thread].shift()?.resolve(lists))
      worker.on('error', (error) => this.#fail(error))
      worker.on('exit', () =>
        this.#fail(new NearrankError('INTERNAL', 'A worker thread ended before its work did')),
      )
      this.#workers.push(worker)
      this.#waiting.push([])
    }
  }

  rank(batch: UsersBatch): Promise<TopLists> {
    const thread = this.#asked++ % this.#workers.length
    const answer = new Promise<TopLists>((resolve, reject) => {
      if (this.#failure === undefined) this.#waiting[thread].push({ resolve, reject })
      else reject(this.#failure)
    })
    this.#workers[thread].postMessage(batch)
    answer.catch(() => undefined) // reported where it is awaited
    return answer
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    for (const { reject } of this.#waiting.flatMap((own) => own.splice(0))) reject(this.#failure)
  }
}
