import { parseJson } from '../json/parseJson.ts'
import { parseRecommendRequest, type RecommendRequest } from './requestBody.ts'

/** Ids from 0 to 10^15 − 1; below 10^9 if there is no larger one among them. */
export type PlainIds = Int32Array | Float64Array

/** As `RecommendRequest`; candidates that are integers of at most 15 digits come as such. */
export type ReadRequest = Omit<RecommendRequest, 'candidateRestaurantIds'> & {
  candidateRestaurantIds: RecommendRequest['candidateRestaurantIds'] | PlainIds
}

const FIELD = 'candidate_restaurant_ids'
const KEY = `"${FIELD}"`
const PLACEHOLDER = '""' // where the list was; a number could be continued by what follows
const INT32_DIGITS = 9 // that an int32 holds
const DIGITS_MAX = 15 // that a float64 holds
const POWERS = Float64Array.from({ length: DIGITS_MAX }, (_, digits) => 10 ** digits)
const [ZERO, NINE, SPACE, COMMA, COLON, OPEN, CLOSE] = Buffer.from('09 ,:[]')

/**
 * Reads requests from the bytes of their JSON. Nearly all of it is one list of integers, which is read
 * straight into typed memory: two thirds of the time of `JSON.parse`, and nothing for the garbage collector.
 * Whatever is not as simple as that, and all that is wrong, goes through `JSON.parse`.
 */
export class RequestReader {
  #ids = new Int32Array(1024)
  #longIds = new Float64Array(0) // of a list that has some of more than nine digits
  #read: PlainIds = this.#ids // the ids of the last list

  /**
   * The request of an ASCII or UTF-8 body; its ids are valid until the next call.
   * @throws SyntaxError where it is no JSON; NearrankError INPUT as `parseRecommendRequest`.
   */
  read(body: Buffer, encoding: 'latin1' | 'utf8'): ReadRequest {
    return this.#readSimple(body, encoding) ?? parseRecommendRequest(parseJson(body.toString(encoding)))
  }

  #readSimple(body: Buffer, encoding: 'latin1' | 'utf8'): ReadRequest | undefined {
    const key = body.indexOf(KEY)
    if (key === -1) return undefined
    let start = skipSpace(body, key + KEY.length)
    if (body[start] !== COLON) return undefined
    start = skipSpace(body, start + 1)
    if (body[start] !== OPEN) return undefined
    let end = this.#readIds(body, start + 1)
    if (end === -1) end = this.#readLongIds(body, start + 1)
    if (end === -1) return undefined
    const rest = body.toString(encoding, 0, start) + PLACEHOLDER + body.toString(encoding, end)
    // Without escapes a key is what it looks like, and a list that stands once is the one that counts.
    if (rest.includes('\\') || rest.lastIndexOf(FIELD) !== rest.indexOf(FIELD)) return undefined
    try {
      const json = JSON.parse(rest) as Record<string, unknown>
      if (json[FIELD] !== '') return undefined // it is somewhere inside
      json[FIELD] = undefined
      return { ...parseRecommendRequest(json), candidateRestaurantIds: this.#read }
    } catch {
      return undefined // what is wrong is told of the whole body
    }
  }

  /**
   * Reads ids up to the end of their list; returns the position behind it, −1 where it is not a plain one, or
   * has an id of more than nine digits.
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
      if (digits === 0 || digits > INT32_DIGITS || (digits > 1 && body[first] === ZERO)) return -1
      if (count === ids.length) ids = this.#ids = twiceAsLong(ids, Int32Array)
      ids[count++] = id
      at++
      if (byte === COMMA) continue
      this.#read = ids.subarray(0, count)
      return byte === CLOSE ? at : -1
    }
  }

  /** `#readIds` of at most 15 digits. A loop of its own, since the one above is a fifth faster. */
  #readLongIds(body: Buffer, start: number): number {
    if (this.#longIds.length === 0) this.#longIds = new Float64Array(this.#ids.length)
    let ids = this.#longIds
    let count = 0
    let at = start
    for (;;) {
      if (body[at] === SPACE) at++
      const first = at
      const middle = at + INT32_DIGITS
      let id = 0
      let byte = body[at]
      while (byte >= ZERO && byte <= NINE && at < middle) {
        id = (10 * id + byte - ZERO) | 0
        byte = body[++at]
      }
      let low = 0
      while (byte >= ZERO && byte <= NINE) {
        low = (10 * low + byte - ZERO) | 0
        byte = body[++at]
      }
      const digits = at - first
      if (digits === 0 || digits > DIGITS_MAX || (digits > 1 && body[first] === ZERO)) return -1
      if (count === ids.length) ids = this.#longIds = twiceAsLong(ids, Float64Array)
      ids[count++] = digits > INT32_DIGITS ? id * POWERS[at - middle] + low : id
      at++
      if (byte === COMMA) continue
      this.#read = ids.subarray(0, count)
      return byte === CLOSE ? at : -1
    }
  }
}

function twiceAsLong<A extends Int32Array | Float64Array>(ids: A, Type: new (length: number) => A): A {
  const longer = new Type(2 * ids.length)
  longer.set(ids)
  return longer
}

function skipSpace(body: Buffer, at: number): number {
  return body[at] === SPACE ? at + 1 : at
}
