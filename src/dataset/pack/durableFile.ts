import type { FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { diskError, openDurable, syncHandle } from '../../files.ts'

/** A new file written from start to end, with its CRC-32; on the disk once `close` returned. */
export class DurableFile {
  readonly path: string
  bytes = 0
  crc32 = 0
  readonly #handle: FileHandle

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  /** @throws NearrankError DISK, as do the other methods. */
  static async create(path: string): Promise<DurableFile> {
    try {
      return new DurableFile(path, await openDurable(path))
    } catch (error) {
      throw diskError(error, `create ${path}`)
    }
  }

  async write(data: ArrayBufferView): Promise<void> {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    try {
      for (let at = 0; at < bytes.length; )
        at += (await this.#handle.write(bytes, at, bytes.length - at)).bytesWritten
    } catch (error) {
      throw diskError(error, `write ${this.path}`)
    }
    this.crc32 = crc32(bytes, this.crc32)
    this.bytes += bytes.length
  }

  async close(): Promise<void> {
    try {
      await syncHandle(this.#handle)
    } catch (error) {
      throw diskError(error, `write ${this.path}`)
    } finally {
      await this.#handle.close()
    }
  }

  /** Closes without caring what becomes of the file; harmless after `close`. */
  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => undefined)
  }
}
