import { ChunkedBody } from './chunkedBody.ts'
import { parseResponseHead, type ResponseHead } from './responseHead.ts'

const HEAD_BYTES_MAX = 64 * 1024 // interim (1xx) heads included
const CLOSED_BODY_BYTES_MAX = 256 * 2 ** 20 // of a body that ends with the connection
const PREFIX = Buffer.from('HTTP/1.')
const HEAD_END = Buffer.from('\r\n\r\n')
const EMPTY = Buffer.alloc(0)

/**
 * Reads one HTTP/1 response after the other, in whatever pieces it comes. Bodies are counted, not kept and
 * not decoded. `reset` comes before each response.
 */
export class ResponseReader {
  head: ResponseHead | undefined // of the last response, once it is known
  problem = '' // why `read` or `end` returned 'broken'
  #begun = EMPTY // of a head that is not complete
  #headBytes = 0
  #bodyLeft = 0
  #chunked: ChunkedBody | undefined

  reset(): void {
    this.head = undefined
    this.#begun = EMPTY
    this.#headBytes = 0
    this.#chunked = undefined
  }

  /** Whether nothing of the response has come yet. */
  get isUntouched(): boolean {
    return this.head === undefined && this.#headBytes === 0 && this.#begun.length === 0
  }

  /** Takes the next bytes, which stay the caller's. */
  read(bytes: Buffer): 'more' | 'done' | 'broken' {
    let at = 0
    if (this.head === undefined) {
      const all = this.#begun.length === 0 ? bytes : Buffer.concat([this.#begun, bytes])
      const headEnd = this.#readHeads(all)
      if (headEnd === -1) return 'broken'
      if (this.head === undefined) {
        this.#begun = Buffer.from(all.subarray(headEnd))
        return 'more'
      }
      at = headEnd - (all.length - bytes.length)
    }
    return this.#readBody(bytes, at)
  }

  /** The connection has ended. 'done' where that ends the body. */
  end(): 'done' | 'broken' {
    if (this.head?.framing === 'close') return 'done'
    return this.#broken(this.isUntouched ? 'closed before the response' : 'closed within the response')
  }

  /** Reads heads up to the first that is final. Returns where the rest begins, −1 where it is no HTTP. */
  #readHeads(bytes: Buffer): number {
    let at = 0
    for (;;) {
      if (!beginsLikeHttp(bytes, at)) return this.#invalid('no HTTP/1 status line')
      const end = bytes.indexOf(HEAD_END, at)
      const headBytes = (end === -1 ? bytes.length : end) - at
      if (this.#headBytes + headBytes > HEAD_BYTES_MAX) return this.#invalid('a head over 64 KiB')
      if (end === -1) return at
      const head = parseResponseHead(bytes.toString('latin1', at, end))
      if (typeof head === 'string') return this.#invalid(head)
      at = end + HEAD_END.length
      this.#headBytes += headBytes + HEAD_END.length
      if (head.status === 101) return this.#invalid('another protocol')
      if (head.status < 200) continue
      this.head = head
      this.#bodyLeft = head.framing === 'close' ? CLOSED_BODY_BYTES_MAX : head.bodyBytes
      if (head.framing === 'chunked') this.#chunked = new ChunkedBody()
      return at
    }
  }

  #readBody(bytes: Buffer, from: number): 'more' | 'done' | 'broken' {
    let end = bytes.length
    if (this.#chunked !== undefined) {
      end = this.#chunked.read(bytes, from)
      if (end === -1) return this.#broken('invalid response: no chunk where one was due')
      if (!this.#chunked.isDone) return 'more'
    } else {
      end = Math.min(from + this.#bodyLeft, bytes.length)
      this.#bodyLeft -= end - from
      if (this.head?.framing === 'close')
        return end === bytes.length ? 'more' : this.#broken('invalid response: a body over 256 MiB')
      if (this.#bodyLeft > 0) return 'more'
    }
    return end === bytes.length ? 'done' : this.#broken('invalid response: bytes behind its end')
  }

  #invalid(problem: string): -1 {
    this.#broken(`invalid response: ${problem}`)
    return -1
  }

  #broken(problem: string): 'broken' {
    this.problem = problem
    return 'broken'
  }
}

function beginsLikeHttp(bytes: Buffer, at: number): boolean {
  for (let i = 0; i < PREFIX.length && at + i < bytes.length; i++)
    if (bytes[at + i] !== PREFIX[i]) return false
  return true
}
