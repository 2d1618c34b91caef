import { NearrankError } from '../errors.ts'
import { printError } from './output/output.ts'

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const // 128 + the signal's number, as shells have it
const PARENT_LOOK_MS = 300

/** Turns Ctrl+C and a polite kill into an abort signal, so that a command can stop cleanly. */
export class Interrupt {
  readonly #controller = new AbortController()
  #exitCode: number | undefined

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** What to exit with; undefined: nobody has interrupted. */
  get exitCode(): number | undefined {
    return this.#exitCode
  }

  /** From now on the first signal asks to stop, a second one stops at once. */
  listen(): void {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => this.#stop(name))
    if (process.env.npm_lifecycle_event === 'npx') this.#endWithParent()
  }

  #stop(name: keyof typeof EXIT_CODES): void {
    if (this.#exitCode !== undefined) process.exit(this.#exitCode)
    this.#exitCode = EXIT_CODES[name]
    if (process.stderr.isTTY) printError('\nStopping. Press Ctrl+C again to stop at once.')
    this.#controller.abort()
  }

  /**
   * Between npx and this process is a shell. SIGTERM to npx ends both of them, and nobody tells this process,
   * which would keep its port and its store for ever. Only with npx, since daemons outlive their parents.
   */
  #endWithParent(): void {
    const parent = process.ppid
    const timer = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(timer)
      this.#stop('SIGTERM')
    }, PARENT_LOOK_MS).unref()
  }
}

/** Whether an error is what work throws when its signal aborts. */
export function isAbort(error: unknown): error is Error {
  return error instanceof NearrankError
    ? error.code === 'ABORTED'
    : error instanceof Error && error.name === 'AbortError'
}
