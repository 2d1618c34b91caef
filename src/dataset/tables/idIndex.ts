/** Stands for "no such id" where a row number is expected. */
export const NO_ROW = 0xffffffff

/**
 * Row numbers by id, for ids of 2 or 4 words of 32 bits, in typed arrays alone. Integers of a narrow range
 * (up to four times the number of rows) are looked up directly, anything else in a hash table with linear
 * probing, at most half full.
 */
export class IdIndex {
  readonly duplicate: { row: number; earlierRow: number } | undefined // the first id that came twice
  readonly #words: number // of one key
  readonly #keys: Uint32Array // [rows, words]
  readonly #base: number = 0 // direct: the lowest id
  readonly #direct: Uint32Array | undefined // row of id base + i
  readonly #slots: Uint32Array = new Uint32Array(0) // hashed: row + 1, 0 for none
  readonly #mask: number = 0

  /** `keys`: [rows, words], kept. */
  constructor(keys: Uint32Array, words: 2 | 4) {
    this.#words = words
    this.#keys = keys
    const rows = keys.length / words
    const range = words === 2 ? rangeOf(keys) : undefined
    if (range && range.size <= 4 * rows + 1024) {
      this.#base = range.lowest
      this.#direct = new Uint32Array(range.size).fill(NO_ROW)
      for (let row = 0; row < rows; row++) {
        const at = numberAt(keys, row) - this.#base
        if (this.#direct[at] === NO_ROW) this.#direct[at] = row
        else this.duplicate ??= { row, earlierRow: this.#direct[at] }
      }
      return
    }
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(16, rows * 2))))
    this.#mask = this.#slots.length - 1
    for (let row = 0; row < rows; row++) {
      const slot = slotOf(this.#slots, this.#mask, keys, words, keys, row * words)
      if (this.#slots[slot] === 0) this.#slots[slot] = row + 1
      else this.duplicate ??= { row, earlierRow: this.#slots[slot] - 1 }
    }
  }

  /** Rows of `count` keys into `out`, NO_ROW for those there is none for; returns how many those are. */
  lookupInto(keys: Uint32Array, count: number, out: Uint32Array): number {
    return this.#direct
      ? directInto(this.#direct, this.#base, keys, count, out)
      : this.#hashedInto(keys, count, out)
  }

  #hashedInto(keys: Uint32Array, count: number, out: Uint32Array): number {
    const slots = this.#slots
    const mask = this.#mask
    const own = this.#keys
    const words = this.#words
    let missing = 0
    for (let i = 0; i < count; i++) {
      const found = slots[slotOf(slots, mask, own, words, keys, i * words)]
      out[i] = found - 1 // 0 − 1 is NO_ROW in 32 bits
      if (found === 0) missing++
    }
    return missing
  }
}

/** The slot that holds the key at `at` of `keys`, or the free one where it would go. */
function slotOf(
  slots: Uint32Array,
  mask: number,
  own: Uint32Array, // [rows, words]
  words: number,
  keys: Uint32Array,
  at: number,
): number {
  let slot = hashWords(keys, at, words) & mask
  for (;;) {
    const held = slots[slot]
    if (held === 0) return slot
    const other = (held - 1) * words
    if (
      own[other] === keys[at] &&
      own[other + 1] === keys[at + 1] &&
      (words === 2 || (own[other + 2] === keys[at + 2] && own[other + 3] === keys[at + 3]))
    )
      return slot
    slot = (slot + 1) & mask
  }
}

function directInto(
  direct: Uint32Array,
  base: number,
  keys: Uint32Array,
  count: number,
  out: Uint32Array,
): number {
  const size = direct.length
  const baseLow = base >>> 0
  const baseHigh = Math.floor(base / 0x100000000) | 0
  let missing = 0
  for (let i = 0; i < count; i++) {
    // The 64-bit difference id − base, exactly: a row can only be there when its upper half is 0.
    const low = keys[2 * i]
    const at = (low - baseLow) >>> 0
    const high = keys[2 * i + 1] - baseHigh - (low < baseLow ? 1 : 0)
    const row = (high | 0) === 0 && at < size ? direct[at] : NO_ROW
    out[i] = row
    if (row === NO_ROW) missing++
  }
  return missing
}

/** A signed 64-bit integer as a number, rounded beyond ±2^53. */
function numberAt(keys: Uint32Array, i: number): number {
  return (keys[2 * i + 1] | 0) * 0x100000000 + keys[2 * i]
}

/** Lowest id and number of ids to the highest, when all of them are exact as numbers. */
function rangeOf(keys: Uint32Array): { lowest: number; size: number } | undefined {
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < keys.length / 2; i++) {
    const id = numberAt(keys, i)
    if (id < lowest) lowest = id
    if (id > highest) highest = id
  }
  const exact = keys.length > 0 && lowest >= Number.MIN_SAFE_INTEGER && highest <= Number.MAX_SAFE_INTEGER
  return exact ? { lowest, size: highest - lowest + 1 } : undefined
}

function hashWords(keys: Uint32Array, at: number, words: number): number {
  let hash = 0x9e3779b9
  for (let w = 0; w < words; w++) {
    hash = Math.imul(hash ^ keys[at + w], 0x21f0aaad)
    hash ^= hash >>> 15
  }
  hash = Math.imul(hash, 0x735a2d97)
  return hash ^ (hash >>> 15)
}
