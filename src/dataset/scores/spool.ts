import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { diskError } from '../../files.ts'

/**
 * Values that wait on the disk until they are written as Parquet: DuckDB asks for them in a callback that
 * cannot wait. They stay in the system's cache unless memory is short. The file has no name once it is open,
 * so that nothing is left of it if the process is killed, at any moment.
 */
export class Spool {
  readonly #path: string
  readonly #file: number
  #read = 0 // bytes

  /** @throws NearrankError DISK */
  constructor(path: string) {
    this.#path = path
    this.#file = this.#run(() => openSync(path, 'wx+'))
    this.#run(() => rmSync(path))
  }

  /** Appends the bytes of `values`. @throws NearrankError DISK */
  append(values: ArrayBufferView): void {
    const { buffer, byteOffset, byteLength } = values
    const bytes = new Uint8Array(buffer, byteOffset, byteLength)
    for (let at = 0; at < byteLength; )
      at += this.#run(() => writeSync(this.#file, bytes, at, byteLength - at, null))
  }

  /** Fills `values` with the bytes that come next, from the first on. @throws NearrankError DISK */
  nextInto(values: ArrayBufferView): void {
    const { buffer, byteOffset, byteLength } = values
    const bytes = new Uint8Array(buffer, byteOffset, byteLength)
    for (let at = 0; at < byteLength; ) {
      const count = this.#run(() => readSync(this.#file, bytes, at, byteLength - at, this.#read))
      if (count === 0) throw diskError(new Error('it is shorter than it was'), `read ${this.#path}`)
      this.#read += count
      at += count
    }
  }

  /** Frees the disk. */
  close(): void {
    closeSync(this.#file)
  }

  #run<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw diskError(error, `use ${this.#path}`)
    }
  }
}
