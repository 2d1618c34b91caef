import { parseRecommendRequest, type RecommendRequest } from './requestBody.ts'

/** As `RecommendRequest`; candidates that are integers of at most nine digits come as such. */
export type ReadRequest = Omit<RecommendRequest, 'candidateRestaurantIds'> & {
  candidateRestaurantIds: RecommendRequest['candidateRestaurantIds'] | Int32Array
}

const FIELD = 'candidate_restaurant_ids'
const KEY = `"${FIELD}"`
const PLACEHOLDER = '""' // where the list was; a number could be continued by what follows
const DIGITS_MAX = 9 // of an id: it fits an int32
const [ZERO, NINE, SPACE, COMMA, COLON, OPEN, CLOSE] = Buffer.from('09 ,:[]')

/**
 * Reads requests from the bytes of their JSON. Nearly all of it is one list of integers, which is read
 * straight into an Int32Array: two thirds of the time of `JSON.parse`, and nothing for the garbage collector.
 * Whatever is not as simple as that, and all that is wrong, goes through `JSON.parse`.
 */
export class RequestReader {
  #ids = new Int32Array(1024)
  #count = 0

  /**
   * The request of an ASCII or UTF-8 body; its ids are valid until the next call.
   * @throws SyntaxError where it is no JSON; NearrankError INPUT as `parseRecommendRequest`.
   */
  read(body: Buffer, encoding: 'latin1' | 'utf8'): ReadRequest {
    return this.#readSimple(body, encoding) ?? parseRecommendRequest(JSON.parse(body.toString(encoding)))
  }

  #readSimple(body: Buffer, encoding: 'latin1' | 'utf8'): ReadRequest | undefined {
    const key = body.indexOf(KEY)
    if (key === -1) return undefined
    let start = skipSpace(body, key + KEY.length)
    if (body[start] !== COLON) return undefined
    start = skipSpace(body, start + 1)
    const end = body[start] === OPEN ? this.#readIds(body, start + 1) : -1
    if (end === -1) return undefined
    const rest = body.toString(encoding, 0, start) + PLACEHOLDER + body.toString(encoding, end)
    // Without escapes a key is what it looks like, and a list that stands once is the one that counts.
    if (rest.includes('\\') || rest.lastIndexOf(FIELD) !== rest.indexOf(FIELD)) return undefined
    try {
      const json = JSON.parse(rest) as Record<string, unknown>
      if (json[FIELD] !== '') return undefined // it is somewhere inside
      json[FIELD] = undefined
      return { ...parseRecommendRequest(json), candidateRestaurantIds: this.#ids.subarray(0, this.#count) }
    } catch {
      return undefined // what is wrong is told of the whole body
    }
  }

  /**
   * Reads ids up to the end of their list; returns the position behind it, −1 where it is not a plain one.
   */
  #readIds(body: Buffer, start: number): number {
    let ids = this.#ids
    let count = 0
    let at = start
    for (;;) {
      if (body[at] === SPACE) at++
      const first = at
      let id = 0
      let byte = body[at]
      while (byte >= ZERO && byte <= NINE) {
        id = (10 * id + byte - ZERO) | 0
        byte = body[++at]
      }
      const digits = at - first
      if (digits === 0 || digits > DIGITS_MAX || (digits > 1 && body[first] === ZERO)) return -1
      if (count === ids.length) ids = this.#grow()
      ids[count++] = id
      at++
      if (byte === COMMA) continue
      this.#count = count
      return byte === CLOSE ? at : -1
    }
  }

  #grow(): Int32Array<ArrayBuffer> {
    const grown = new Int32Array(2 * this.#ids.length)
    grown.set(this.#ids)
    this.#ids = grown
    return grown
  }
}

function skipSpace(body: Buffer, at: number): number {
  return body[at] === SPACE ? at + 1 : at
}
