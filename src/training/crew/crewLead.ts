import { Worker } from 'node:worker_threads'
import { NearrankError } from '../../errors.ts'
import { compileKernels, type Simd } from '../../kernels/kernels.ts'
import { allocateArena, planArena, RING_CHUNKS, type Arena, type ArenaShape } from '../memory/arena.ts'
import { CONTROL, CONTROL_WORDS, REQUEST } from './control.ts'
import type { CrewAnswer, CrewJob, CrewStart } from './job.ts'
import type { TrainSettings } from '../types.ts'

export interface CrewOptions {
  shape: ArenaShape
  simd: Simd
  module?: WebAssembly.Module // the build, compiled; by default as it is
  settings?: TrainSettings // where it is to train
  steps?: number // of the whole run
}

/** The rows of one chunk of the ring, as views. */
export interface Chunk {
  users: Uint32Array
  restaurants: Uint32Array
  clicks: Uint8Array
  logits: Float32Array
}

/** The main thread's side: worker threads on one shared memory, a job at a time, rows through a ring of chunks. */
export class CrewLead {
  readonly arena: Arena
  readonly memory: WebAssembly.Memory
  readonly control: Int32Array
  readonly chunks: Chunk[]
  readonly #workers: Worker[] = []
  #failure: Error | undefined

  constructor(options: CrewOptions) {
    this.arena = planArena(options.shape)
    this.memory = allocateArena(this.arena)
    const { buffer } = this.memory
    this.control = new Int32Array(buffer, this.arena.control, CONTROL_WORDS)
    const { chunkRows } = this.arena
    this.chunks = this.arena.ring.map((place) => ({
      users: new Uint32Array(buffer, place.users, chunkRows),
      restaurants: new Uint32Array(buffer, place.restaurants, chunkRows),
      clicks: new Uint8Array(buffer, place.clicks, chunkRows),
      logits: new Float32Array(buffer, place.logits, chunkRows),
    }))
    const module = options.module ?? compileKernels(options.simd)
    // The worker's own file: .ts from the sources, .js from the package.
    const url = new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
    for (let thread = 0; thread < options.shape.threads; thread++) {
      const workerData: CrewStart = {
        thread,
        module,
        memory: this.memory,
        shape: options.shape,
        settings: options.settings ?? null,
        steps: options.steps ?? 0,
      }
      const worker = new Worker(url, { workerData, execArgv: [], name: `nearrank ${thread}` })
      worker.on('error', (error) => this.#fail(error as Error))
      worker.on('exit', () =>
        this.#fail(new NearrankError('INTERNAL', 'A worker thread ended before its work did')),
      )
      this.#workers.push(worker)
    }
  }

  /** A view of `count` float32 of the shared memory. */
  floats(at: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, count)
  }

  /** Runs one job on all threads; settles when all have left it. Where it is fed, `feed` runs beside it. */
  async run(job: CrewJob, feed?: () => Promise<void>): Promise<void> {
    if (this.#failure) throw this.#failure
    const { chunksReady, chunksDone, leave, request } = CONTROL
    for (const word of [chunksReady, chunksDone, leave, request]) Atomics.store(this.control, word, 0)
    const answers = this.#workers.map((worker) => this.#ask(worker, job))
    const feeding = feed?.().catch((error: unknown) => {
      this.#fail(error as Error)
      throw error
    })
    await Promise.all([...answers, feeding])
  }

  /** Asks the workers to leave the training job after the step they are in. */
  stop(): void {
    Atomics.store(this.control, CONTROL.request, REQUEST.stop)
  }

  /** Waits until the job's chunk `chunk` may be filled again; false where the workers have left. */
  async awaitFree(chunk: number): Promise<boolean> {
    await this.awaitDone(chunk - RING_CHUNKS + 1)
    return Atomics.load(this.control, CONTROL.leave) === 0
  }

  /** Waits until `count` chunks are done, or the workers leave. */
  async awaitDone(count: number): Promise<void> {
    for (;;) {
      if (this.#failure) throw this.#failure
      const done = Atomics.load(this.control, CONTROL.chunksDone)
      if (done >= count || Atomics.load(this.control, CONTROL.leave) !== 0) return
      await this.awaitChange(CONTROL.chunksDone, done, 100)
    }
  }

  /** Waits until the word differs from `value`, `timeoutMs` at most. */
  async awaitChange(word: number, value: number, timeoutMs: number): Promise<void> {
    const wait = Atomics.waitAsync(this.control, word, value, timeoutMs)
    if (wait.async) await wait.value
  }

  /** Hands chunk number `chunk` of the job to the workers; rows −1 ends the stream. */
  publish(chunk: number, rows: number): void {
    Atomics.store(this.control, CONTROL.chunkRows + (chunk % RING_CHUNKS), rows)
    Atomics.store(this.control, CONTROL.chunksReady, chunk + 1)
    Atomics.notify(this.control, CONTROL.chunksReady)
  }

  async close(): Promise<void> {
    Atomics.store(this.control, CONTROL.failed, 1)
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #ask(worker: Worker, job: CrewJob): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | undefined) => {
        worker.off('message', onMessage)
        worker.off('exit', onExit)
        if (error) reject(error)
        else resolve()
      }
      const onMessage = (answer: CrewAnswer) => {
        if (answer.type === 'done') return settle(undefined)
        const error = new NearrankError(
          'INTERNAL',
          `A worker thread failed: ${answer.message}\n${answer.stack}`,
        )
        this.#fail(error)
        settle(error)
      }
      const onExit = () => settle(this.#failure)
      worker.on('message', onMessage)
      worker.on('exit', onExit)
      worker.postMessage(job)
    })
  }

  #fail(error: Error): void {
    this.#failure ??= error
    Atomics.store(this.control, CONTROL.failed, 1)
    for (const worker of this.#workers) void worker.terminate()
  }
}
