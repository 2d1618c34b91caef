const EMPTY = 0xffffffff
const LOAD_MAX = 0.5 // of the slots: beyond, a search takes long

/** Numbers 64-bit keys in the order in which they first come: 0, 1, 2, … 16 to 32 bytes for each. */
export class KeyNumbers {
  size = 0
  #keys: Uint32Array // [capacity, 2]: low and high word of each number's key
  #slots: Uint32Array // numbers, by the hash of their keys

  constructor(capacity = 1024) {
    this.#keys = new Uint32Array(2 * capacity)
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(capacity / LOAD_MAX))).fill(EMPTY)
  }

  /** The number of a key, which is uniform in all its bits, as a hash is. */
  numberOf(low: number, high: number): number {
    const mask = this.#slots.length - 1
    let slot = low & mask
    for (; this.#slots[slot] !== EMPTY; slot = (slot + 1) & mask) {
      const number = this.#slots[slot]
      if (this.#keys[2 * number] === low && this.#keys[2 * number + 1] === high) return number
    }
    const added = this.size++
    if (2 * added === this.#keys.length) this.#grow()
    this.#keys[2 * added] = low
    this.#keys[2 * added + 1] = high
    this.#insert(added)
    return added
  }

  #insert(number: number): void {
    const mask = this.#slots.length - 1
    let slot = this.#keys[2 * number] & mask
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask
    this.#slots[slot] = number
  }

  #grow(): void {
    const count = this.#keys.length / 2
    const keys = new Uint32Array(4 * count)
    keys.set(this.#keys)
    this.#keys = keys
    this.#slots = new Uint32Array(2 * this.#slots.length).fill(EMPTY)
    for (let number = 0; number < count; number++) this.#insert(number)
  }
}
