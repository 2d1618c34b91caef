import { NearrankError } from '../../errors.ts'

/** Runs `work`; whatever it throws after the signal has fired becomes one ABORTED error. */
export async function abortable<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    if (signal?.aborted) throw new NearrankError('ABORTED', 'Stopped before it began')
    return await work()
  } catch (error) {
    if (!signal?.aborted || (error instanceof NearrankError && error.code === 'ABORTED')) throw error
    throw new NearrankError('ABORTED', 'Stopped as requested', { cause: error })
  }
}
