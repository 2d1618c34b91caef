import { CONTROL, TASK_WORDS } from './protocol.ts'

/**
 * Spins this often before it sleeps: some tens of microseconds, longer than one thread usually waits for
 * another. Each wait that is longer halves it, down to the least, and each shorter one doubles it: whoever
 * waits for a thread that has lost its core to something else must not burn its own. With one of two cores
 * taken, an epoch took 2.78 s in place of 3.55 (idle: 1.47 and 1.37, within the noise).
 */
const [SPINS_MIN, SPINS_MAX] = [30, 1000]
const SLEEP_MS = 200

/** Thrown out of a wait if another thread has failed: nothing to report, the other one does. */
export class CrewFailed extends Error {}

/**
 * One thread's side of phases that threads do together; no thread goes on before all tasks are done. Which
 * thread does a task never changes its result.
 * Every thread begins with its own part of the tasks, the same in every step, so that what they touch stays
 * in that core's cache; a thread that is done early helps the others.
 */
export class PhaseRunner {
  readonly #control: Int32Array
  readonly #tasks: Int32Array // [threads · TASK_WORDS]: how many of each thread's part are claimed
  readonly #threads: number
  readonly #thread: number
  #spins = SPINS_MAX

  constructor(control: Int32Array, tasks: Int32Array, thread: number) {
    this.#control = control
    this.#tasks = tasks
    this.#threads = tasks.length / TASK_WORDS
    this.#thread = thread
  }

  /** Runs tasks 0 … count − 1 together with the other threads, which call this with the same count. */
  run(count: number, run: (task: number) => void): void {
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

  /** Returns once the word is no longer `value`. @throws CrewFailed if another thread has failed. */
  waitWhile(word: number, value: number): void {
    const control = this.#control
    for (let spin = 0; spin < this.#spins; spin++) {
      if (Atomics.load(control, word) !== value) {
        this.#spins = Math.min(SPINS_MAX, 2 * this.#spins)
        return
      }
      Atomics.pause?.()
    }
    this.#spins = Math.max(SPINS_MIN, this.#spins >> 1)
    while (Atomics.load(control, word) === value) {
      if (Atomics.load(control, CONTROL.failed) !== 0) throw new CrewFailed()
      Atomics.wait(control, word, value, SLEEP_MS)
    }
  }
}
