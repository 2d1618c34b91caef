import { parentPort, workerData } from 'node:worker_threads'
import type { Kernels } from '../../kernels/kernels.ts'
import { bindCompiled } from '../../kernels/compiledKernels.ts'
import { batchOfGroups } from '../../dataset/clicks/groupBatches.ts'
import { type Arena, planArena, RING_CHUNKS, type RingSlot } from '../memory/arena.ts'
import { LOSS_NOT_FINITE } from '../step/adam.ts'
import { GroupPass } from '../step/groupPass.ts'
import { MixedPass } from '../step/mixedPass.ts'
import { RowPass } from '../step/rowPass.ts'
import { touchTables } from '../memory/touchTables.ts'
import { type Batch, foldStep, type Phase, trainStep } from '../step/trainStep.ts'
import { CrewFailed, PhaseRunner } from './phaseRunner.ts'
import {
  CONTROL,
  CONTROL_WORDS,
  type CrewAnswer,
  type CrewJob,
  type CrewStart,
  REQUEST,
  SUM_COUNT,
  SUMS,
  TASK_WORDS,
} from './protocol.ts'

/** Rows that one task scores. */
const SCORE_ROWS = 1024

/** One thread of the crew. All threads run the same code in step; thread 0 also answers requests. */
class CrewWorker {
  readonly #thread: number
  readonly #arena: Arena
  readonly #runner: PhaseRunner
  readonly #control: Int32Array
  readonly #sums: Float64Array
  readonly #floats: Float32Array
  readonly #words: Uint32Array
  readonly #rowPass: RowPass
  readonly #batch: Batch
  readonly #foldPhases: Phase[]
  readonly #trainPhases: Phase[]

  constructor(start: CrewStart, kernels: Kernels) {
    const { memory, thread, shape, settings, weights, steps } = start
    this.#thread = thread
    this.#arena = planArena(shape)
    const { control, ring } = this.#arena
    this.#control = new Int32Array(memory.buffer, control.words, CONTROL_WORDS)
    this.#sums = new Float64Array(memory.buffer, control.sums, SUM_COUNT)
    this.#floats = new Float32Array(memory.buffer)
    this.#words = new Uint32Array(memory.buffer)
    const tasks = new Int32Array(memory.buffer, control.tasks, shape.threads * TASK_WORDS)
    this.#runner = new PhaseRunner(this.#control, tasks, thread)
    this.#rowPass = new RowPass(this.#arena, kernels, memory, thread, weights)
    this.#foldPhases = foldStep(this.#arena, kernels, memory)
    this.#batch = { slot: ring.slots[0], from: 0, rows: 0, step: 0 }
    const options = {
      rowPass: this.#rowPass,
      groupPass: GroupPass.of(this.#arena, { kernels, memory }, thread, settings, weights),
      batch: this.#batch,
      steps,
      report: (code: number) => this.#reportNotFinite(code),
      onUpdated: () => this.#keepBooks(),
    }
    this.#trainPhases = settings ? trainStep(this.#arena, { kernels, memory }, { ...options, settings }) : []
  }

  run(job: CrewJob): void {
    if (job.type === 'train') this.#train()
    else if (job.type === 'score') this.#score()
    else if (job.type === 'scoreMixed') this.#scoreMixed(job.inputs)
    else this.#runPhases(this.#foldPhases)
  }

  #runPhases(phases: Phase[]): void {
    for (const { tasks, count } of phases) this.#runner.run(count(), (task) => tasks[task]())
  }

