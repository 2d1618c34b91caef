const SLICE_MS = 1 // of work between two looks at what has arrived meanwhile

/** Work that waits for its turn on this thread. Between two slices of it, the event loop has its turn. */
export class SlicedWork {
  #queue: (() => void)[] = []
  #head = 0
  #isScheduled = false

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
      this.#queue[this.#head++]()
      if (performance.now() >= endMs) break
    }
    if (this.waiting > 0) return this.#schedule()
    this.#queue = []
    this.#head = 0
  }
}
