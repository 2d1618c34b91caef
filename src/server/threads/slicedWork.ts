const SLICE_MS = 1 // of work between two looks at what has arrived meanwhile
const DONE_MAX = 1024 // places of what is done that are kept before the others move up

/** Work that waits for its turn on this thread. Between two slices of it, the event loop has its turn. */
export class SlicedWork {
  #queue: ((() => void) | undefined)[] = []
  #head = 0
  #isScheduled = false

  /** Places that the queue takes, for tests: of what waits, and few of what is done. */
  get places(): number {
    return this.#queue.length
  }

  get waiting(): number {
    return this.#queue.length - this.#head
  }

  /** `work` runs in its turn; it must not throw. */
  enter(work: () => void): void {
    this.#queue.push(work)
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
    while (this.#head < this.#queue.length) {
      const work = this.#queue[this.#head]
      // Under lasting overload the queue is never empty: it must not keep what is done.
      this.#queue[this.#head++] = undefined
      work?.()
      if (performance.now() >= endMs) break
    }
    if (this.waiting === 0 || this.#head >= DONE_MAX) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
    if (this.waiting > 0) this.#schedule()
  }
}
