import { Random } from '../../src/random.ts'

/** A matrix of floats in an arena: `rows` rows of `width`, their starts `stride` floats apart; `at` in bytes. */
export interface Block {
  at: number
  rows: number
  width: number
  stride: number
}

const GUARD_BYTES = 48 // a multiple of 16 and of no cache line

/**
 * The memory of one test case. Every word starts as a NaN of its own, so a kernel that reads what it must not read
 * poisons its result, and one that writes where it must not is seen even if it only moves things.
 */
export class Arena {
  readonly buffer: ArrayBuffer
  readonly f32: Float32Array
  readonly u32: Uint32Array
  readonly u8: Uint8Array
  #end = GUARD_BYTES

  constructor(bytes: number) {
    this.buffer = new ArrayBuffer(bytes)
    this.f32 = new Float32Array(this.buffer)
    this.u32 = new Uint32Array(this.buffer)
    this.u8 = new Uint8Array(this.buffer)
    for (let i = 0; i < this.u32.length; i++) this.u32[i] = 0x7fc00000 + i
  }

  /** Reserves bytes, 16-byte aligned, with untouched words before and behind. */
  reserve(bytes: number): number {
    const at = this.#end
    this.#end = Math.ceil((at + bytes + GUARD_BYTES) / 16) * 16
    if (this.#end > this.buffer.byteLength)
      throw new RangeError(`the arena is too small for ${bytes} bytes more`)
    return at
  }

  /** Room for a result: nothing is written. */
  empty(rows: number, width: number, stride = width): Block {
    return { at: this.reserve(4 * Math.max(rows * stride, (rows - 1) * stride + width)), rows, width, stride }
  }

  /** A matrix filled row by row; what lies between the width and the stride keeps its NaNs. */
  matrix(fill: () => number, rows: number, width: number, stride = width): Block {
    const block = this.empty(rows, width, stride)
    for (let row = 0; row < rows; row++)
      for (let j = 0; j < width; j++) this.f32[block.at / 4 + row * stride + j] = fill()
    return block
  }

  /** A row of given floats. */
  floats(values: number[]): Block {
    let i = 0
    return this.matrix(() => values[i++], 1, values.length)
  }

  words(values: number[]): number {
    const at = this.reserve(values.length * 4)
    this.u32.set(values, at / 4)
    return at
  }

  bytes(values: number[]): number {
    const at = this.reserve(values.length)
    this.u8.set(values, at)
    return at
  }
}

/** Uniform in ±limit. */
export function uniform(random: Random, limit = 1): () => number {
  return () => (2 * random.float() - 1) * limit
}

/** Quarters from −2 to 2: sums of their products are exact in float32 up to 2^20 terms, whatever the order. */
export function quarters(random: Random): () => number {
  return () => (random.below(17) - 8) / 4
}
