import { murmur32 } from '../../random.ts'
import type { Combination } from '../featureSpec.ts'

/** Codes to the number of their combination; of an operand that there is not, the code does not matter. */
export type Combine = (a: number, b: number, c: number) => number

/**
 * Numbers combinations of codes, below `buckets`: one after the other if there are few enough, so that no two
 * of them share one; else hashed.
 */
export function combine({ sizes, buckets }: Combination): Combine {
  const [, second = 1, third = 1] = sizes
  const count = sizes.length
  if (combinations(sizes) <= buckets)
    return (a, b, c) => (a * second + (count > 1 ? b : 0)) * third + (count > 2 ? c : 0)
  return (a, b, c) => {
    let hash = mixed(0, a)
    if (count > 1) hash = mixed(hash, b)
    if (count > 2) hash = mixed(hash, c)
    return hash % buckets
  }
}

/** How many there are of so many codes each. */
export function combinations(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1)
}

/** One code more, every bit of which reaches every bit of the result. */
export function mixed(hash: number, code: number): number {
  return murmur32(Math.imul(hash, 31) + code)
}
