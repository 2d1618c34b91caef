/** Words of the control block, Int32 in shared memory: how threads agree without messages. */
export const CONTROL = {
  generation: 0, // of the barrier
  arrived: 1, // threads at the barrier
  failed: 2, // not 0: a thread threw; all leave
  chunksReady: 3, // filled by the reader, of this job
  chunksDone: 4, // used up by the workers
  request: 5, // from the main thread, see REQUEST
  leave: 6, // 1: all workers leave the job after this step
  snapshot: 7, // counts the snapshots taken
  snapshotStep: 8, // steps done when the last one was taken
  notFinite: 9, // 0, or what is not finite, see describeNotFinite
  step: 10, // steps done in the whole run
  chunkRows: 16, // and the following words: rows in each slot of the ring; −1: the stream has ended
} as const

/** How many there are, those of the ring's slots included. */
export const CONTROL_WORDS = 64

export const REQUEST = { none: 0, snapshot: 1, stop: 2 } as const

/** Float64 sums over the rows of the epoch so far; `rows` also tells how far it got. */
export const SUMS = { loss: 0, correct: 1, rows: 2, digest: 3, batchLoss: 4, snapshot: 8 } as const
/** How many there are: the first four again, as of the last snapshot, stand from `snapshot` on. */
export const SUM_COUNT = 16

/**
 * Spins this often before it sleeps: some tens of microseconds, longer than one thread usually waits for another. 4000 gained
 * 1 to 2 % over it on idle cores, but where something else took one of them, lost a third against 400.
 */
const SPINS = 1000
const SLEEP_MS = 200

/** Thrown out of a wait when another thread has failed: nothing to report, the other one does. */
export class CrewFailed extends Error {}

/** Words between two threads' task counters: each has a cache line of its own. */
export const TASK_WORDS = 32

/**
 * Splits phases of work over threads; nobody goes on before all tasks are done. Which thread does a task never changes its result.
 * Every thread begins with its own part of the tasks, the same in every step, so that what they touch stays in that core's cache; who is done
 * early helps the others.
 */
export class Crew {
  readonly #control: Int32Array
  readonly #tasks: Int32Array // [threads · TASK_WORDS]: how many of each thread's part are claimed
  readonly #threads: number
  readonly #thread: number

  constructor(control: Int32Array, tasks: Int32Array, thread: number) {
    this.#control = control
    this.#tasks = tasks
    this.#threads = tasks.length / TASK_WORDS
    this.#thread = thread
  }

  /** Runs tasks 0 … count − 1 together with the other threads, which call this with the same count. */
  phase(count: number, run: (task: number) => void): void {
    const threads = this.#threads
    for (let i = 0; i < threads; i++) {
      const owner = (this.#thread + i) % threads
      const first = Math.floor((owner * count) / threads)
      const end = Math.floor(((owner + 1) * count) / threads)
      for (;;) {
        const task = first + Atomics.add(this.#tasks, owner * TASK_WORDS, 1)
        if (task >= end) break
        run(task)
      }
    }
    this.#barrier()
  }

  #barrier(): void {
    const control = this.#control
    const generation = Atomics.load(control, CONTROL.generation)
    if (Atomics.add(control, CONTROL.arrived, 1) === this.#threads - 1) {
      Atomics.store(control, CONTROL.arrived, 0)
      for (let owner = 0; owner < this.#threads; owner++) Atomics.store(this.#tasks, owner * TASK_WORDS, 0)
      Atomics.add(control, CONTROL.generation, 1)
      Atomics.notify(control, CONTROL.generation)
      return
    }
    this.waitWhile(CONTROL.generation, generation)
  }

  /** Returns once the word is no longer `value`. @throws CrewFailed where another thread has failed. */
  waitWhile(word: number, value: number): void {
    const control = this.#control
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(control, word) !== value) return
      Atomics.pause?.()
    }
    while (Atomics.load(control, word) === value) {
      if (Atomics.load(control, CONTROL.failed) !== 0) throw new CrewFailed()
      Atomics.wait(control, word, value, SLEEP_MS)
    }
  }
}
