import { parentPort, workerData } from 'node:worker_threads'
import { bindKernels, type Kernels } from '../../kernels/kernels.ts'
import { adamTasks, LOSS_NOT_FINITE } from '../step/adam.ts'
import { planArena, RING_CHUNKS, type Arena } from '../memory/arena.ts'
import { CONTROL, CONTROL_WORDS, Crew, CrewFailed, REQUEST, SUM_COUNT, SUMS, TASK_WORDS } from './control.ts'
import type { CrewAnswer, CrewJob, CrewStart } from './job.ts'
import { foldPhases, unfoldPhases, type Task } from '../step/fold.ts'
import { reduceTasks } from '../step/reduce.ts'
import { RowPass } from '../step/rowPass.ts'

/** Rows that one task scores. */
const SCORE_ROWS = 1024

/** One thread of the crew. All threads run the same code in step; thread 0 also keeps the books. */
class CrewWorker {
  readonly #start: CrewStart
  readonly #arena: Arena
  readonly #crew: Crew
  readonly #control: Int32Array
  readonly #sums: Float64Array
  readonly #floats: Float32Array
  readonly #rowPass: RowPass
  readonly #fold: Task[][]
  readonly #gradientPhases: Task[][]
  #step = 0 // of the step being taken, from 1
  #slicesUsed = 0

  constructor(start: CrewStart, kernels: Kernels) {
    const { memory } = start
    this.#start = start
    this.#arena = planArena(start.shape)
    this.#control = new Int32Array(memory.buffer, this.#arena.control, CONTROL_WORDS)
    this.#sums = new Float64Array(memory.buffer, this.#arena.sums, SUM_COUNT)
    this.#floats = new Float32Array(memory.buffer)
    const tasks = new Int32Array(memory.buffer, this.#arena.tasks, start.shape.threads * TASK_WORDS)
    this.#crew = new Crew(this.#control, tasks, start.thread)
    this.#rowPass = new RowPass(this.#arena, kernels, memory, start.thread)
    this.#fold = foldPhases(this.#arena, kernels, memory)
    this.#gradientPhases = []
    if (start.settings !== null) {
      const report = (code: number) => void Atomics.compareExchange(this.#control, CONTROL.notFinite, 0, code)
      this.#gradientPhases = [
        reduceTasks(this.#arena, kernels, memory, () => this.#slicesUsed),
        ...unfoldPhases(this.#arena, kernels),
        adamTasks(this.#arena, kernels, start.settings, start.steps, () => this.#step, report),
      ]
    }
  }

  run(job: CrewJob): void {
    if (job.type === 'train') this.#train()
    else if (job.type === 'score') this.#score()
    else this.#phases(this.#fold)
  }

  #phases(phases: Task[][]): void {
    for (const tasks of phases) this.#crew.phase(tasks.length, (task) => tasks[task]())
  }

  /** Waits for chunk number `chunk` of the stream; returns its rows, −1 at the end. */
  #awaitChunk(chunk: number): number {
    const control = this.#control
    while (Atomics.load(control, CONTROL.chunksReady) <= chunk)
      this.#crew.waitWhile(CONTROL.chunksReady, chunk)
    return Atomics.load(control, CONTROL.chunkRows + (chunk % RING_CHUNKS))
  }

  #chunkDone(chunk: number): void {
    if (this.#start.thread !== 0) return
    Atomics.store(this.#control, CONTROL.chunksDone, chunk + 1)
    Atomics.notify(this.#control, CONTROL.chunksDone)
  }

  #train(): void {
    const { batchSize } = this.#start.shape
    this.#step = Atomics.load(this.#control, CONTROL.step)
    let leave = false
    for (let chunk = 0; !leave; chunk++) {
      const rows = this.#awaitChunk(chunk)
      if (rows < 0) return
      for (let from = 0; from < rows && !leave; from += batchSize)
        leave = this.#trainBatch(chunk % RING_CHUNKS, from, Math.min(batchSize, rows - from))
      this.#chunkDone(chunk)
    }
  }

  /** One step; true where all threads are to leave. Flags are set before a barrier and read after it, so all threads see the same. */
  #trainBatch(slot: number, from: number, rows: number): boolean {
    const control = this.#control
    const { sliceRows, ring } = this.#arena
    const keeper = this.#start.thread === 0
    if (keeper) this.#answerRequest()
    this.#step++
    this.#slicesUsed = Math.ceil(rows / sliceRows)
    const chunk = ring[slot]
    const scale = 1 / rows
    this.#crew.phase(this.#slicesUsed, (slice) => {
      const first = slice * sliceRows
      this.#rowPass.trainSlice(slice, chunk, from + first, Math.min(sliceRows, rows - first), scale)
    })
    this.#phases(this.#gradientPhases)
    if (keeper) this.#keepBooks(rows)
    this.#phases(this.#fold)
    return Atomics.load(control, CONTROL.leave) !== 0
  }

  #keepBooks(rows: number): void {
    const control = this.#control
    this.#sums[SUMS.rows] += rows
    Atomics.store(control, CONTROL.step, this.#step)
    if (!Number.isFinite(this.#sums[SUMS.batchLoss]))
      Atomics.compareExchange(control, CONTROL.notFinite, 0, LOSS_NOT_FINITE)
    if (
      Atomics.load(control, CONTROL.notFinite) !== 0 ||
      Atomics.load(control, CONTROL.request) === REQUEST.stop
    )
      Atomics.store(control, CONTROL.leave, 1)
  }

  /** A snapshot is taken between two steps; the others are gathering rows meanwhile and touch none of it. */
  #answerRequest(): void {
    const control = this.#control
    if (Atomics.load(control, CONTROL.request) !== REQUEST.snapshot) return
    const { layout, parameters, momentsM, momentsV, snapshot } = this.#arena
    for (const [i, at] of [parameters, momentsM, momentsV].entries())
      this.#floats.copyWithin(snapshot / 4 + i * layout.size, at / 4, at / 4 + layout.size)
    this.#sums.copyWithin(SUMS.snapshot, 0, 4)
    Atomics.store(control, CONTROL.snapshotStep, this.#step)
    // Not a store: a request to stop may have come meanwhile.
    Atomics.compareExchange(control, CONTROL.request, REQUEST.snapshot, REQUEST.none)
    Atomics.add(control, CONTROL.snapshot, 1)
  }

  #score(): void {
    const { ring } = this.#arena
    for (let chunk = 0; ; chunk++) {
      const rows = this.#awaitChunk(chunk)
      if (rows < 0) return
      const place = ring[chunk % RING_CHUNKS]
      this.#crew.phase(Math.ceil(rows / SCORE_ROWS), (task) => {
        const from = task * SCORE_ROWS
        this.#rowPass.score(place, from, Math.min(SCORE_ROWS, rows - from))
      })
      this.#chunkDone(chunk)
    }
  }
}

const start = workerData as CrewStart
const port = parentPort!
const worker = new CrewWorker(start, bindKernels(start.module, start.memory))
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
