const LINE_BYTES_MAX = 1024 // of a chunk's size line with its extensions
const BODY_BYTES_MAX = 256 * 2 ** 20
const TRAILER_BYTES_MAX = 64 * 1024

const CR = 13
const LF = 10

/** Where the reader stands in a chunked body. */
type Part = 'size' | 'extension' | 'data' | 'afterData' | 'trailer' | 'done' | 'broken'

/** Finds the end of a chunked body without keeping a byte of it. */
export class ChunkedBody {
  #part: Part = 'size'
  #left = 0 // of the chunk
  #digits = 0
  #lineBytes = 0
  #bodyBytes = 0
  #trailerBytes = 0
  #lastByte = 0

  /**
   * Takes `bytes` from `at`. Returns where the body ended, `bytes.length` where it goes on, −1 where it is
   * none.
   */
  read(bytes: Uint8Array, at: number): number {
    let i = at
    while (i < bytes.length && this.#part !== 'done' && this.#part !== 'broken') {
      if (this.#part === 'data') {
        const taken = Math.min(this.#left, bytes.length - i)
        this.#left -= taken
        i += taken
        if (this.#left === 0) this.#part = 'afterData'
      } else this.#part = this.#byte(bytes[i++])
    }
    return this.#part === 'broken' ? -1 : i
  }

  get isDone(): boolean {
    return this.#part === 'done'
  }

  #byte(byte: number): Part {
    const last = this.#lastByte
    this.#lastByte = byte
    if (this.#part === 'trailer') return this.#trailerByte(byte, last)
    if (++this.#lineBytes > LINE_BYTES_MAX) return 'broken'
    // A line feed ends a line only behind a carriage return, which nothing else may follow.
    if (last === CR) return byte === LF ? this.#lineEnd() : 'broken'
    if (byte === CR) return this.#part === 'afterData' || this.#digits > 0 ? this.#part : 'broken'
    if (this.#part === 'extension') return byte === LF ? 'broken' : 'extension'
    const digit = this.#part === 'size' ? hexDigit(byte) : -1
    if (digit < 0) return this.#digits > 0 && (byte === 0x3b || byte === 0x20) ? 'extension' : 'broken'
    this.#left = this.#left * 16 + digit
    return ++this.#digits > 8 ? 'broken' : 'size'
  }

  #lineEnd(): Part {
    this.#lastByte = 0
    this.#lineBytes = 0
    if (this.#part === 'afterData') {
      this.#digits = 0
      return 'size'
    }
    this.#bodyBytes += this.#left
    if (this.#bodyBytes > BODY_BYTES_MAX) return 'broken'
    return this.#left === 0 ? 'trailer' : 'data'
  }

  #trailerByte(byte: number, last: number): Part {
    if (++this.#trailerBytes > TRAILER_BYTES_MAX) return 'broken'
    if (last === CR) {
      if (byte !== LF) return 'broken'
      const isEmptyLine = this.#lineBytes === 0
      this.#lineBytes = 0
      this.#lastByte = 0
      return isEmptyLine ? 'done' : 'trailer'
    }
    if (byte !== CR) this.#lineBytes++
    return 'trailer'
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1
}
