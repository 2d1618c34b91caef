const PROBLEMS_MAX = 10 // that are told one by one in each window; a wrong writer may damage a million rows
const WINDOW_MS = 10_000

/** Tells an operator of problems, of the first ones in a while one by one and of the others how many. */
export class ProblemWindow {
  readonly #tell: (message: string) => void
  readonly #what: string
  #startMs = -Infinity
  #problems = 0 // in this window

  /** `what`: the things that have problems, in plural. */
  constructor(what: string, tell: (message: string) => void) {
    this.#what = what
    this.#tell = tell
  }

  tell(problem: string): void {
    if (performance.now() - this.#startMs > WINDOW_MS) this.end()
    this.#problems++
    if (this.#problems <= PROBLEMS_MAX) this.#tell(problem)
  }

  /** Tells how many were left unsaid, and begins anew. */
  end(): void {
    const leftOut = this.#problems - PROBLEMS_MAX
    if (leftOut > 0)
      this.#tell(
        `Cannot use ${leftOut} more ${this.#what} either; at most ${PROBLEMS_MAX} are named at a time`,
      )
    this.#startMs = performance.now()
    this.#problems = 0
  }
}
