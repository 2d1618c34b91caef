const SLICE_MS = 4 // of work between two looks at what has arrived meanwhile

export interface AdmissionOptions {
  waitingMax: number // past it `isFull`
}

/**
 * The line of requests that have arrived and wait for their turn on this thread. Work is done in slices, and between two of them the event loop takes in
 * whatever has arrived: so a request that finds the line full can be turned away at once, in place of waiting unseen in a socket's buffer.
 */
export class Admission {
  readonly #waitingMax: number
  #line: (() => void)[] = []
  #head = 0
  #isScheduled = false

  constructor({ waitingMax }: AdmissionOptions) {
    this.#waitingMax = waitingMax
  }

  get waiting(): number {
    return this.#line.length - this.#head
  }

  get isFull(): boolean {
    return this.waiting >= this.#waitingMax
  }

  /** `work` runs in its turn; it must not throw. */
  enter(work: () => void): void {
    this.#line.push(work)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#workOff())
  }

  #workOff(): void {
    this.#isScheduled = false
    const endMs = performance.now() + SLICE_MS
    while (this.#head < this.#line.length) {
      this.#line[this.#head++]()
      if (performance.now() >= endMs) break
    }
    if (this.waiting > 0) return this.#schedule()
    this.#line = []
    this.#head = 0
  }
}
