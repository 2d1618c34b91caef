import { NearrankError } from '../errors.ts'
import { mix32 } from '../random.ts'
import { type FeatureId, type IdKind, idText, parseId } from '../ids.ts'

const ROWS = 0 // words of `counters`
const TEXT_UNITS = 1
const OWN_ROWS = 2
const FULL_SHARE = 0.8 // of the slots by hash that are taken if the table is full

/** An id table's shared memory. */
export interface IdMemory {
  kind: IdKind
  rowsMax: number
  counters: SharedArrayBuffer // i32: rows, UTF-16 units of text, how many ids 0, 1, 2, … are their own rows
  directIds: number // integers 0 … directIds − 1 have slots of their own
  direct: SharedArrayBuffer // i32 [directIds]: row + 1 by id, 0 where nothing is
  // i32 [slots, 2], by hash with open addressing: row + 1, negative if the key's high half is not 0, and 0
  // where nothing is; the key's low half, so that most searches read nothing else
  slots: SharedArrayBuffer
  keys: SharedArrayBuffer // i32 [rowsMax, 2]: an integer's low and high half, or a text's hash
  textEnds: SharedArrayBuffer // u32 [rowsMax + 1]: where a row's text ends, that of row − 1 being its start
  text: SharedArrayBuffer // u16
}

/**
 * Ids and their rows, in memory that threads share: one thread adds, any read. A row's id never changes and
 * is never taken away, so reading needs no lock: an id is complete before it can be found. Takes 25 to 40
 * bytes an integer id. Small integers, which most ids are, take one read; those that came in their order, as
 * 0, 1, 2, …, none: a read that misses the cache takes longer than all else that is done for a candidate out
 * of reach.
 */
export class IdTable {
  readonly #memory: IdMemory
  readonly #counters: Int32Array
  readonly #direct: Int32Array
  readonly #slots: Int32Array
  readonly #mask: number
  readonly #keys: Int32Array
  readonly #textEnds: Uint32Array
  readonly #text: Uint16Array
  readonly #key = new Int32Array(2) // the key last worked out