  /** Waits for chunk number `chunk` of the stream; returns its rows, −1 at the end. */
  #awaitChunk(chunk: number): number {
    const control = this.#control
    while (Atomics.load(control, CONTROL.chunksReady) <= chunk)
      this.#runner.waitWhile(CONTROL.chunksReady, chunk)
    return Atomics.load(control, CONTROL.chunkRows + (chunk % RING_CHUNKS))
  }

  #chunkDone(chunk: number): void {
    if (this.#thread !== 0) return
    Atomics.store(this.#control, CONTROL.chunksDone, chunk + 1)
    Atomics.notify(this.#control, CONTROL.chunksDone)
  }

  #train(): void {
    const batch = this.#batch
    batch.step = Atomics.load(this.#control, CONTROL.step)
    let hasLeft = false
    for (let chunk = 0; !hasLeft; chunk++) {
      const rows = this.#awaitChunk(chunk)
      if (rows < 0) return
      batch.slot = this.#arena.ring.slots[chunk % RING_CHUNKS]
      for (let from = 0; from < rows && !hasLeft; from += batch.rows) {
        batch.from = from
        batch.rows = this.#batchRows(batch.slot, from, rows)
        hasLeft = this.#trainBatch()
      }
      this.#chunkDone(chunk)
    }
  }

  #batchRows(slot: RingSlot, start: number, end: number): number {
    const { batchSize: max, groups: hasGroups } = this.#arena.shape
    if (!hasGroups) return Math.min(max, end - start)
    return batchOfGroups(this.#words.subarray(slot.rows.groups / 4), { start, end, max })
  }

  /**
   * One step; true if all threads are to leave. Flags are set before a barrier and read after it, so all
   * threads see the same.
   */
  #trainBatch(): boolean {
    if (this.#thread === 0) this.#answerRequest()
    this.#batch.step++
    this.#runPhases(this.#trainPhases)
    return Atomics.load(this.#control, CONTROL.leave) !== 0
  }

  /**
   * What is known when a step's parameters are updated; done by one thread, and seen by all after the next
   * barrier.
   */
  #keepBooks(): void {
    const control = this.#control
    this.#sums[SUMS.rows] += this.#batch.rows
    Atomics.store(control, CONTROL.step, this.#batch.step)
    if (!Number.isFinite(this.#sums[SUMS.batchLoss])) this.#reportNotFinite(LOSS_NOT_FINITE)
    if (
      Atomics.load(control, CONTROL.notFinite) !== 0 ||
      Atomics.load(control, CONTROL.request) === REQUEST.stop
    )
      Atomics.store(control, CONTROL.leave, 1)
  }

  #reportNotFinite(code: number): void {
    Atomics.compareExchange(this.#control, CONTROL.notFinite, 0, code)
  }

  /** A snapshot is taken between two steps; the others are gathering rows meanwhile and touch none of it. */
  #answerRequest(): void {
    const control = this.#control
    if (Atomics.load(control, CONTROL.request) !== REQUEST.snapshot) return
    const { layout, parameters } = this.#arena
    const { values, momentsM, momentsV, snapshot } = parameters
    for (const [i, at] of [values, momentsM, momentsV].entries())
      this.#floats.copyWithin(snapshot / 4 + i * layout.size, at / 4, at / 4 + layout.size)
    this.#sums.copyWithin(SUMS.snapshot, 0, SUMS.batchLoss)
    Atomics.store(control, CONTROL.snapshotStep, this.#batch.step)
    // Not a store: a request to stop may have come meanwhile.
    Atomics.compareExchange(control, CONTROL.request, REQUEST.snapshot, REQUEST.none)
    Atomics.add(control, CONTROL.snapshot, 1)
  }

  #score(): void {
    const { slots } = this.#arena.ring
    for (let chunk = 0; ; chunk++) {
      const rows = this.#awaitChunk(chunk)
      if (rows < 0) return
      const slot = slots[chunk % RING_CHUNKS]
      this.#runner.run(Math.ceil(rows / SCORE_ROWS), (task) => {
        const from = task * SCORE_ROWS
        this.#rowPass.score(slot, from, Math.min(SCORE_ROWS, rows - from))
      })
      this.#chunkDone(chunk)
    }
  }

  #scoreMixed(inputs: number[][]): void {
    const { slots } = this.#arena.ring
    const mixes = inputs.map((own) => Uint32Array.from(own))
    const pass = new MixedPass(this.#arena, this.#rowPass, this.#floats, this.#thread)
    for (let chunk = 0; ; chunk += 2) {
      const rows = this.#awaitChunk(chunk)
      if (rows < 0) return
      this.#awaitChunk(chunk + 1)
      const pair = { own: slots[chunk % RING_CHUNKS], donors: slots[(chunk + 1) % RING_CHUNKS] }
      this.#runner.run(Math.ceil(rows / SCORE_ROWS), (task) => {
        const from = task * SCORE_ROWS
        pass.score(pair, from, Math.min(SCORE_ROWS, rows - from), mixes)
      })
      this.#chunkDone(chunk + 1)
    }
  }
}

const start = workerData as CrewStart
touchTables(planArena(start.shape), start.memory, start.thread)
const port = parentPort!
const worker = new CrewWorker(start, bindCompiled(start.compiled, start.memory))
const answer = (message: CrewAnswer) => port.postMessage(message)

port.on('message', (job: CrewJob) => {
  try {
    worker.run(job)
    answer({ type: 'done' })
  } catch (error) {
    if (error instanceof CrewFailed) return
    const { message, stack } = error as Error
    answer({ type: 'failed', message, stack })
  }
})
