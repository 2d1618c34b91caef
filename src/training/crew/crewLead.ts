import { Worker } from 'node:worker_threads'
import { type ClickRows, rowsAt } from '../../dataset/clicks/rowLayout.ts'
import { NearrankError } from '../../errors.ts'
import { compileKernels, type Simd } from '../../kernels/kernels.ts'
import { type CompiledKernels, prepareMemory } from '../../kernels/compiledKernels.ts'
import type { StateDict } from '../../model/network.ts'
import { stateToParameters } from '../../model/parameters.ts'
import { type Arena, allocateArena, planArena, RING_CHUNKS } from '../memory/arena.ts'
import type { ArenaShape } from '../memory/arenaShape.ts'
import { describeNotFinite } from '../step/adam.ts'
import type { WeightMeans } from '../settings/weightMeans.ts'
import type { TrainSettings } from '../types.ts'
import {
  CONTROL,
  CONTROL_WORDS,
  type CrewAnswer,
  type CrewJob,
  type CrewStart,
  type Position,
  REQUEST,
  SUM_COUNT,
  SUMS,
  type TrainedArrays,
} from './protocol.ts'

export interface CrewOptions {
  shape: ArenaShape
  simd: Simd
  // the build, compiled; by default without V8's 256-bit operations
  compiled?: CompiledKernels
  settings?: TrainSettings // if it is to train
  weights?: WeightMeans | null // of rows that come with weights
  steps?: number // of the whole run
  memory?: WebAssembly.Memory // all 0, of as many bytes as the arena takes or more; by default its own
}

/** One chunk of the ring, as views. */
export interface Chunk {
  rows: ClickRows
  logits: Float32Array // [shape.logits, chunkRows]
}

/**
 * The main thread's side: worker threads on one shared memory, a job at a time, rows through a ring of
 * chunks. It alone reads and writes the words and sums by which they agree.
 */
export class CrewLead {
  readonly arena: Arena
  readonly memory: WebAssembly.Memory
  readonly #control: Int32Array
  readonly #sums: Float64Array
  readonly #chunks: Chunk[]
  readonly #workers: Worker[] = []
  #snapshotsSeen = 0
  #isSnapshotAsked = false
  #failure: Error | undefined

