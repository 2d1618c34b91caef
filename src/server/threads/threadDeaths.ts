import { messageOf, NearrankError } from '../../errors.ts'

export const THREAD_HEAP_MIB = 256

const DEATHS_MAX = 5 // of a thread within the window; the last of them ends the server
const WINDOW_MS = 60_000
const FIRST_DELAY_MS = 100
const GROWTH = 4 // of the delay, with each death: 0.1, 0.4, 1.6 and 6.4 s

/** How often a thread has died lately. */
export class ThreadDeaths {
  #atMs: number[] = []

  /** Within the last minute. */
  get count(): number {
    return this.#atMs.length
  }

  /** Notes a death. Milliseconds until the thread is to be started again; undefined: it died too often. */
  note(nowMs: number): number | undefined {
    this.#atMs = [...this.#atMs.filter((atMs) => nowMs - atMs < WINDOW_MS), nowMs]
    return this.count < DEATHS_MAX ? FIRST_DELAY_MS * GROWTH ** (this.count - 1) : undefined
  }
}

/** Why a server ends of which a thread died at the start, or `deaths` times within a minute. */
export function endedBy(thread: number, deaths: number, cause: Error): NearrankError {
  if (cause instanceof NearrankError) return cause
  const times = deaths > 1 ? ` ${deaths} times within a minute` : ''
  const what = `Cannot serve: listening thread ${thread} has ended${times}`
  if ('code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new NearrankError(
      'MEMORY',
      `${what}, because ${THREAD_HEAP_MIB} MiB of heap were not enough; lower --max-queue or --max-candidates, use more --workers, or find the client whose requests take so much`,
      { cause },
    )
  return new NearrankError('INTERNAL', `${what}: ${messageOf(cause)}`, { cause })
}
