const DEPTH = 10
const STATE = 0 // word of a record: click bit of each kept rank, kept rows above bit DEPTH
const CLICKS = 1 // word of a record: clicks of the user, kept or not
const BEST = 2 // first word of a record's kept scores, falling
const TIED = BEST + DEPTH // word of a record: rows that are not kept, of the score of the last one kept
const TIED_CLICKS = TIED + 1 // word of a record: clicks among those
const WORDS = 16
const CLICK_BITS = (1 << DEPTH) - 1

/** What is kept of a user. */
export const NDCG_USER_BYTES = 4 * WORDS

const DISCOUNTS = Float64Array.from({ length: DEPTH }, (_, rank) => 1 / Math.log2(rank + 2))

/**
 * NDCG@10 (Järvelin & Kekäläinen 2002) with the rows grouped by user, however they are mixed: binary gains,
 * users without a click left out, mean over the others. Equal scores stand in any order: a user's value is
 * the mean over these (McSherry & Najork 2008). Of each user only the 10 best scores are kept, and of the
 * last one how many more rows have it: `NDCG_USER_BYTES` a user.
 */
export class GroupedNdcg {
  readonly #scores: Float32Array // [users, WORDS]: the user's best scores, falling
  readonly #words: Uint32Array // the same memory: [users, WORDS]

  /** `users`: how many, so that a user is 0 … `users` − 1. */
  constructor(users: number) {
    this.#scores = new Float32Array(users * WORDS)
    this.#words = new Uint32Array(this.#scores.buffer)
  }

  /** Adds rows `start` … `end` − 1. Every user must be in range and every score a number. */
  add(scores: Float32Array, clicks: Uint8Array, users: Uint32Array, start: number, end: number): void {
    insertRows(this.#scores, this.#words, scores, clicks, users, start, end)
  }

  /** null if no user has a click. */
  mean(): number | null {
    const words = this.#words
    let users = 0
    let sum = 0
    for (let base = 0; base < words.length; base += WORDS) {
      if (words[base + CLICKS] === 0) continue
      users++
      sum += ndcgOf(this.#scores, words, base)
    }
    return users === 0 ? null : sum / users
  }
}

function insertRows(
  best: Float32Array, // [users, WORDS]
  words: Uint32Array, // the same memory
  scores: Float32Array,
  clicks: Uint8Array,
  users: Uint32Array,
  start: number,
  end: number,
): void {
  // A pass without a branch to mispredict: the records of many rows come from memory at once.
  for (let row = start; row < end; row++) words[users[row] * WORDS + CLICKS] += clicks[row]
  for (let row = start; row < end; row++) {
    const base = users[row] * WORDS
    const first = base + BEST
    const last = first + DEPTH - 1
    const score = scores[row]
    const click = clicks[row]
    const state = words[base + STATE]
    const kept = state >>> DEPTH
    let rank = kept
    if (kept === DEPTH) {
      const lowest = best[last]
      if (score <= lowest) {
        if (score === lowest) {
          words[base + TIED]++
          words[base + TIED_CLICKS] += click
        }
        continue
      }
      // The last one gives way. If the one before it has the same score, it is one more that is tied.
      const isTied = best[last - 1] === lowest
      words[base + TIED] = isTied ? words[base + TIED] + 1 : 0
      words[base + TIED_CLICKS] = isTied ? words[base + TIED_CLICKS] + ((state >>> (DEPTH - 1)) & 1) : 0
      rank = DEPTH - 1
    }
    for (; rank > 0 && best[first + rank - 1] < score; rank--) best[first + rank] = best[first + rank - 1]
    best[first + rank] = score
    const below = (1 << rank) - 1 // bits of the ranks that stay
    const bits = (state & below) | (click << rank) | ((state & CLICK_BITS & ~below) << 1)
    words[base + STATE] = (bits & CLICK_BITS) | ((kept < DEPTH ? kept + 1 : DEPTH) << DEPTH)
  }
}

/** Gain of the clicked ranks over the gain of all clicks at the top. */
function ndcgOf(scores: Float32Array, words: Uint32Array, base: number): number {
  const state = words[base + STATE]
  const clicks = words[base + CLICKS]
  const kept = state >>> DEPTH
  let gain = 0
  for (let rank = 0, end = 0; rank < kept; rank = end) {
    let discount = 0
    let clicked = 0
    for (; end < kept && scores[base + BEST + end] === scores[base + BEST + rank]; end++) {
      discount += DISCOUNTS[end]
      clicked += (state >>> end) & 1
    }
    const isCut = end === DEPTH
    const rows = end - rank + (isCut ? words[base + TIED] : 0)
    gain += (discount * (clicked + (isCut ? words[base + TIED_CLICKS] : 0))) / rows
  }
  let ideal = 0
  for (let rank = 0; rank < DEPTH && rank < clicks; rank++) ideal += DISCOUNTS[rank]
  return gain / ideal
}