  constructor(options: CrewOptions) {
    this.arena = planArena(options.shape)
    this.memory = options.memory ?? allocateArena(this.arena)
    const { buffer } = this.memory
    const { control, ring, shape } = this.arena
    this.#control = new Int32Array(buffer, control.words, CONTROL_WORDS)
    this.#sums = new Float64Array(buffer, control.sums, SUM_COUNT)
    this.#chunks = ring.slots.map(({ rows, logits }) => ({
      rows: rowsAt(ring.plan, buffer, rows, ring.chunkRows),
      logits: new Float32Array(buffer, logits, (shape.logits ?? 1) * ring.chunkRows),
    }))
    const compiled = options.compiled ?? {
      module: compileKernels(options.simd),
      turbo: false,
      native: null,
    }
    prepareMemory(compiled, this.memory)
    for (let thread = 0; thread < options.shape.threads; thread++)
      this.#start(thread, { ...options, compiled })
  }

  #start(
    thread: number,
    { shape, settings, weights, steps, compiled }: CrewOptions & Required<Pick<CrewOptions, 'compiled'>>,
  ): void {
    // The worker's own file: .ts from the sources, .js from the package.
    const url = new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
    const workerData: CrewStart = {
      thread,
      compiled,
      memory: this.memory,
      shape,
      settings: settings ?? null,
      weights: weights ?? null,
      steps: steps ?? 0,
    }
    const worker = new Worker(url, { workerData, execArgv: [], name: `nearrank ${thread}` })
    worker.on('error', (error) => this.#fail(error as Error))
    worker.on('exit', () =>
      this.#fail(new NearrankError('INTERNAL', 'A worker thread ended before its work did')),
    )
    this.#workers.push(worker)
  }

  /** A view of `count` float32 of the shared memory. */
  floats(at: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, count)
  }

  /** Puts weights in. They count after the next fold. */
  setWeights(state: StateDict): void {
    stateToParameters(this.arena.layout, state, this.trained().parameters)
  }

  /** What the workers train. */
  trained(): TrainedArrays {
    const { values, momentsM, momentsV } = this.arena.parameters
    return this.#arrays(values, momentsM, momentsV)
  }

  /** Where the run is. Between two jobs it is exact; during one it may be a step old. */
  position(): Position {
    return this.#position(0, CONTROL.step)
  }

  /**
   * Sets the place that the next job goes on from. A snapshot that was asked for before and came late is
   * forgotten.
   */
  restore({ step, rowsDone, lossSum, correct, digest }: Position): void {
    this.#sums[SUMS.loss] = lossSum
    this.#sums[SUMS.correct] = correct
    this.#sums[SUMS.rows] = rowsDone
    this.#sums[SUMS.digest] = digest
    Atomics.store(this.#control, CONTROL.step, step)
    this.#snapshotsSeen = Atomics.load(this.#control, CONTROL.snapshot)
    this.#isSnapshotAsked = false
  }

  /**
   * Asks the workers for a copy of everything as of one step; one at a time: the next one would overwrite it.
   */
  requestSnapshot(): void {
    if (this.#isSnapshotAsked) return
    this.#isSnapshotAsked = true
    Atomics.compareExchange(this.#control, CONTROL.request, REQUEST.none, REQUEST.snapshot)
  }

  /**
   * The copy that the workers have made since the last call; undefined: none. Valid until the next is asked
   * for.
   */
  takeSnapshot(): { position: Position; arrays: TrainedArrays } | undefined {
    const taken = Atomics.load(this.#control, CONTROL.snapshot)
    if (taken === this.#snapshotsSeen) return undefined
    this.#snapshotsSeen = taken
    this.#isSnapshotAsked = false
    const { snapshot } = this.arena.parameters
    const { size } = this.arena.layout
    return {
      position: this.#position(SUMS.snapshot, CONTROL.snapshotStep),
      arrays: this.#arrays(snapshot, snapshot + 4 * size, snapshot + 8 * size),
    }
  }

  /** Asks the workers to leave the training job after the step that they are in. */
  stop(): void {
    Atomics.store(this.#control, CONTROL.request, REQUEST.stop)
  }

  /**
   * Whether the workers left the last job before its rows ended: they were stopped, or something is not
   * finite.
   */
  get hasLeft(): boolean {
    return Atomics.load(this.#control, CONTROL.leave) !== 0
  }

  /** What has become NaN or infinite; undefined: nothing. */
  notFinite(): string | undefined {
    const code = Atomics.load(this.#control, CONTROL.notFinite)
    return code === 0 ? undefined : describeNotFinite(code, this.arena.layout)
  }

  /** Runs one job on all threads; settles when all have left it. If it is fed, `feed` runs beside it. */
  async run(job: CrewJob, feed?: () => Promise<void>): Promise<void> {
    if (this.#failure) throw this.#failure
    const { chunksReady, chunksDone, leave, request } = CONTROL
    for (const word of [chunksReady, chunksDone, leave, request]) Atomics.store(this.#control, word, 0)
    const answers = this.#workers.map((worker) => this.#ask(worker, job))
    const feeding = feed?.().catch((error: unknown) => {
      this.#fail(error as Error)
      throw error
    })
    await Promise.all([...answers, feeding])
  }

  /** Chunk number `chunk` of the job, in its slot of the ring. */
  chunk(chunk: number): Chunk {
    return this.#chunks[chunk % RING_CHUNKS]
  }

  /** Waits until the job's chunk `chunk` may be filled again; false if the workers have left. */
  async awaitFree(chunk: number): Promise<boolean> {
    await this.awaitDone(chunk - RING_CHUNKS + 1)
    return !this.hasLeft
  }

  /** Waits until `count` chunks are done, or the workers leave. */
  async awaitDone(count: number): Promise<void> {
    for (;;) {
      if (this.#failure) throw this.#failure
      const done = Atomics.load(this.#control, CONTROL.chunksDone)
      if (done >= count || this.hasLeft) return
      const wait = Atomics.waitAsync(this.#control, CONTROL.chunksDone, done, 100)
      if (wait.async) await wait.value
    }
  }

  /** Hands chunk number `chunk` of the job to the workers; rows −1 ends the stream. */
  publish(chunk: number, rows: number): void {
    Atomics.store(this.#control, CONTROL.chunkRows + (chunk % RING_CHUNKS), rows)
    Atomics.store(this.#control, CONTROL.chunksReady, chunk + 1)
    Atomics.notify(this.#control, CONTROL.chunksReady)
  }

  async close(): Promise<void> {
    Atomics.store(this.#control, CONTROL.failed, 1)
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #position(firstSum: number, stepWord: number): Position {
    const sums = this.#sums
    return {
      step: Atomics.load(this.#control, stepWord),
      rowsDone: sums[firstSum + SUMS.rows],
      lossSum: sums[firstSum + SUMS.loss],
      correct: sums[firstSum + SUMS.correct],
      digest: sums[firstSum + SUMS.digest],
    }
  }

  #arrays(parameters: number, momentsM: number, momentsV: number): TrainedArrays {
    const { size } = this.arena.layout
    return {
      parameters: this.floats(parameters, size),
      momentsM: this.floats(momentsM, size),
      momentsV: this.floats(momentsV, size),
    }
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
        const { message, stack } = answer
        const error = new NearrankError('INTERNAL', `A worker thread failed: ${message}\n${stack}`)
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
    Atomics.store(this.#control, CONTROL.failed, 1)
    for (const worker of this.#workers) void worker.terminate()
  }
}
