/** The types of Thrift's compact protocol that have a meaning here. */
const TYPE = { true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6, double: 7, binary: 8 } as const
const LIST = 9
const SET = 10
const MAP = 11
const STRUCT = 12
const UUID = 13
const DEPTH_MAX = 32

/** The bytes end before the value does. */
export class EndOfBytes extends Error {
  override message = 'it ends too early'
}

/**
 * Reads Thrift's compact protocol, in which Parquet has its metadata and page headers.
 * @throws EndOfBytes; Error for bytes that are none of it.
 */
export class ThriftReader {
  readonly #bytes: Uint8Array
  #depth = 0
  at: number // of the next byte

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.at = at
  }

  /** Reads a struct: `onField` reads the value of a field and returns true, or false, and it is skipped. */
  struct(onField: (id: number, type: number) => boolean): void {
    if (++this.#depth > DEPTH_MAX) throw new Error('it is nested too deeply')
    for (let id = 0; ; ) {
      const head = this.#byte()
      const type = head & 15
      if (type === 0) break
      id = head >>> 4 === 0 ? this.integer() : id + (head >>> 4)
      if (!onField(id, type)) this.#skip(type)
    }
    this.#depth--
  }

  /** Reads a struct up to the value of a field; false: it has no such field. */
  isAtField(wanted: number): boolean {
    for (let id = 0; ; ) {
      const head = this.#byte()
      const type = head & 15
      if (type === 0) return false
      id = head >>> 4 === 0 ? this.integer() : id + (head >>> 4)
      if (id === wanted) return true
      this.#skip(type)
    }
  }

  /** How many items follow. */
  listCount(): number {
    return this.#listHead().count
  }

  /** An integer of any width; exact up to 2^53. */
  integer(): number {
    const zigzag = this.#varint()
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
  }

  text(): string {
    const length = this.#varint()
    const start = this.at
    this.#pass(length)
    return Buffer.from(this.#bytes.subarray(start, this.at)).toString('utf8')
  }

  #byte(): number {
    if (this.at >= this.#bytes.length) throw new EndOfBytes()
    return this.#bytes[this.at++]
  }

  #varint(): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    throw new Error('an integer is too long')
  }

  #pass(bytes: number): void {
    if (bytes > this.#bytes.length - this.at) throw new EndOfBytes()
    this.at += bytes
  }

  #listHead(): { count: number; type: number } {
    const head = this.#byte()
    const count = head >>> 4 === 15 ? this.#varint() : head >>> 4
    return { count, type: head & 15 }
  }

  #skip(type: number): void {
    switch (type) {
      case TYPE.true:
      case TYPE.false:
        return // the type is the value
      case TYPE.byte:
        return this.#pass(1)
      case TYPE.i16:
      case TYPE.i32:
      case TYPE.i64:
        this.#varint()
        return
      case TYPE.double:
        return this.#pass(8)
      case UUID:
        return this.#pass(16)
      case TYPE.binary:
        return this.#pass(this.#varint())
      case STRUCT:
        return this.struct(() => false)
      default:
        return this.#skipMany(type)
    }
  }

  #skipMany(type: number): void {
    if (++this.#depth > DEPTH_MAX) throw new Error('it is nested too deeply')
    if (type === LIST || type === SET) {
      const { count, type: own } = this.#listHead()
      for (let i = 0; i < count; i++) this.#skipItem(own)
    } else if (type === MAP) {
      const count = this.#varint()
      const types = count === 0 ? 0 : this.#byte()
      for (let i = 0; i < count; i++) {
        this.#skipItem(types >>> 4)
        this.#skipItem(types & 15)
      }
    } else throw new Error(`there is no type ${type}`)
    this.#depth--
  }

  /** In a collection, a truth value takes a byte. */
  #skipItem(type: number): void {
    if (type === TYPE.true || type === TYPE.false) this.#pass(1)
    else this.#skip(type)
  }
}
