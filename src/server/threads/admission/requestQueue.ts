import { SlicedWork } from '../slicedWork.ts'

const CROWDED_MS = 100 // after a refusal
const CROWDED_SHARE = 1 / 4 // of `waitingMax` that may wait meanwhile

/**
 * The queue of requests that have arrived and wait for their turn on this thread. Work is done in slices, and
 * between two of them the event loop takes in whatever has arrived. So a request that finds the queue full is
 * turned away at once and does not wait unseen in a socket's buffer.
 *
 * A burst may fill the queue. If more than that arrives all the time, a long queue would only be a long wait
 * for everybody in it. So once it was full it is kept short until nobody has been turned away for a while.
 */
export class RequestQueue extends SlicedWork {
  readonly #waitingMax: number
  #crowdedUntilMs = 0

  constructor({ waitingMax }: { waitingMax: number }) {
    super()
    this.#waitingMax = waitingMax
  }

  /** Whether one more may wait. If not, the queue stays short for a while. */
  admits(): boolean {
    const { waiting } = this
    if (waiting === 0) return true
    const now = performance.now()
    const share = now < this.#crowdedUntilMs ? CROWDED_SHARE : 1
    if (waiting < share * this.#waitingMax) return true
    this.#crowdedUntilMs = now + CROWDED_MS
    return false
  }
}
