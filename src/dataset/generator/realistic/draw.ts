import type { Random } from '../../../random.ts'

/** Random streams that belong to no file; those of the files are 1 … 5. */
export const STREAMS = { towns: 6, names: 7, visitSample: 8, userSample: 9 } as const

const TICKETS_MAX = 64
const TICKET_SPREAD = 1.1 // of the logarithm

/** Running sums of weights, the last of which is 1. */
export function cumulative(weights: ArrayLike<number>): Float64Array {
  const total = Array.from(weights).reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  const sums = Float64Array.from(weights, (weight) => (sum += weight / total))
  sums[sums.length - 1] = 1
  return sums
}

/** Draws an index by weight. */
export function drawIndex(random: Random, sums: Float64Array): number {
  const x = random.float()
  let i = 0
  while (x >= sums[i]) i++
  return i
}

/** 1 or −1. */
export function drawSign(random: Random): number {
  return random.below(2) === 0 ? 1 : -1
}

/**
 * How popular somebody is: in how many of 1 … 64 tickets of a lottery. Most have one or two, the mean is 2.3,
 * and one in 140 has more than 16.
 */
export function drawTickets(random: Random): number {
  return Math.min(TICKETS_MAX, Math.ceil(Math.exp(TICKET_SPREAD * random.normal())))
}
