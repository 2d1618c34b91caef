const DEPTH = 10
const STATE = 0 // word of a record: click bit of each kept rank, kept rows above bit DEPTH
const CLICKS = 1 // word of a record: clicks of the user, kept or not
const BEST = 2 // first word of a record's kept scores, falling
const WORDS = DEPTH + 2
const CLICK_BITS = (1 << DEPTH) - 1

const DISCOUNTS = Float64Array.from({ length: DEPTH }, (_, rank) => 1 / Math.log2(rank + 2))

/**
 * NDCG@10 (Järvelin & Kekäläinen 2002) with the rows grouped by user, however they are mixed: binary gains,
 * users without a click left out, mean over the others. Of each user only the 10 best scores are kept: 48
 * bytes a user. Among equal scores the row that came first ranks first.
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
      sum += ndcgOf(words[base + STATE] & CLICK_BITS, words[base + CLICKS])
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
    const score = scores[row]
    const click = clicks[row]
    const state = words[base + STATE]
    const kept = state >>> DEPTH
    if (kept === DEPTH && score <= best[first + DEPTH - 1]) continue
    let rank = kept < DEPTH ? kept : DEPTH - 1
    for (; rank > 0 && best[first + rank - 1] < score; rank--) best[first + rank] = best[first + rank - 1]
    best[first + rank] = score
    const below = (1 << rank) - 1 // bits of the ranks that stay
    const bits = (state & below) | (click << rank) | ((state & CLICK_BITS & ~below) << 1)
    words[base + STATE] = (bits & CLICK_BITS) | ((kept < DEPTH ? kept + 1 : DEPTH) << DEPTH)
  }
}

/** Gain of the clicked ranks over the gain of `clicks` clicks at the top. */
function ndcgOf(clickedRanks: number, clicks: number): number {
  let gain = 0
  let ideal = 0
  for (let rank = 0; rank < DEPTH; rank++) {
    if ((clickedRanks >>> rank) & 1) gain += DISCOUNTS[rank]
    if (rank < clicks) ideal += DISCOUNTS[rank]
  }
  return gain / ideal
}