  /**
   * Memory for `rowsMax` ids and, of string ids, `textUnitsMax` UTF-16
   * units. The system gives it as it is used.
   */
  static memoryFor(kind: IdKind, rowsMax: number, textUnitsMax: number): IdMemory {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, rowsMax / FULL_SHARE)))
    const isText = kind === 'string'
    const directIds = isText ? 0 : 2 * rowsMax
    return {
      kind,
      rowsMax,
      counters: new SharedArrayBuffer(12),
      directIds,
      direct: new SharedArrayBuffer(4 * directIds),
      slots: new SharedArrayBuffer(8 * slots),
      keys: new SharedArrayBuffer(8 * rowsMax),
      textEnds: new SharedArrayBuffer(isText ? 4 * (rowsMax + 1) : 0),
      text: new SharedArrayBuffer(isText ? 2 * textUnitsMax : 0),
    }
  }

  constructor(memory: IdMemory) {
    this.#memory = memory
    this.#counters = new Int32Array(memory.counters)
    this.#direct = new Int32Array(memory.direct)
    this.#slots = new Int32Array(memory.slots)
    this.#mask = this.#slots.length / 2 - 1
    this.#keys = new Int32Array(memory.keys)
    this.#textEnds = new Uint32Array(memory.textEnds)
    this.#text = new Uint16Array(memory.text)
  }

  get rows(): number {
    return Atomics.load(this.#counters, ROWS)
  }

  get textUnits(): number {
    return this.#counters[TEXT_UNITS]
  }

  /**
   * The row of an id; −1 where there is none. A string of digits is an integer
   * to a table of integers, a number a string to one of strings.
   */
  rowOf(id: FeatureId): number {
    if (typeof id === 'number' && id >= 0 && id < this.#direct.length && Number.isInteger(id))
      return id < this.#counters[OWN_ROWS] ? id : this.#direct[id] - 1
    if (!this.#setKey(id)) return -1
    return this.#memory.kind === 'string'
      ? this.#rowOfText(idText(id))
      : this.#rowOfKey(this.#key[0], this.#key[1])
  }

  /**
   * Writes the rows of those `ids` that are there, in their order, to
   * `rows` (length ≥ ids.length); returns how many. In typed memory: integers from 0, at most 2^53 − 1.
   */
  rowsInto(rows: Uint32Array, ids: readonly FeatureId[] | Int32Array | Float64Array): number {
    const isText = this.#memory.kind === 'string'
    if (ids instanceof Int32Array && !isText) return this.#integerRowsInto(rows, ids)
    if (ids instanceof Float64Array && !isText) return this.#longRowsInto(rows, ids)
    let count = 0
    for (let i = 0; i < ids.length; i++) {
      const row = this.rowOf(ids[i])
      if (row >= 0) rows[count++] = row
    }
    return count
  }

  #integerRowsInto(rows: Uint32Array, ids: Int32Array): number {
    const ownRows = this.#counters[OWN_ROWS]
    let count = 0
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]
      const row = id < ownRows ? id : this.#rowOfKey(id, 0)
      if (row >= 0) rows[count++] = row
    }
    return count
  }

  #longRowsInto(rows: Uint32Array, ids: Float64Array): number {
    const direct = this.#direct
    const slots = this.#slots
    const keys = this.#keys
    let count = 0
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]
      const low = id | 0
      const high = id < 2 ** 32 ? 0 : ((id - (low >>> 0)) / 2 ** 32) | 0
      const row = id < direct.length ? direct[low] - 1 : searchRow(slots, keys, low, high)
      if (row >= 0) rows[count++] = row
    }
    return count
  }

  /** Enters an id that is not there yet, and returns its row, the next one; −1 where there is no room. */
  add(id: FeatureId): number {
    const row = this.rows
    if (row === this.#memory.rowsMax) return -1
    if (!this.#setKey(id))
      throw new NearrankError(
        'INTERNAL',
        `${idText(id)} is not an id for a table of ${this.#memory.kind} ids`,
      )
    if (this.#memory.kind === 'string') {
      const text = idText(id)
      const start = this.#counters[TEXT_UNITS]
      if (start + text.length > this.#text.length) return -1
      for (let i = 0; i < text.length; i++) this.#text[start + i] = text.charCodeAt(i)
      this.#counters[TEXT_UNITS] = start + text.length
      this.#textEnds[row + 1] = start + text.length
    }
    this.#keys[2 * row] = this.#key[0]
    this.#keys[2 * row + 1] = this.#key[1]
    this.#enter(row)
    Atomics.store(this.#counters, ROWS, row + 1)
    if (id === row && this.#direct.length > row && this.#counters[OWN_ROWS] === row)
      Atomics.store(this.#counters, OWN_ROWS, row + 1)
    return row
  }

  /** The id of a row; a bigint beyond ±(2^53 − 1). */
  idAt(row: number): FeatureId {
    if (this.#memory.kind === 'string') {
      const units = this.#text.subarray(this.#textEnds[row], this.#textEnds[row + 1])
      return String.fromCharCode(...units)
    }
    if (row < this.#counters[OWN_ROWS]) return row
    const low = this.#keys[2 * row]
    const bits = this.#keys[2 * row + 1]
    if (bits === 0 && low >= 0) return low // stays a small integer, which is faster to write
    const high = this.#memory.kind === 'unsigned' ? bits >>> 0 : bits
    const id = high * 2 ** 32 + (low >>> 0)
    return Number.isSafeInteger(id) ? id : (BigInt(high) << 32n) | BigInt(low >>> 0)
  }

  /**
   * Whether the id of one row comes before that of another: integers by value, strings by their UTF-16 units.
   */
  isBefore(rowA: number, rowB: number): boolean {
    return this.idAt(rowA) < this.idAt(rowB)
  }

  /** Works out the key of an id; false where a table of this kind cannot hold it. */
  #setKey(id: FeatureId): boolean {
    const key = this.#key
    if (this.#memory.kind === 'string') {
      const text = idText(id)
      let a = 0x811c9dc5
      let b = 0x9747b28c
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i)
        a = Math.imul(a ^ unit, 0x01000193)
        b = Math.imul(b ^ unit, 0x85ebca6b) + 0x6b43a9b5
      }
      key[0] = mix32(a)
      key[1] = mix32(b)
      return true
    }
    const integer = parseId(id, this.#memory.kind)
    if (typeof integer === 'number') {
      key[0] = integer
      key[1] = Math.floor(integer / 2 ** 32)
      return true
    }
    if (typeof integer !== 'bigint') return false
    key[0] = Number(BigInt.asIntN(32, integer))
    key[1] = Number(BigInt.asIntN(32, integer >> 32n))
    return true
  }

  /** Makes a row be found by its key, which is the one last worked out. */
  #enter(row: number): void {
    const low = this.#key[0]
    const high = this.#key[1]
    if (this.#isDirect(low, high)) {
      Atomics.store(this.#direct, low, row + 1)
      return
    }
    let slot = hashOf(low, high) & this.#mask
    while (this.#slots[2 * slot] !== 0) slot = (slot + 1) & this.#mask
    this.#slots[2 * slot + 1] = low
    Atomics.store(this.#slots, 2 * slot, high === 0 ? row + 1 : -(row + 1))
  }

  #isDirect(low: number, high: number): boolean {
    return high === 0 && low >= 0 && low < this.#direct.length
  }

  /** The row of the integer whose halves these are; −1 where there is none. */
  #rowOfKey(low: number, high: number): number {
    return this.#isDirect(low, high) ? this.#direct[low] - 1 : searchRow(this.#slots, this.#keys, low, high)
  }

  /** The row of the text whose key was just worked out; −1 where there is none. */
  #rowOfText(text: string): number {
    const low = this.#key[0]
    const high = this.#key[1]
    const slots = this.#slots
    for (let slot = hashOf(low, high) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const entry = slots[2 * slot]
      if (entry === 0) return -1
      const row = Math.abs(entry) - 1
      if (this.#hasKey(row, low, high) && this.#hasText(row, text)) return row
    }
  }

  #hasKey(row: number, low: number, high: number): boolean {
    return this.#keys[2 * row] === low && this.#keys[2 * row + 1] === high
  }

  #hasText(row: number, text: string): boolean {
    const start = this.#textEnds[row]
    if (this.#textEnds[row + 1] - start !== text.length) return false
    for (let i = 0; i < text.length; i++) if (this.#text[start + i] !== text.charCodeAt(i)) return false
    return true
  }
}

/** The row of a key; −1 where there is none. As a method it takes half as long again in a loop. */
function searchRow(slots: Int32Array, keys: Int32Array, low: number, high: number): number {
  const mask = (slots.length >> 1) - 1
  for (let slot = hashOf(low, high) & mask; ; slot = (slot + 1) & mask) {
    // Not by Atomics.load, which is several times slower.
    const entry = slots[2 * slot]
    if (entry === 0) return -1
    if (slots[2 * slot + 1] !== low) continue
    // A low half of 0 may be from before the slot was taken: a row's key is surely behind its number.
    if (low !== 0 && high === 0 && entry > 0) return entry - 1
    const row = Math.abs(entry) - 1
    if (keys[2 * row] === low && keys[2 * row + 1] === high) return row
  }
}

/** Where the search for a key begins. */
function hashOf(low: number, high: number): number {
  return mix32(low ^ Math.imul(high, 0x9e3779b1))
}
