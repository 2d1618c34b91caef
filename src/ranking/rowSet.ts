const FREE = 0
const SPREAD = 0x9e3779b1 // 2^32 divided by the golden ratio, odd: neighbours land far apart

/**
 * A set of rows that is used again and again, by hashes with open addressing:
 * as small as what is in it, so that it stays in the cache.
 */
export class RowSet {
  #slots = new Uint32Array(64) // row + 1
  #shift = 26 // 32 − log2 of the slots in use
  #mask = 63

  /** Empties it and makes room for `count` rows. */
  clear(count: number): void {
    const bits = Math.max(6, 33 - Math.clz32(count)) // at most half full
    const slots = 2 ** bits
    if (slots > this.#slots.length) this.#slots = new Uint32Array(slots)
    else this.#slots.fill(FREE, 0, slots)
    this.#shift = 32 - bits
    this.#mask = slots - 1
  }

  /** false: it is there already. */
  add(row: number): boolean {
    const slots = this.#slots
    const mask = this.#mask
    let at = Math.imul(row, SPREAD) >>> this.#shift
    while (slots[at] !== FREE) {
      if (slots[at] === row + 1) return false
      at = (at + 1) & mask
    }
    slots[at] = row + 1
    return true
  }
}
