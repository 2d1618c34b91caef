import { type ErrorCode, messageOf, NearrankError } from '../../errors.ts'
import { peakRssBytes } from '../../peakMemory.ts'
import { setupError } from '../../setupError.ts'
import type { OpenProgress } from '../options.ts'

/** What a process of its own does: from plain data to plain data. */
export type ApartWork = (request: never, run: ApartRun) => Promise<unknown>

/** What it answers: progress, then one of the others. */
export type ApartAnswer<Result> =
  | { type: 'progress'; progress: OpenProgress }
  | { type: 'done'; result: Result; peakRssBytes: number }
  | { type: 'failed'; code: ErrorCode; message: string }

export interface ApartRun {
  signal: AbortSignal
  onProgress: (progress: OpenProgress) => void
}

/**
 * Makes this process one that `callApart` starts: it does `work` for the requests that come, one after
 * another, until it is let go. Ctrl+C reaches every process of a terminal: the parent decides what it means.
 */
export function serveApart(work: ApartWork): void {
  let controller = new AbortController()
  const send = (message: ApartAnswer<unknown>) => {
    process.send?.(message)
  }
  const onProgress = (progress: OpenProgress) => send({ type: 'progress', progress })
  let answers = 0
  const answer = async (request: never) => {
    if (answers++ > 0) globalThis.gc?.() // what the one before has left
    controller = new AbortController()
    const run: ApartRun = { signal: controller.signal, onProgress }
    try {
      const result = await work(request, run)
      send({ type: 'done', result, peakRssBytes: peakRssBytes() })
    } catch (thrown) {
      const error = setupError(thrown) ?? thrown
      if (error instanceof NearrankError) send({ type: 'failed', code: error.code, message: error.message })
      else
        send({
          type: 'failed',
          code: 'INTERNAL',
          message: error instanceof Error ? (error.stack ?? '') : messageOf(error),
        })
    }
  }
  process.on('SIGINT', () => {})
  process.on('disconnect', () => controller.abort())
  process.on('message', (message) => {
    if (message === 'abort') controller.abort()
    else if (message === 'end') process.disconnect?.()
    else void answer(message as never) // the type of `callApart`'s request is that of the work
  })
}
