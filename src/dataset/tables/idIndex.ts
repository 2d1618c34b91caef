/** Stands for "no such id" where a row number is expected. */
export const NO_ROW = 0xffffffff

const SIGN = 0x80000000 | 0

/** Integer ids from the lowest to the highest, both exact as numbers. */
interface IdRange {
  lowest: number
  size: number // at most 2^31 − 1
}

/**
 * Row numbers by id, for ids of 2 or 4 words of 32 bits, in typed arrays alone. Consecutive integers are
 * counted from the first; others of a narrow range (up to four times the number of rows) are looked up
 * directly, anything else in a hash table with linear probing, at most half full.
 */
export class IdIndex {
  readonly duplicate: { row: number; earlierRow: number } | undefined // the first id that came twice
  readonly #words: number // of one key
  readonly #keys: Uint32Array // [rows, words]
  readonly #range: IdRange | undefined // undefined: hashed
  readonly #direct: Int32Array | null = null // row of the lowest id + i, −1 for none; null: it is i
  readonly #slots: Uint32Array = new Uint32Array(0) // hashed: row + 1, 0 for none
  readonly #mask: number = 0

  /** `keys`: [rows, words], kept. */
  constructor(keys: Uint32Array, words: 2 | 4) {
    this.#words = words
    this.#keys = keys
    const rows = keys.length / words
    const range = words === 2 ? rangeOf(keys) : undefined
    if (range && range.size <= Math.min(4 * rows + 1024, 0x7fffffff)) {
      this.#range = range
      if (areConsecutive(keys, range)) return
      this.#direct = new Int32Array(range.size).fill(-1)
      for (let row = 0; row < rows; row++) {
        const at = numberAt(keys, row) - range.lowest
        if (this.#direct[at] === -1) this.#direct[at] = row
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
    if (!this.#range) return this.#hashedInto(keys, count, out)
    const [signedKeys, signedOut] = [signed(keys), signed(out)]
    const missing = placesInto(this.#range, signedKeys, count, signedOut)
    return this.#direct === null ? missing : rowsInto(this.#direct, count, signedOut)
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

/**
 * Of each key, how far it is from the lowest id of a range, −1 if it is not in it; returns how many are not.
 * Signed throughout: V8 then keeps everything in 32 bits, and takes half the time.
 */
function placesInto({ lowest, size }: IdRange, keys: Int32Array, count: number, out: Int32Array): number {
  const baseLow = lowest | 0
  const baseHigh = Math.floor(lowest / 0x100000000) | 0
  const carryAt = baseLow ^ SIGN // compares as if it were unsigned
  let missing = 0
  for (let i = 0; i < count; i++) {
    // The 64-bit difference id − lowest, exactly: it is a place only if its upper half is 0.
    const low = keys[2 * i]
    const at = (low - baseLow) | 0
    const high = (keys[2 * i + 1] - baseHigh - ((low ^ SIGN) < carryAt ? 1 : 0)) | 0
    if (high === 0 && at >= 0 && at < size) out[i] = at
    else {
      out[i] = -1
      missing++
    }
  }
  return missing
}

/** Puts the row of each place where the place is; returns how many have none. */
function rowsInto(direct: Int32Array, count: number, places: Int32Array): number {
  let missing = 0
  for (let i = 0; i < count; i++) {
    const at = places[i]
    const row = at < 0 ? -1 : direct[at]
    places[i] = row
    if (row < 0) missing++
  }
  return missing
}

function signed(words: Uint32Array): Int32Array {
  return new Int32Array(words.buffer, words.byteOffset, words.length)
}

function areConsecutive(keys: Uint32Array, { lowest, size }: IdRange): boolean {
  if (keys.length !== 2 * size) return false
  for (let row = 0; row < size; row++) if (numberAt(keys, row) !== lowest + row) return false
  return true
}

/** A signed 64-bit integer as a number, rounded beyond ±2^53. */
function numberAt(keys: Uint32Array, i: number): number {
  return (keys[2 * i + 1] | 0) * 0x100000000 + keys[2 * i]
}

/** Lowest id and number of ids to the highest, when all of them are exact as numbers. */
function rangeOf(keys: Uint32Array): IdRange | undefined {
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
