import { readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { PagesAt } from './columnChunks.ts'
import { EndOfBytes, ThriftReader } from '../thrift.ts'

/** What the header of a page says. */
interface PageHeader {
  headerBytes: number
  pageBytes: number // that follow it, as they are in the file
  crc: number | undefined // u32 of these; undefined: the page has none
}

/** Read at once; also the longest header of a page, which may hold its least and its greatest value. */
const PIECE_BYTES = 2 ** 20

/** What is wrong with a page. */
export class BadPage extends Error {}

/** Reads the pages of one file after the other, in memory that does not depend on their sizes. */
export class PageReader {
  #file = -1 // its descriptor
  readonly #piece = new Uint8Array(PIECE_BYTES)
  #start = 0 // where the piece is in the file
  #length = 0

  /** The pages are those of this file from now on. */
  turnTo(file: number): void {
    this.#file = file
    this.#length = 0
  }

  /** Whether one of the first two pages, of which the first may be a dictionary, has a checksum. */
  hasChecksums({ start, end }: PagesAt): boolean {
    for (let page = 0, at = start; page < 2 && at < end; page++) {
      const header = this.#headerAt(at, end)
      if (header.crc !== undefined) return true
      at += header.headerBytes + header.pageBytes
    }
    return false
  }

  /**
   * Checks pages against the checksums that they have. Yields after every piece, that others may work.
   * @throws BadPage
   */
  *check({ start, end }: PagesAt): Generator<void> {
    for (let page = 0, at = start; at < end; page++) {
      const { headerBytes, pageBytes, crc } = this.#goodHeader(at, end, page)
      at += headerBytes
      if (crc !== undefined) {
        const sum = yield* this.#checksum(at, at + pageBytes)
        if (sum !== crc) throw new BadPage(`the checksum of page ${page} does not match its bytes`)
      }
      at += pageBytes
    }
  }

  /** Of as many bytes as there are. */
  *#checksum(start: number, end: number): Generator<void, number> {
    let sum = 0
    for (let at = start; at < end; ) {
      const bytes = this.#bytesAt(at, end)
      if (bytes.length === 0) break
      sum = crc32(bytes, sum)
      at += bytes.length
      if (at < end) yield
    }
    return sum
  }

  #goodHeader(at: number, end: number, page: number): PageHeader {
    try {
      return this.#headerAt(at, end)
    } catch (error) {
      throw new BadPage(`the header of page ${page} cannot be read`, { cause: error })
    }
  }

  /** @throws Error if there is none, or one of a page that ends behind `end`. */
  #headerAt(at: number, end: number): PageHeader {
    let bytes = this.#bytesAt(at, end)
    for (;;)
      try {
        const header = pageHeader(bytes)
        if (header.headerBytes + header.pageBytes > end - at) throw new Error('the page is too long')
        return header
      } catch (error) {
        const isCut = error instanceof EndOfBytes && bytes.length < Math.min(PIECE_BYTES, end - at)
        if (!isCut) throw error
        this.#read(at, end)
        if (this.#length === bytes.length) throw error
        bytes = this.#bytesAt(at, end)
      }
  }

  /** Some bytes from `at` on, at most up to `end`; none: the file ends here. */
  #bytesAt(at: number, end: number): Uint8Array {
    const isHere = at >= this.#start && at < this.#start + this.#length
    if (!isHere && at < end) this.#read(at, end)
    const from = at - this.#start
    return this.#piece.subarray(from, Math.max(from, Math.min(this.#length, end - this.#start)))
  }

  #read(at: number, end: number): void {
    this.#start = at
    this.#length = readSync(this.#file, this.#piece, 0, Math.min(PIECE_BYTES, end - at), at)
  }
}

function pageHeader(bytes: Uint8Array): PageHeader {
  const reader = new ThriftReader(bytes)
  let pageBytes = -1
  let crc: number | undefined
  reader.struct((id) => {
    if (id === 3) pageBytes = reader.integer()
    else if (id === 4) crc = reader.integer() >>> 0
    else return false
    return true
  })
  if (pageBytes < 0) throw new Error('it has no size')
  return { headerBytes: reader.at, pageBytes, crc }
}
