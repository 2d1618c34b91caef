import { NearrankError } from '../../errors.ts'

/** @throws NearrankError ABORTED if the signal has fired. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new NearrankError('ABORTED', 'Stopped as requested')
}
