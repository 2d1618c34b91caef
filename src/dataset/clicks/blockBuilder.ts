import { crc32 } from 'node:zlib'
import type { DurableFile } from '../pack/durableFile.ts'
import type { PackedBlock, PackedFile } from './packedRows.ts'
import { rowsDigest } from './rowDigest.ts'

export interface PackedRowsBody {
  rows: number
  clicks: number
  dropped: number
  digest: number
  files: PackedFile[]
  blocks: PackedBlock[]
}

export const BLOCK_ROWS_MAX = 65_536
const CHUNK_ROWS = 2048 // DuckDB's vectors

/** Gathers rows into blocks that never cross a file, and writes them. */
export class BlockBuilder {
  readonly scratch = {
    users: new Uint32Array(CHUNK_ROWS),
    restaurants: new Uint32Array(CHUNK_ROWS),
    clicks: new Uint8Array(CHUNK_ROWS),
  }
  readonly #output: DurableFile
  readonly #users = new Uint32Array(BLOCK_ROWS_MAX)
  readonly #restaurants = new Uint32Array(BLOCK_ROWS_MAX)
  readonly #clicks = new Uint8Array(BLOCK_ROWS_MAX)
  readonly #packed = new Uint8Array(BLOCK_ROWS_MAX * 9)
  #rows = 0 // in the block
  #clicksTotal = 0
  readonly #files: PackedFile[] = []
  readonly #blocks: PackedBlock[] = []

  constructor(output: DurableFile) {
    this.#output = output
  }

  get #file(): PackedFile {
    return this.#files[this.#files.length - 1]
  }

  startFile(name: string): void {
    this.#files.push({ name, rows: 0, dropped: 0, firstBlock: this.#blocks.length, blockCount: 0 })
  }

  dropped(rows: number): void {
    this.#file.dropped += rows
  }

  /** Takes the first `rows` of the scratch columns; returns a promise when a block was full and is being written. */
  append(rows: number): Promise<void> | undefined {
    let written: Promise<void> | undefined
    const { users, restaurants, clicks } = this.scratch
    for (let at = 0; at < rows; ) {
      const end = Math.min(rows, at + BLOCK_ROWS_MAX - this.#rows)
      this.#users.set(users.subarray(at, end), this.#rows)
      this.#restaurants.set(restaurants.subarray(at, end), this.#rows)
      this.#clicks.set(clicks.subarray(at, end), this.#rows)
      this.#rows += end - at
      at = end
      if (this.#rows === BLOCK_ROWS_MAX) written = this.#flush() // once at most: a chunk is smaller than a block
    }
    return written
  }

  async endFile(): Promise<void> {
    if (this.#rows > 0) await this.#flush()
    this.#file.blockCount = this.#blocks.length - this.#file.firstBlock
  }

  async #flush(): Promise<void> {
    const rows = this.#rows
    const packed = this.#packed.subarray(0, rows * 9)
    packed.set(new Uint8Array(this.#users.buffer, 0, rows * 4), 0)
    packed.set(new Uint8Array(this.#restaurants.buffer, 0, rows * 4), rows * 4)
    packed.set(this.#clicks.subarray(0, rows), rows * 8)
    for (let i = 0; i < rows; i++) this.#clicksTotal += this.#clicks[i]
    this.#blocks.push({
      file: this.#files.length - 1,
      rows,
      byteOffset: this.#output.bytes,
      crc32: crc32(packed),
      digest: rowsDigest(this.#users, this.#restaurants, this.#clicks, 0, rows),
    })
    this.#file.rows += rows
    this.#rows = 0
    await this.#output.write(packed)
  }

  body(): PackedRowsBody {
    return {
      rows: this.#files.reduce((sum, file) => sum + file.rows, 0),
      clicks: this.#clicksTotal,
      dropped: this.#files.reduce((sum, file) => sum + file.dropped, 0),
      digest: this.#blocks.reduce((digest, block) => (digest + block.digest) >>> 0, 0),
      files: this.#files,
      blocks: this.#blocks,
    }
  }
}
