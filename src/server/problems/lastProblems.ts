import type { Problem, ProblemCode } from './problems.ts'

const DETAIL_CHARS_MAX = 300

/** Problems of one kind that requests were answered with. */
export interface NotedProblem {
  code: ProblemCode
  count: number
  at: number // of the last one, milliseconds since 1970
  detail: string // of the last one
}

/**
 * The last problem of each kind that requests were answered with, and how many there were. What it takes is
 * bounded by the table of problems, whatever clients send.
 */
export class LastProblems {
  readonly #noted = new Map<ProblemCode, NotedProblem>()

  note({ code, message }: Pick<Problem, 'code' | 'message'>): void {
    const at = Date.now()
    const noted = this.#noted.get(code)
    if (noted) {
      noted.count++
      noted.at = at
      noted.detail = message
    } else this.#noted.set(code, { code, count: 1, at, detail: message })
  }

  /** What another thread has noted. */
  add(problems: readonly NotedProblem[]): void {
    for (const problem of problems) {
      const noted = this.#noted.get(problem.code)
      if (!noted) this.#noted.set(problem.code, { ...problem })
      else {
        noted.count += problem.count
        if (problem.at >= noted.at) ({ at: noted.at, detail: noted.detail } = problem)
      }
    }
  }

  /** What was noted since the last time. */
  take(): NotedProblem[] {
    const taken = this.newestFirst()
    this.#noted.clear()
    return taken
  }

  newestFirst(): NotedProblem[] {
    return [...this.#noted.values()]
      .toSorted((a, b) => b.at - a.at)
      .map(({ code, count, at, detail }) => ({ code, count, at, detail: shortened(detail) }))
  }
}

/** A detail may quote what a client has sent. */
function shortened(detail: string): string {
  return detail.length > DETAIL_CHARS_MAX ? `${detail.slice(0, DETAIL_CHARS_MAX).toWellFormed()}…` : detail
}
