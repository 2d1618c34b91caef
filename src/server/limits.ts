/** Sizes of bodies that are taken, in bytes. */
export interface BodyLimits {
  bulkBodyBytesMax: number // of POST /features
  rowBodyBytesMax: number // of every other body, and of a line of a bulk load
}

export const BODY_LIMITS: BodyLimits = { bulkBodyBytesMax: 64 * 2 ** 20, rowBodyBytesMax: 2 ** 20 }

/** Bytes of bodies that arrive, wait or are passed on: in a thread, two bulk loads and others. */
export const BODY_ROOM = { threadBytesMax: 160 * 2 ** 20, allBytesMax: 256 * 2 ** 20 }

/** Bulk loads that may arrive at once in a thread, and that may run at once: each holds its body. */
export const LOADS_MAX = 2
/** A bulk load of at most this size is not counted among those that arrive. */
export const SMALL_LOAD_BYTES_MAX = 2 ** 20

/** Requests that a thread has passed on and that are not answered yet: pipelining costs a client nothing. */
export const PASSED_MAX = 256

/** Rows that one request may read, each of up to a megabyte. */
export const READ_ROWS_MAX = 100

/** Values of a category that its description lists. */
export const KNOWN_VALUES_MAX = 1000

/** Lists that the main thread explains at the same time, a restaurant of each in turn. */
export const EXPLAINED_LISTS_MAX = 8

const RANKING_BODY_BYTES_MIN = 65_536
const CANDIDATE_BYTES = 64 // of JSON, on average at most

/** Of the body of a request for a ranking. */
export function rankingBodyBytesMax(candidatesMax: number): number {
  return Math.max(RANKING_BODY_BYTES_MIN, CANDIDATE_BYTES * candidatesMax)
}
