import { type CheckpointArrays, type CheckpointState, writeCheckpoint } from './checkpoint.ts'

export interface CheckpointKeeperOptions {
  path: string
  everySeconds: number // 0: nothing is ever written
  onWritten: (state: CheckpointState) => void
  onFailed: () => void // the error itself comes out of `settled`
}

/** Writes checkpoints one at a time, beside the training. */
export class CheckpointKeeper {
  readonly #options: CheckpointKeeperOptions
  #writing: Promise<void> | undefined
  #error: unknown
  #lastMs = performance.now()
  #isOurs = false

  constructor(options: CheckpointKeeperOptions) {
    this.#options = options
  }

  /** Whether the next one should be asked for. */
  get isDue(): boolean {
    const { everySeconds } = this.#options
    return everySeconds > 0 && !this.#writing && performance.now() - this.#lastMs >= 1000 * everySeconds
  }

  /** The file has been read: it is the run's own from now on. */
  adopt(): void {
    this.#isOurs = true
  }

  /** Starts writing. The arrays must not change until it is `settled`, or the next one is due. */
  start(state: CheckpointState, arrays: CheckpointArrays): void {
    const { path, everySeconds, onWritten, onFailed } = this.#options
    if (everySeconds === 0) return
    this.#lastMs = performance.now()
    this.#isOurs = true
    this.#writing = writeCheckpoint(path, state, arrays)
      .then(() => onWritten(state))
      .catch((error: unknown) => {
        this.#error ??= error
        onFailed()
      })
      .finally(() => {
        this.#writing = undefined
      })
  }

  /** Waits for the one that is being written. @throws what made any of them fail. */
  async settled(): Promise<void> {
    await this.#writing
    if (this.#error) throw this.#error
  }

  /** Whether the run has read or written the file. */
  get isOurs(): boolean {
    return this.#isOurs
  }
}
