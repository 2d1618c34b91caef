const SLEEP_MS_MAX = 0.2 // at a time: answers that come meanwhile are seen so much later
// below this Node's timers are too coarse: they count whole milliseconds and may fire one late
const TIMER_MS = 2.5

const cell = new Int32Array(new SharedArrayBuffer(4)) // nobody wakes it

/**
 * Calls `act` again and again, each time when it asked to be: `act` returns in how many milliseconds, or
 * Infinity for never. Within about 0.1 ms, without spinning: long waits are timers, the rest short sleeps of
 * the thread with a look at the sockets between them.
 */
export class Pacer {
  readonly #act: () => number
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined

  constructor(act: () => number) {
    this.#act = act
  }

  start(): void {
    this.#wait(this.#act())
  }

  stop(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }

  readonly #wake = (): void => this.#wait(this.#act())

  #wait(waitMs: number): void {
    if (waitMs === Number.POSITIVE_INFINITY) return
    if (waitMs > TIMER_MS) {
      this.#timer = setTimeout(this.#wake, Math.floor(waitMs - TIMER_MS / 2))
      return
    }
    if (waitMs > 0.02) Atomics.wait(cell, 0, 0, Math.min(waitMs, SLEEP_MS_MAX))
    this.#immediate = setImmediate(this.#wake)
  }
}
