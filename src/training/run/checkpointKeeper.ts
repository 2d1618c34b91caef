import { rm } from 'node:fs/promises'
import { type CheckpointArrays, type CheckpointState, previousPath, writeCheckpoint } from './checkpoint.ts'

export interface CheckpointKeeperOptions {
  path: string
  everySeconds: number // 0: nothing is ever written
  onWritten: (state: CheckpointState) => void
  onFailed: () => void // the error itself comes out of `settled`
}

/** Writes checkpoints one at a time, beside the training, and keeps the newest and the one before it. */
export class CheckpointKeeper {
  readonly #options: CheckpointKeeperOptions
  #writing: Promise<void> | undefined
  #error: unknown
  #lastMs = performance.now()
  #isOurs = false
  #newestIsGood = false // and of this run: it becomes the one before the next

  constructor(options: CheckpointKeeperOptions) {
    this.#options = options
  }

  /** Whether the next one should be asked for. */
  get isDue(): boolean {
    const { everySeconds } = this.#options
    return everySeconds > 0 && !this.#writing && performance.now() - this.#lastMs >= 1000 * everySeconds
  }

  /**
   * The run goes on from one of the two: they are its own from now on. If it is not the newest, that one is
   * replaced, and the one before it stays until there is a newer one.
   */
  adopt({ isNewest }: { isNewest: boolean }): void {
    this.#isOurs = true
    this.#newestIsGood = isNewest
  }

  /** Starts writing. The arrays must not change until it is `settled`, or the next one is due. */
  start(state: CheckpointState, arrays: CheckpointArrays): void {
    const { everySeconds, onWritten, onFailed } = this.#options
    if (everySeconds === 0) return
    this.#lastMs = performance.now()
    this.#writing = this.#write(state, arrays)
      .then(() => onWritten(state))
      .catch((error: unknown) => {
        this.#error ??= error
        onFailed()
      })
      .finally(() => {
        this.#writing = undefined
      })
  }

  async #write(state: CheckpointState, arrays: CheckpointArrays): Promise<void> {
    const { path } = this.#options
    const isFirst = !this.#isOurs
    this.#isOurs = true
    await writeCheckpoint(path, { state, arrays }, { keepsNewest: this.#newestIsGood })
    this.#newestIsGood = true
    if (isFirst) await rm(await previousPath(path), { force: true }) // of an earlier run
  }

  /** Waits for the one that is being written. @throws what made any of them fail. */
  async settled(): Promise<void> {
    await this.#writing
    if (this.#error) throw this.#error
  }

  /** Whether the run has read or written the files. */
  get isOurs(): boolean {
    return this.#isOurs
  }
}
