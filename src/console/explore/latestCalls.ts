/**
 * Makes one call at a time. While one runs, of all that come the last alone is kept: a drag asks for more
 * than can be answered, and only its end counts.
 */
export class LatestCalls {
  #isRunning = false
  #next: (() => Promise<void>) | undefined

  /** `call` must not reject. */
  run(call: () => Promise<void>): void {
    if (this.#isRunning) this.#next = call
    else void this.#work(call)
  }

  /** Forgets the call that waits. */
  clear(): void {
    this.#next = undefined
  }

  async #work(first: () => Promise<void>): Promise<void> {
    this.#isRunning = true
    for (let call: (() => Promise<void>) | undefined = first; call; ) {
      await call()
      call = this.#next
      this.#next = undefined
    }
    this.#isRunning = false
  }
}
