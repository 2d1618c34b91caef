/**
 * Seeded random numbers: xoshiro128** (Blackman & Vigna 2018), seeded by SplitMix32 over a seed and a stream,
 * so that streams of one seed are independent and can be drawn in any order on any number of threads.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number
  #spareNormal = Number.NaN

  /**
   * `seed` and each part of `stream`: integers, taken modulo 2^53. The same arguments give the same numbers
   * for ever.
   */
  constructor(seed: number, ...stream: number[]) {
    let state = 0x9e3779b9
    for (const part of [seed, ...stream]) {
      state = mix32(state ^ (part >>> 0))
      state = mix32((state + 0x9e3779b9) ^ Math.floor(part / 2 ** 32))
    }
    const next = () => mix32((state = (state + 0x9e3779b9) | 0))
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#d = next() | 1 // the state must not be all zeros
  }

  /** Uniform in 0 … 2^32 − 1. */
  uint32(): number {
    const product = Math.imul(this.#b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const t = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= t
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result
  }

  /** Uniform in [0, 1), 53 random bits. */
  float(): number {
    const high = this.uint32() >>> 5
    const low = this.uint32() >>> 6
    return (high * 0x4000000 + low) / 2 ** 53
  }

  /**
   * Uniform in 0 … bound − 1, without bias: draws past the last whole multiple of `bound` are thrown away.
   * `bound`: 1 … 2^32.
   */
  below(bound: number): number {
    // A quotient of such integers never rounds up to the next. `%` past 2^31 is a call of `fmod`.
    const limit = Math.floor(0x100000000 / bound) * bound
    for (;;) {
      const x = this.uint32()
      if (x < limit) return x - Math.floor(x / bound) * bound
    }
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    if (!Number.isNaN(this.#spareNormal)) {
      const spare = this.#spareNormal
      this.#spareNormal = Number.NaN
      return spare
    }
    for (;;) {
      const u = 2 * this.float() - 1
      const v = 2 * this.float() - 1
      const s = u * u + v * v
      if (s >= 1 || s === 0) continue
      const scale = Math.sqrt((-2 * Math.log(s)) / s)
      this.#spareNormal = v * scale
      return u * scale
    }
  }
}

/**
 * A bijective mix of 32 bits: two multiplications and three shifts, with constants that the hash-prospector
 * project found by search.
 */
export function mix32(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return x ^ (x >>> 15)
}

/** Another one, 0 … 2^32 − 1: the finalizer of MurmurHash3. Codes of trained models depend on it. */
export function murmur32(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
